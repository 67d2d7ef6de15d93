import { z } from 'zod'
import { defineSchedule } from './define.js'
import { rate, steps } from './options.js'

const options = z.strictObject({
  /** Rate at step 0; in short `initial`. */
  initialLearningRate: rate(),
  /** Updates until the rate is multiplied by `decayRate` once; in short `steps`. */
  decaySteps: steps(),
  /** Factor per `decaySteps`, ≥ 0; above 1 the rate grows. */
  decayRate: rate(),
  /** Fall in steps instead of smoothly; default false. */
  staircase: z.boolean().default(false),
})

/**
 * initial · decayRate^(step / decaySteps), as Keras's ExponentialDecay; the exponent is rounded down with `staircase`.
 * It never ends. PyTorch's ExponentialLR(gamma) is `decaySteps: 1, decayRate: gamma`.
 */
export const exponentialDecay = defineSchedule('exponentialDecay', {
  options,
  short: { initial: 'initialLearningRate', steps: 'decaySteps' },
  rate: o => step => {
    const times = step / o.decaySteps
    return o.initialLearningRate * o.decayRate ** (o.staircase ? Math.floor(times) : times)
  },
})
