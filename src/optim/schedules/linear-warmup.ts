import { z } from 'zod'
import { linearly } from './blend.js'
import { defineSchedule } from './define.js'
import { rate, steps } from './options.js'

/** From `from` to learningRate in a straight line over warmupSteps; holds learningRate from there. See also `warmup`. */
export const linearWarmup = defineSchedule('linearWarmup', {
  options: z.strictObject({
    /** The rate to reach. */
    learningRate: rate(),
    /** Updates of the rise: step warmupSteps is the first with the full rate; in short `steps`. */
    warmupSteps: steps(),
    /** Rate at step 0; default 0. */
    from: rate().default(0),
  }),
  short: { steps: 'warmupSteps' },
  rate: o => step => linearly(o.from, o.learningRate, Math.min(step / o.warmupSteps, 1)),
})
