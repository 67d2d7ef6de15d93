/** What every anneal error carries. The sentence is made from these fields by `formatError`; read the fields, not the sentence. */
export interface ErrorDetails {
  /** Stable, machine-readable name of the failure, e.g. `matmul-inner`. */
  code: string
  /** Layer or node path, file and line or byte offset. */
  where?: string
  expected?: unknown
  received?: unknown
  /** What to do about it. */
  hint?: string
  /** When several things are wrong at once, all of them. */
  problems?: readonly ErrorDetails[]
  cause?: unknown
}

function show(value: unknown): string {
  if (typeof value === 'string') return shorten(value)
  if (typeof value === 'bigint') return `${value}`
  if (Array.isArray(value)) return `[${value.slice(0, 50).map(show).join(', ')}${value.length > 50 ? ', …' : ''}]`
  if (value instanceof Error) return value.message
  if (typeof value === 'object' && value !== null) return shorten(describe(value))
  return String(value)
}

function describe(value: object): string {
  try {
    return JSON.stringify(value, (_, v) => (typeof v === 'bigint' ? `${v}` : v)) ?? String(value)
  } catch {
    // Values and graphs refer to each other.
    return 'name' in value && typeof value.name === 'string'
      ? value.name
      : `an object with ${Object.keys(value).join(', ')}`
  }
}

const shorten = (text: string): string => (text.length > 300 ? `${text.slice(0, 300)}…` : text)

/** The one place where an error's fields become a sentence. */
export function formatError(details: ErrorDetails): string {
  const parts: string[] = []
  if (details.where !== undefined) parts.push(`at ${details.where}`)
  if (details.expected !== undefined) parts.push(`expected ${show(details.expected)}`)
  if ('received' in details) parts.push(`received ${show(details.received)}`)
  let text = `${details.code}${parts.length > 0 ? `: ${parts.join(', ')}` : ''}`
  if (details.hint !== undefined) text += `. ${details.hint[0]?.toUpperCase()}${details.hint.slice(1)}`
  for (const problem of details.problems ?? []) text += `\n  - ${formatError(problem)}`
  return text
}

function family<Name extends string>(name: Name) {
  return class extends Error {
    override readonly name: Name = name
    readonly code: string
    readonly where: string | undefined
    readonly expected: unknown
    readonly received: unknown
    readonly hint: string | undefined
    readonly problems: readonly ErrorDetails[]
    constructor(details: ErrorDetails) {
      super(formatError(details), details.cause === undefined ? undefined : { cause: details.cause })
      this.code = details.code
      this.where = details.where
      this.expected = details.expected
      this.received = details.received
      this.hint = details.hint
      this.problems = details.problems ?? []
    }
  }
}

/** Shapes or dtypes that do not fit together. */
export const ShapeError = family('ShapeError')
export type ShapeError = InstanceType<typeof ShapeError>
/** A graph that cannot be built, differentiated or understood. */
export const GraphError = family('GraphError')
export type GraphError = InstanceType<typeof GraphError>
/** A file whose bytes are not what its format demands. */
export const FormatError = family('FormatError')
export type FormatError = InstanceType<typeof FormatError>
/** Data that is missing, out of range or not finite. */
export const DataError = family('DataError')
export type DataError = InstanceType<typeof DataError>
/** An option that is unknown, missing or out of range. */
export const ConfigError = family('ConfigError')
export type ConfigError = InstanceType<typeof ConfigError>
/** The runtime or a device refused. */
export const RuntimeError = family('RuntimeError')
export type RuntimeError = InstanceType<typeof RuntimeError>
/** Training produced a value that is not a number. */
export const NumericError = family('NumericError')
export type NumericError = InstanceType<typeof NumericError>

/** Whether an error is one of anneal's own, with fields to read. */
export const isAnnealError = (error: unknown): error is GraphError =>
  [ShapeError, GraphError, FormatError, DataError, ConfigError, RuntimeError, NumericError].some(
    family => error instanceof family,
  )

/** The nearest of `candidates` to `name` by edit distance, best first: for hints in errors. */
export function nearest(name: string, candidates: Iterable<string>, count = 3): string[] {
  const distance = (a: string, b: string): number => {
    let row = Array.from({ length: b.length + 1 }, (_, i) => i)
    for (let i = 1; i <= a.length; i++) {
      const next = [i]
      for (let j = 1; j <= b.length; j++) {
        const cost = a[i - 1]?.toLowerCase() === b[j - 1]?.toLowerCase() ? 0 : 1
        next.push(Math.min(next[j - 1]! + 1, row[j]! + 1, row[j - 1]! + cost))
      }
      row = next
    }
    return row[b.length]!
  }
  return [...candidates]
    .map(candidate => ({ candidate, d: distance(name.slice(0, 60), candidate.slice(0, 60)) }))
    .sort((a, b) => a.d - b.d)
    .slice(0, count)
    .map(entry => entry.candidate)
}

/** What an error of ours found wrong, piece by piece: to report it together with what else is. Others are thrown on. */
export function problemsOf(error: unknown): readonly ErrorDetails[] {
  if (!isAnnealError(error)) throw error
  if (error.problems.length > 0) return error.problems
  const { code, where, expected, received, hint } = error
  return [
    {
      code,
      received,
      ...(where === undefined ? {} : { where }),
      ...(expected === undefined ? {} : { expected }),
      ...(hint === undefined ? {} : { hint }),
    },
  ]
}
