import { z } from 'zod'
import { linearly } from './blend.js'
import { defineSchedule } from './define.js'
import { fraction, rate, steps, stepsOrNone } from './options.js'

const options = z
  .strictObject({
    /** Rate at step 0; in short `initial`. */
    initialLearningRate: rate(),
    /** Updates of the decay, after those of the warmup; in short `steps`. */
    decaySteps: steps(),
    /** Final rate as a share of the rate the decay starts from, 0 to 1; default 0. */
    alpha: fraction().default(0),
    /** Rate to rise to in a straight line before the decay; default null: no warmup. */
    warmupTarget: rate().nullable().default(null),
    /** Updates of the warmup; default 0. */
    warmupSteps: stepsOrNone().default(0),
  })
  .refine(o => o.warmupSteps === 0 || o.warmupTarget !== null, {
    path: ['warmupTarget'],
    error: 'a rate to warm up to, where warmupSteps is above 0',
  })

/**
 * initial · ((1 − alpha) · (1 + cos(π · step / decaySteps)) / 2 + alpha), as Keras's CosineDecay (Loshchilov & Hutter
 * 2017, without restarts). With a warmup the rate first rises from initial to warmupTarget and decays from there. Past
 * its end it holds the final rate; PyTorch's CosineAnnealingLR rises again there, and its eta_min is alpha · initial.
 * Keras passes over warmupSteps without warmupTarget; here that is an error.
 */
export const cosineDecay = defineSchedule('cosineDecay', {
  options,
  short: { initial: 'initialLearningRate', steps: 'decaySteps' },
  rate:
    ({ initialLearningRate, decaySteps, alpha, warmupTarget, warmupSteps }) =>
    step => {
      if (step < warmupSteps) return linearly(initialLearningRate, warmupTarget!, step / warmupSteps)
      const part = Math.min((step - warmupSteps) / decaySteps, 1)
      return (warmupTarget ?? initialLearningRate) * (((1 - alpha) * (1 + Math.cos(Math.PI * part))) / 2 + alpha)
    },
})
