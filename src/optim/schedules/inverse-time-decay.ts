import { z } from 'zod'
import { defineSchedule } from './define.js'
import { rate, steps } from './options.js'

const options = z.strictObject({
  /** Rate at step 0; in short `initial`. */
  initialLearningRate: rate(),
  /** Updates after which the divisor has grown by `decayRate`; in short `steps`. */
  decaySteps: steps(),
  /** ≥ 0. */
  decayRate: rate(),
  /** Fall in steps instead of smoothly; default false. */
  staircase: z.boolean().default(false),
})

/**
 * initial / (1 + decayRate · step / decaySteps), as Keras's InverseTimeDecay; step / decaySteps is rounded down with
 * `staircase`. It never ends.
 */
export const inverseTimeDecay = defineSchedule('inverseTimeDecay', {
  options,
  short: { initial: 'initialLearningRate', steps: 'decaySteps' },
  rate: o => step => {
    const times = step / o.decaySteps
    return o.initialLearningRate / (1 + o.decayRate * (o.staircase ? Math.floor(times) : times))
  },
})
