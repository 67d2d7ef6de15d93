import { z } from 'zod'
import { linearly } from '../blend.js'
import { calledWith, defineSchedule } from '../define.js'
import { rate, schedule, steps } from '../options.js'
import { type Schedule, valueAt } from '../schedule.js'

const make = defineSchedule('warmup', {
  options: z.strictObject({ schedule: schedule(), steps: steps(), from: rate().default(0) }),
  rate: o => step =>
    step < o.steps ? linearly(o.from, valueAt(o.schedule, 0), step / o.steps) : valueAt(o.schedule, step - o.steps),
})

/**
 * A rise in a straight line before a schedule: from `from` (default 0) to the schedule's first rate over `steps`
 * updates, then the schedule from its own step 0. The whole is longer by `steps`.
 */
export const warmup = calledWith(make, (of: Schedule, options: { steps: number; from?: number }) => ({
  ...options,
  schedule: of,
}))
