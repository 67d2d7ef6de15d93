import { z } from 'zod'
import { linearly } from './blend.js'
import { defineSchedule } from './define.js'
import { rate, steps } from './options.js'

/**
 * initial · factor, where the factor goes from startFactor to endFactor in a straight line over totalSteps and holds
 * endFactor from there: PyTorch's LinearLR, with its defaults.
 */
export const linear = defineSchedule('linear', {
  options: z.strictObject({
    /** The rate that the factors multiply; in short `initial`. */
    initialLearningRate: rate(),
    /** ≥ 0; default 1/3. */
    startFactor: rate().default(1 / 3),
    /** ≥ 0; default 1. */
    endFactor: rate().default(1),
    /** Updates from the one factor to the other; in short `steps`; default 5. */
    totalSteps: steps().default(5),
  }),
  short: { initial: 'initialLearningRate', steps: 'totalSteps' },
  rate: o => step => o.initialLearningRate * linearly(o.startFactor, o.endFactor, Math.min(step / o.totalSteps, 1)),
})
