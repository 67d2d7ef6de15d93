import { z } from 'zod'
import { calledWith, defineSchedule } from '../define.js'
import { boundaries, schedule } from '../options.js'
import { type Schedule, valueAt } from '../schedule.js'

const make = defineSchedule('sequence', {
  options: z
    .strictObject({
      schedules: z.array(schedule(), { error: 'a list of schedules' }).min(1, { error: 'at least one schedule' }),
      boundaries: boundaries().refine(list => list.every(at => at > 0), { error: 'numbers above 0' }),
    })
    .refine(o => o.boundaries.length === o.schedules.length - 1, {
      path: ['boundaries'],
      error: 'one boundary less than there are schedules',
    }),
  rate: o => step => {
    const after = o.boundaries.findIndex(boundary => step < boundary)
    const i = after === -1 ? o.boundaries.length : after
    return valueAt(o.schedules[i]!, i === 0 ? step : step - o.boundaries[i - 1]!)
  },
})

/**
 * One schedule after the other: the second begins, at its own step 0, at step boundaries[0], the third at
 * boundaries[1], … PyTorch's SequentialLR. Numbers stand for constant rates. Past the last boundary it is what the
 * last schedule is.
 */
export const sequence = calledWith(make, (schedules: Schedule[], boundaries: number[]) => ({ schedules, boundaries }))
