import { ConfigError, nearest } from '../../ir/index.js'
import type { ComparisonKind } from './record.js'

export interface CompareOptions {
  /** First of the seeds: weights, order, dropout and the choice of training digits hang on them. Default 0. */
  seed?: number
  /** How many seeds, each a training of every variant. Default 5; 2 with `quick`. */
  seeds?: number
  /** Default 25 for regularizers, 20 for optimizers and schedules; a fifth with `quick`. */
  epochs?: number
  /** Training digits. Default 1,000. */
  examples?: number
  /**
   * Share of the training labels that are made wrong, as in data labelled in haste: what a network then learns by heart
   * is visibly not worth learning. Default 0.1 for regularizers, 0 for optimizers and schedules.
   */
  wrong?: number
  /** Default 32. */
  batchSize?: number
  /** Units of the hidden layers. Default [64]. */
  hidden?: readonly number[]
  /** Names of variants, the baseline comes along. Default all. */
  only?: readonly string[]
  /** Less of everything: to see whether it runs. Default false. */
  quick?: boolean
  /** Tries learning rates around each variant's own (0.1, 0.3, 1, 3, 10 times) and keeps that of the lowest validation loss. Default false. */
  tune?: boolean
  /** Ends after the current training; what there is so far is thrown away. */
  signal?: AbortSignal
  /** Told what happens as it happens. */
  onProgress?: (message: string) => void
}

export type Settings = Required<Omit<CompareOptions, 'signal' | 'only' | 'seeds'>> & {
  readonly seeds: readonly number[]
  readonly only: readonly string[] | null
  readonly signal: AbortSignal | undefined
}

const known = [
  'seed',
  'seeds',
  'epochs',
  'examples',
  'wrong',
  'batchSize',
  'hidden',
  'only',
  'quick',
  'tune',
  'signal',
  'onProgress',
] as const

/** Checks options and fills in defaults. @throws ConfigError with all problems at once */
export function resolveSettings(kind: ComparisonKind, options: CompareOptions, names: readonly string[]): Settings {
  const problems: ConstructorParameters<typeof ConfigError>[0][] = []
  const where = `compare ${kind}`
  for (const key of Object.keys(options))
    if (!(known as readonly string[]).includes(key))
      problems.push({
        code: 'unknown-option',
        where: `${where}: ${key}`,
        expected: `one of ${known.join(', ')}`,
        received: key,
        hint: `did you mean ${nearest(key, known, 1)[0]}?`,
      })
  const { quick = false } = options
  const full = kind === 'regularizers' ? 25 : 20
  const whole = (
    key: 'seed' | 'seeds' | 'epochs' | 'examples' | 'batchSize',
    fallback: number,
    least: number,
    most: number,
  ) => {
    const value: unknown = options[key] ?? fallback
    if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) return value
    problems.push({
      code: 'bad-option',
      where: `${where}: ${key}`,
      expected: `a whole number from ${least} to ${most.toLocaleString('en-US')}`,
      received: value,
    })
    return fallback
  }
  const seed = whole('seed', 0, 0, 2 ** 31)
  const seeds = whole('seeds', quick ? 2 : 5, 1, 100)
  const epochs = whole('epochs', quick ? full / 5 : full, 1, 10_000)
  const examples = whole('examples', quick ? 300 : 1000, 20, 50_000)
  const batchSize = whole('batchSize', 32, 1, 50_000)
  const wrong: unknown = options.wrong ?? (kind === 'regularizers' ? 0.1 : 0)
  if (typeof wrong !== 'number' || !(wrong >= 0 && wrong < 1))
    problems.push({
      code: 'bad-option',
      where: `${where}: wrong`,
      expected: 'a share from 0 to below 1',
      received: wrong,
    })
  const hidden: unknown = options.hidden ?? [64]
  const isHidden = (x: unknown): x is readonly number[] =>
    Array.isArray(x) && x.length > 0 && x.every(units => Number.isInteger(units) && units >= 1)
  if (!isHidden(hidden))
    problems.push({
      code: 'bad-option',
      where: `${where}: hidden`,
      expected: 'numbers of units, each ≥ 1: [128]',
      received: hidden,
    })
  const only: unknown = options.only ?? null
  if (only !== null && !(Array.isArray(only) && only.length > 0 && only.every(name => typeof name === 'string')))
    problems.push({ code: 'bad-option', where: `${where}: only`, expected: 'a list of names', received: only })
  else
    for (const name of (only ?? []) as readonly string[])
      if (!names.includes(name))
        problems.push({
          code: 'unknown-variant',
          where: `${where}: only`,
          expected: `one of ${names.join(', ')}`,
          received: name,
          hint: `did you mean ${nearest(name, names, 1)[0]}?`,
        })
  for (const key of ['quick', 'tune'] as const)
    if (options[key] !== undefined && typeof options[key] !== 'boolean')
      problems.push({
        code: 'bad-option',
        where: `${where}: ${key}`,
        expected: 'true or false',
        received: options[key],
      })
  if (problems.length > 0)
    throw new ConfigError(problems.length === 1 ? problems[0]! : { code: 'bad-options', where, problems })
  return {
    seed,
    seeds: Array.from({ length: seeds }, (_, i) => seed + i),
    epochs,
    examples,
    wrong: wrong as number,
    batchSize,
    hidden: hidden as readonly number[],
    only: only as readonly string[] | null,
    quick,
    tune: options.tune ?? false,
    signal: options.signal,
    onProgress: options.onProgress ?? (() => {}),
  }
}
