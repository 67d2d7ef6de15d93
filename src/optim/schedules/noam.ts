import { z } from 'zod'
import { defineSchedule } from './define.js'
import { rate, steps } from './options.js'

/**
 * factor · modelSize^−½ · min(n^−½, n · warmupSteps^−³ᐟ²) with n = step + 1: the rate of Vaswani et al. 2017, which
 * counts updates from 1. It rises in a straight line for warmupSteps updates, then falls as 1/√n. It never ends.
 */
export const noam = defineSchedule('noam', {
  options: z.strictObject({
    /** Width of the model, d_model in the paper. */
    modelSize: steps(),
    /** Default 4000. */
    warmupSteps: steps().default(4000),
    /** ≥ 0; default 1. */
    factor: rate().default(1),
  }),
  rate: o => step => {
    const n = step + 1
    return o.factor * o.modelSize ** -0.5 * Math.min(n ** -0.5, n * o.warmupSteps ** -1.5)
  },
})
