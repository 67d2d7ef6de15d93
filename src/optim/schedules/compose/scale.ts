import { z } from 'zod'
import { calledWith, defineSchedule } from '../define.js'
import { schedule } from '../options.js'
import { type Schedule, valueAt } from '../schedule.js'

const make = defineSchedule('scale', {
  options: z.strictObject({ schedule: schedule(), factor: schedule() }),
  rate: o => step => valueAt(o.schedule, step) * valueAt(o.factor, step),
})

/** A schedule times a factor: a number ≥ 0, or a schedule. `scale(cosine, 10)` is ten times as high at every step. */
export const scale = calledWith(make, (of: Schedule, factor: Schedule) => ({ schedule: of, factor }))
