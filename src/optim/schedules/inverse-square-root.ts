import { z } from 'zod'
import { linearly } from './blend.js'
import { defineSchedule } from './define.js'
import { rate, steps, stepsOrNone } from './options.js'

/**
 * learningRate · √(timescale / (timescale + step − warmupSteps)), after a rise in a straight line over warmupSteps (T5,
 * Raffel et al. 2020; fairseq; Zhai et al. 2022 for the timescale). It never ends.
 */
export const inverseSquareRoot = defineSchedule('inverseSquareRoot', {
  options: z.strictObject({
    /** The highest rate, at step warmupSteps. */
    learningRate: rate(),
    /** Updates of the rise; default 0. */
    warmupSteps: stepsOrNone().default(0),
    /** Updates after which the rate has fallen to 1/√2; default null: warmupSteps, or 10 000 without a warmup. */
    timescale: steps().nullable().default(null),
    /** Rate at step 0 where there is a warmup; default 0. */
    from: rate().default(0),
  }),
  rate: o => {
    const timescale = o.timescale ?? (o.warmupSteps > 0 ? o.warmupSteps : 10_000)
    return step =>
      step < o.warmupSteps
        ? linearly(o.from, o.learningRate, step / o.warmupSteps)
        : o.learningRate * Math.sqrt(timescale / (timescale + step - o.warmupSteps))
  },
})
