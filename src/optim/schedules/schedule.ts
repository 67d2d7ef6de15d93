import { ConfigError } from '../../ir/index.js'

/** A rate that may change: a number, or a function of the number of updates made so far (0, 1, …). */
export type Schedule = number | ((step: number) => number)

/** A schedule as plain JSON: its name and all its options, schedules inside it as their own configs. */
export interface ScheduleConfig {
  readonly type: string
  readonly [option: string]: unknown
}

/**
 * A schedule that knows what it is: called with the number of updates made so far it gives the rate of the next one;
 * `config` is what `scheduleFromConfig` makes it from again. A function of the user's own inside it (`map`) stands in
 * the config as it is and cannot be written to a file.
 */
export type NamedSchedule = ((step: number) => number) & { readonly config: ScheduleConfig }

/** Whether a schedule carries its config, or is a number or a function of the user's own. */
export const isNamedSchedule = (schedule: unknown): schedule is NamedSchedule =>
  typeof schedule === 'function' && 'config' in schedule

/**
 * An option that may be a schedule, once its config has been made one.
 * @throws ConfigError for a config
 */
export function asHyper(value: Schedule | ScheduleConfig): Schedule {
  if (typeof value !== 'object') return value
  throw new ConfigError({ code: 'schedule-config', where: 'schedule', expected: 'a schedule', received: value })
}

/** What a schedule says at a step, unchecked. */
export const valueAt = (schedule: Schedule, step: number): number =>
  typeof schedule === 'function' ? schedule(step) : schedule

/**
 * The rate of the next update after `step` of them.
 * @throws ConfigError if it is no finite number or negative
 */
export function rateAt(schedule: Schedule, step: number, what = 'learning rate'): number {
  const rate: unknown = valueAt(schedule, step)
  if (typeof rate !== 'number' || !Number.isFinite(rate) || rate < 0)
    throw new ConfigError({
      code: what.replaceAll(' ', '-'),
      where: `${what} at step ${step}`,
      expected: 'a finite number ≥ 0',
      received: rate,
    })
  return rate
}
