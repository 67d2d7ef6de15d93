import { z } from 'zod'
import { calledWith, defineSchedule } from './define.js'
import { rate } from './options.js'

const make = defineSchedule('constant', {
  options: z.strictObject({ learningRate: rate() }),
  rate: o => () => o.learningRate,
})

/** The same rate for ever: `constant(0.01)` or `constant({ learningRate: 0.01 })`. A part for `sequence` and `chain`. */
export const constant = calledWith(make, (given: number | { learningRate: number }) =>
  typeof given === 'number' ? { learningRate: given } : given,
)
