import { ConfigError, FormatError } from '../ir/index.js'
import { type Json, parseJson, stringifyJson } from './json.js'

/** What a choice may be. */
export type Choice = null | boolean | number | string

/** A real number in [low, high]; with `step` on a grid that begins at low; `log` where its logarithm is what is even. */
export interface FloatDistribution {
  readonly type: 'float'
  readonly low: number
  readonly high: number
  readonly log: boolean
  readonly step: number | null
}
/** A whole number in [low, high], every `step`-th. */
export interface IntDistribution {
  readonly type: 'int'
  readonly low: number
  readonly high: number
  readonly log: boolean
  readonly step: number
}
/** One of some choices, without an order. */
export interface CategoricalDistribution {
  readonly type: 'categorical'
  readonly choices: readonly Choice[]
}
/** Where a parameter's values come from; Optuna's distributions. */
export type Distribution = FloatDistribution | IntDistribution | CategoricalDistribution

/** A parameter's value as the objective sees it. */
export type ParamValue = Choice

const bad = (where: string, expected: string, received: unknown, hint?: string): never => {
  throw new ConfigError({ code: 'bad-range', where, expected, received, ...(hint === undefined ? {} : { hint }) })
}

/** Decimal places of a number as it is written. */
const places = (x: number): number => {
  const [mantissa, exponent = '0'] = String(x).split('e')
  return Math.max(0, (mantissa!.split('.')[1]?.length ?? 0) - Number(exponent))
}
const rounded = (x: number, digits: number): number => Number(x.toFixed(Math.min(digits, 100)))

/** The largest value of the grid low, low + step, … that is at most high; exact in decimals, as Optuna's is. */
export function lastOnGrid(low: number, high: number, step: number): number {
  const digits = Math.max(places(low), places(step))
  const count = Math.floor((high - low) / step + 1e-9)
  return rounded(low + count * step, digits)
}

/** @throws ConfigError for ranges that are empty or reversed, a logarithm of what is not above 0, a step beside log */
export function floatDistribution(
  low: number,
  high: number,
  { log = false, step = null }: { log?: boolean; step?: number | null } = {},
  where = 'suggestFloat',
): FloatDistribution {
  for (const bound of [low, high])
    if (typeof bound !== 'number' || !Number.isFinite(bound)) bad(where, 'finite bounds', [low, high])
  if (low > high) bad(where, 'low ≤ high', [low, high], 'the smaller bound comes first')
  if (log && step !== null)
    bad(where, 'log or step', { log, step }, 'steps are even in the value, log in its logarithm')
  if (log && low <= 0) bad(where, 'low > 0 with log', low)
  if (step !== null && !(Number.isFinite(step) && step > 0)) bad(where, 'step > 0', step)
  return { type: 'float', low, high: step === null ? high : lastOnGrid(low, high, step), log, step }
}

/** @throws ConfigError as for floats, and for bounds that are not whole */
export function intDistribution(
  low: number,
  high: number,
  { log = false, step = 1 }: { log?: boolean; step?: number } = {},
  where = 'suggestInt',
): IntDistribution {
  for (const bound of [low, high, step])
    if (!Number.isSafeInteger(bound)) bad(where, 'whole numbers', [low, high, step])
  if (low > high) bad(where, 'low ≤ high', [low, high], 'the smaller bound comes first')
  if (step < 1) bad(where, 'step ≥ 1', step)
  if (log && step !== 1) bad(where, 'log or step', { log, step })
  if (log && low < 1) bad(where, 'low ≥ 1 with log', low)
  return { type: 'int', low, high: low + Math.floor((high - low) / step) * step, log, step }
}

/** @throws ConfigError for an empty list, or choices that are not null, booleans, numbers or strings */
export function categoricalDistribution(
  choices: readonly Choice[],
  where = 'suggestCategorical',
): CategoricalDistribution {
  if (!Array.isArray(choices) || choices.length === 0) bad(where, 'one choice or more', choices)
  for (const choice of choices as readonly unknown[])
    if (choice !== null && !['boolean', 'number', 'string'].includes(typeof choice))
      bad(where, 'choices that are null, booleans, numbers or strings', choice, 'choose by name, and look the thing up')
  return { type: 'categorical', choices: [...choices] }
}

/** Whether only one value is possible. */
export const isSingle = (d: Distribution): boolean =>
  d.type === 'categorical' ? d.choices.length === 1 : d.low === d.high || (d.step !== null && d.high - d.low < d.step)

/** How many values there are; Infinity for a range of reals. */
export const cardinality = (d: Distribution): number =>
  d.type === 'categorical'
    ? d.choices.length
    : d.step === null
      ? d.low === d.high
        ? 1
        : Infinity
      : Math.round((d.high - d.low) / d.step) + 1

/** Equality of choices: NaN equals itself. */
export const sameChoice = (a: Choice, b: Choice): boolean => Object.is(a, b) || a === b

/** A value as storages and samplers hold it: the number, or the index of the choice. NaN for what is no choice. */
export function toInternal(d: Distribution, value: ParamValue): number {
  if (d.type !== 'categorical') return Number(value)
  const index = d.choices.findIndex(choice => sameChoice(choice, value))
  return index < 0 ? Number.NaN : index
}

/** The value an internal number stands for. */
export function toExternal(d: Distribution, internal: number): ParamValue {
  if (d.type === 'categorical') return d.choices[internal] ?? null
  return d.type === 'int' ? Math.round(internal) : internal
}

/** Whether an internal number is within a distribution. */
export function contains(d: Distribution, internal: number): boolean {
  if (d.type === 'categorical') return Number.isInteger(internal) && internal >= 0 && internal < d.choices.length
  if (!(internal >= d.low && internal <= d.high)) return false
  if (d.step === null) return true
  const k = (internal - d.low) / d.step
  return Math.abs(k - Math.round(k)) < 1e-8
}

/** The nearest value on the grid and within the range. */
export function snap(d: FloatDistribution | IntDistribution, x: number): number {
  if (d.step === null) return Math.min(Math.max(x, d.low), d.high)
  const k = Math.round((Math.min(Math.max(x, d.low), d.high) - d.low) / d.step)
  const digits = Math.max(places(d.low), places(d.step))
  return Math.min(rounded(d.low + k * d.step, digits), d.high)
}

/** Refuses a parameter asked for with another kind of distribution than before; ranges may change (Optuna's rule). */
export function checkCompatible(before: Distribution, now: Distribution, name: string): void {
  const choices = (d: Distribution) => (d.type === 'categorical' ? d.choices : [])
  const same =
    before.type === now.type &&
    (before.type === 'categorical'
      ? choices(before).length === choices(now).length &&
        choices(before).every((choice, i) => sameChoice(choice, choices(now)[i]!))
      : before.log === (now as FloatDistribution | IntDistribution).log)
  if (!same)
    throw new ConfigError({
      code: 'incompatible-distribution',
      where: name,
      expected: before,
      received: now,
      hint: 'one name means one kind of parameter in a study: same type, same log, same choices; ranges may change',
    })
}

const CLASSES = { float: 'FloatDistribution', int: 'IntDistribution', categorical: 'CategoricalDistribution' } as const

/** A distribution as Optuna stores it. */
export function distributionToJson(d: Distribution): string {
  const { type, ...attributes } = d
  return stringifyJson({ name: CLASSES[type], attributes })
}

/** A distribution from Optuna's JSON, of old versions too. @throws FormatError for what is none */
export function distributionFromJson(text: string): Distribution {
  const json = parseJson(text, 'distribution')
  const isRecord = (x: Json | undefined): x is { readonly [key: string]: Json } =>
    typeof x === 'object' && x !== null && !Array.isArray(x)
  const attributes = isRecord(json) ? json.attributes : undefined
  const fail = (): never => {
    throw new FormatError({
      code: 'bad-distribution',
      where: 'distribution',
      expected: "Optuna's JSON",
      received: text,
    })
  }
  if (!isRecord(json) || !isRecord(attributes)) return fail()
  const number = (key: string): number => {
    const value = attributes[key]
    return typeof value === 'number' || typeof value === 'bigint' ? Number(value) : fail()
  }
  const step = attributes.step === null || attributes.step === undefined ? null : number('step')
  switch (json.name) {
    case 'FloatDistribution':
      return { type: 'float', low: number('low'), high: number('high'), log: attributes.log === true, step }
    case 'UniformDistribution':
    case 'LogUniformDistribution':
      return {
        type: 'float',
        low: number('low'),
        high: number('high'),
        log: json.name !== 'UniformDistribution',
        step: null,
      }
    case 'DiscreteUniformDistribution':
      return { type: 'float', low: number('low'), high: number('high'), log: false, step: number('q') }
    case 'IntDistribution':
      return { type: 'int', low: number('low'), high: number('high'), log: attributes.log === true, step: step ?? 1 }
    case 'IntUniformDistribution':
    case 'IntLogUniformDistribution':
      return {
        type: 'int',
        low: number('low'),
        high: number('high'),
        log: json.name === 'IntLogUniformDistribution',
        step: step ?? 1,
      }
    case 'CategoricalDistribution':
      // Python may have stored other JSON as choices; it is shown as text.
      return Array.isArray(attributes.choices)
        ? {
            type: 'categorical',
            choices: attributes.choices.map(choice =>
              typeof choice === 'object' && choice !== null
                ? stringifyJson(choice)
                : typeof choice === 'bigint'
                  ? Number(choice)
                  : choice,
            ),
          }
        : fail()
    default:
      return fail()
  }
}
