import { z } from 'zod'
import { calledWith, defineSchedule } from '../define.js'
import { schedule } from '../options.js'
import { type Schedule, valueAt } from '../schedule.js'

const make = defineSchedule('chain', {
  options: z.strictObject({
    schedules: z.array(schedule(), { error: 'a list of schedules' }).min(1, { error: 'at least one schedule' }),
  }),
  rate: o => step => o.schedules.reduce<number>((product, part) => product * valueAt(part, step), 1),
})

/**
 * Schedules at work at once: their product at every step, as PyTorch's ChainedScheduler. One of them carries the rate,
 * the others are factors: give those an initial rate of 1.
 */
export const chain = calledWith(make, (schedules: Schedule[]) => ({ schedules }))
