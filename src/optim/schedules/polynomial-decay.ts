import { z } from 'zod'
import { defineSchedule } from './define.js'
import { rate, steps } from './options.js'

const options = z.strictObject({
  /** Rate at step 0; in short `initial`. */
  initialLearningRate: rate(),
  /** Updates until the end rate; in short `steps`. */
  decaySteps: steps(),
  /** Rate from `decaySteps` on; in short `end`; default 0.0001. */
  endLearningRate: rate().default(0.0001),
  /** ≥ 0; default 1: a straight line. */
  power: rate().default(1),
  /** Begin again from below the initial rate, over 2, 3, … times `decaySteps` in all, instead of ending; default false. */
  cycle: z.boolean().default(false),
})

/**
 * (initial − end) · (1 − step / decaySteps)^power + end, as Keras's PolynomialDecay. Past its end it holds the end
 * rate; with `cycle`, decaySteps is instead its next multiple that the step does not exceed. PyTorch's PolynomialLR
 * has an end rate of 0.
 */
export const polynomialDecay = defineSchedule('polynomialDecay', {
  options,
  short: { initial: 'initialLearningRate', steps: 'decaySteps', end: 'endLearningRate' },
  rate: o => step => {
    const length = o.cycle ? o.decaySteps * Math.max(1, Math.ceil(step / o.decaySteps)) : o.decaySteps
    const left = 1 - Math.min(step / length, 1)
    return (o.initialLearningRate - o.endLearningRate) * left ** o.power + o.endLearningRate
  },
})
