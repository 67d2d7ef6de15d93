import { z } from 'zod'
import { calledWith, defineSchedule } from '../define.js'
import { schedule } from '../options.js'
import { type Schedule, valueAt } from '../schedule.js'

const make = defineSchedule('map', {
  options: z.strictObject({
    schedule: schedule(),
    f: z.custom<(rate: number, step: number) => number>(f => typeof f === 'function', {
      error: 'a function of rate and step',
    }),
  }),
  rate: o => step => o.f(valueAt(o.schedule, step), step),
})

/**
 * A schedule seen through a function of rate and step: `map(cosine, rate => Math.max(rate, 1e-5))`. It cannot be
 * written to a file: the function stands in its config as it is.
 */
export const map = calledWith(make, (of: Schedule, f: (rate: number, step: number) => number) => ({ schedule: of, f }))
