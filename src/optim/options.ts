import { ConfigError, checkSelector, type ErrorDetails, matches, type Selector } from '../ir/index.js'
import { refuse, unknownOption } from '../ir/options.js'
import type { GradientNoiseOptions } from './links/noise.js'
import { scheduleFromConfig } from './schedules/from-config.js'
import type { Schedule, ScheduleConfig } from './schedules/schedule.js'

/** Options every optimizer has: Keras's, with its names and meaning, and what came since. */
export interface OptimizerOptions {
  /** A number, a schedule, or a schedule's config. */
  learningRate?: Schedule | ScheduleConfig
  /** Weight decay, 0 or more; null or 0 is none. */
  weightDecay?: number | null
  /**
   * `decoupled` (Keras, AdamW): each update first takes weightDecay · learningRate · w from w. `coupled` (PyTorch's
   * `weight_decay` of SGD and Adam): weightDecay · w is added to the gradient, as an L2 penalty of weightDecay/2.
   */
  weightDecayMode?: 'decoupled' | 'coupled'
  /** Parameters that do not decay, say `['bias', 'gamma', 'beta']`. */
  excludeFromWeightDecay?: Selector | null
  /** Each element of a gradient is cut to [−clipvalue, clipvalue]. */
  clipvalue?: number | null
  /** Each gradient is scaled down to this norm. */
  clipnorm?: number | null
  /** All gradients together are scaled down to this norm (Pascanu et al. 2013). */
  globalClipnorm?: number | null
  /** Each unit's gradient is scaled down to this share of the norm of its weights (Brock et al. 2021); 0.01 is usual. */
  adaptiveClip?: number | null
  /** Takes its mean over the inputs from each unit's gradient (Yong et al. 2020). Default false. */
  gradientCentralization?: boolean
  /** Adds normal noise of variance eta / (1 + t)^gamma to the gradients (Neelakantan et al. 2015). A number is eta. */
  gradientNoise?: number | GradientNoiseOptions | null
  /** Keep an exponential moving average of the weights; fit ends by writing it over them. Default false. */
  useEma?: boolean
  /** 0 … 1, how much of the average stays at each update; default 0.99. */
  emaMomentum?: number
  /** Write the average over the weights each time after this many batches; null: only at the end of fit. */
  emaOverwriteFrequency?: number | null
  /** Add up the gradients of this many batches, and update with their mean; null: update with every batch. */
  gradientAccumulationSteps?: number | null
  /** Parameters with options of their own; the first group that matches counts. */
  groups?: readonly ParameterGroup[] | null
}

/** Parameters chosen by path, and what is different for them. Any option of the optimizer may stand here too. */
export interface ParameterGroup {
  match: Selector
  /** Leave them as they are. */
  freeze?: boolean
  /** Their learning rate is the optimizer's times this. */
  learningRateMultiplier?: number
  /** Their own learning rate; where a callback lowers the optimizer's, it is lowered alike. */
  learningRate?: Schedule | ScheduleConfig
  weightDecay?: number | null
  [option: string]: unknown
}

export const sharedDefaults: Required<Omit<OptimizerOptions, 'learningRate'>> = {
  weightDecay: null,
  weightDecayMode: 'decoupled',
  excludeFromWeightDecay: null,
  clipvalue: null,
  clipnorm: null,
  globalClipnorm: null,
  adaptiveClip: null,
  gradientCentralization: false,
  gradientNoise: null,
  useEma: false,
  emaMomentum: 0.99,
  emaOverwriteFrequency: null,
  gradientAccumulationSteps: null,
  groups: null,
}

/** Whether a selector of exceptions names a path; null names none. */
export const isExcluded = (excluded: Selector | null | undefined, path: string): boolean =>
  excluded !== null && excluded !== undefined && matches(excluded, path)

/** What an option must be where it is not, in words; null where it is fine. */
export type Check = (value: unknown) => string | null

const number = (test: (x: number) => boolean, expected: string): Check => {
  return value => (typeof value === 'number' && Number.isFinite(value) && test(value) ? null : expected)
}
export const atLeastZero = number(x => x >= 0, 'a finite number ≥ 0')
export const above = (least: number, why = ''): Check => number(x => x > least, `a number above ${least}${why}`)
export const share = number(x => x >= 0 && x < 1, 'a number from 0 to below 1')
export const upToOne = number(x => x >= 0 && x <= 1, 'a number from 0 to 1')
export const whole = (least: number): Check =>
  number(x => Number.isInteger(x) && x >= least, `a whole number ≥ ${least}`)
export const oneOf = (...choices: readonly string[]): Check => {
  return value => (choices.includes(value as string) ? null : `one of ${choices.join(', ')}`)
}
export const anyNumber = number(() => true, 'a finite number')
/** As the check says, or null. */
export const orNull =
  (check: Check): Check =>
  value =>
    value === null ? null : check(value)
/** A selector of parameters. */
export const selector: Check = value => {
  try {
    checkSelector(value, '')
    return null
  } catch {
    return 'a pattern, a list of patterns, or a function from path to boolean'
  }
}
export const flag: Check = value => (typeof value === 'boolean' ? null : 'true or false')

const clip = above(0, ': at 0 nothing is learned')
const isConfig = (value: unknown): value is ScheduleConfig =>
  typeof value === 'object' && value !== null && 'type' in value
const schedule: Check = value =>
  typeof value === 'function' || isConfig(value) || atLeastZero(value) === null
    ? null
    : `${atLeastZero(null)}, or a schedule`

/** A learning rate as options may give it, as a schedule. */
export const asSchedule = (rate: Schedule | ScheduleConfig): Schedule =>
  isConfig(rate) ? scheduleFromConfig(rate) : rate
const byName: Readonly<Record<string, Check>> = {
  learningRate: schedule,
  weightDecayMode: oneOf('decoupled', 'coupled'),
  clipvalue: clip,
  clipnorm: clip,
  globalClipnorm: clip,
  adaptiveClip: clip,
  gradientNoise: value =>
    typeof value === 'object' && value !== null
      ? (Object.entries(value)
          .map(([key, x]) => (key === 'eta' || key === 'gamma' ? atLeastZero(x) : `{ eta, gamma }`))
          .find(problem => problem !== null) ?? null)
      : atLeastZero(value),
  emaMomentum: upToOne,
  emaOverwriteFrequency: whole(1),
  gradientAccumulationSteps: whole(1),
  momentum: upToOne,
  rho: share,
  beta1: share,
  beta2: share,
  beta3: share,
}

/** The check of an option: its own, that of its name, or what its default tells. */
function checkOf(key: string, fallback: unknown, own: Readonly<Record<string, Check>>): Check {
  const check = own[key] ?? byName[key]
  if (check !== undefined) return check
  if (typeof fallback === 'boolean') return flag
  return atLeastZero
}

/** Names of TensorFlow.js and of papers for the same options. */
const aliases: Readonly<Record<string, string>> = {
  clipValue: 'clipvalue',
  clipNorm: 'clipnorm',
  globalClipNorm: 'globalClipnorm',
}

/**
 * An optimizer's options with their defaults, checked; all problems at once. Those that are `scheduled` may be schedules.
 * @throws ConfigError
 */
export function resolveOptions<O extends object>(
  where: string,
  options: object,
  defaults: O,
  checks: Readonly<Record<string, Check>> = {},
  scheduled: readonly string[] = [],
): O {
  if (typeof options !== 'object' || options === null)
    throw new ConfigError({ code: 'bad-option', where, expected: 'options', received: options })
  const problems: ErrorDetails[] = []
  const config: Record<string, unknown> = Object.fromEntries(Object.entries(defaults))
  for (const [given, value] of Object.entries(options)) {
    const key = aliases[given] ?? given
    if (!(key in defaults)) {
      problems.push(unknownOption(given, Object.keys(defaults), where))
      continue
    }
    if (value === undefined) continue
    config[key] = value
    const fallback = (defaults as Readonly<Record<string, unknown>>)[key]
    if (value === null && (fallback === null || key in sharedDefaults)) continue
    if (scheduled.includes(key) && (typeof value === 'function' || isConfig(value))) continue
    const expected = key === 'excludeFromWeightDecay' || key === 'groups' ? null : checkOf(key, fallback, checks)(value)
    if (expected !== null) problems.push({ code: 'bad-option', where: `${where}.${key}`, expected, received: value })
  }
  refuse(problems, where)
  for (const key of ['learningRate', ...scheduled]) {
    const value = config[key]
    if (isConfig(value)) config[key] = scheduleFromConfig(value)
  }
  const exclude = config.excludeFromWeightDecay
  if (exclude !== null && exclude !== undefined) checkSelector(exclude, `${where}.excludeFromWeightDecay`)
  return config as O // every key of O has its default or a value that passed its check
}
