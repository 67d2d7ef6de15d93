import { ConfigError } from '../ir/index.js'

/** A learning rate: a number, or a function of the number of updates made so far (0, 1, …). */
export type Schedule = number | ((step: number) => number)

/** The learning rate after `step` updates. @throws ConfigError where a schedule gives no number, or a negative one */
export function rateAt(schedule: Schedule, step: number): number {
  const rate: unknown = typeof schedule === 'function' ? schedule(step) : schedule
  if (typeof rate !== 'number' || !Number.isFinite(rate) || rate < 0)
    throw new ConfigError({
      code: 'learning-rate',
      where: `learning rate at step ${step}`,
      expected: 'a finite number ≥ 0',
      received: rate,
    })
  return rate
}
