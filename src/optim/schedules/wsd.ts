import { z } from 'zod'
import { byCosine, linearly } from './blend.js'
import { defineSchedule } from './define.js'
import { rate, steps, stepsOrNone } from './options.js'

/** Ways down from the stable rate, by name. */
const decays = {
  linear: linearly,
  cosine: byCosine,
  sqrt: (from: number, to: number, part: number) => to + (from - to) * (1 - Math.sqrt(part)),
  exponential: (from: number, to: number, part: number) => from * (to / from) ** part,
}

const options = z
  .strictObject({
    /** The stable rate. */
    learningRate: rate(),
    /** Updates of warmup, stable phase and decay together; in short `steps`. */
    totalSteps: steps(),
    /** Updates of the rise; default 0. */
    warmupSteps: stepsOrNone().default(0),
    /** Updates of the decay, at the end. A tenth to a fifth of the training is usual. */
    decaySteps: steps(),
    /** Shape of the decay; `sqrt` is 1 − √part (Hägele et al. 2024); default `linear`. */
    decay: z.enum(['linear', 'cosine', 'sqrt', 'exponential']).default('linear'),
    /** Rate at step 0 where there is a warmup; default 0. */
    from: rate().default(0),
    /** Rate from totalSteps on; in short `end`; default 0; above 0 with `exponential`. */
    endLearningRate: rate().default(0),
  })
  .refine(o => o.warmupSteps + o.decaySteps <= o.totalSteps, {
    path: ['totalSteps'],
    error: 'at least warmupSteps + decaySteps',
  })
  .refine(o => o.decay !== 'exponential' || (o.endLearningRate > 0 && o.learningRate > 0), {
    path: ['endLearningRate'],
    error: 'rates above 0 with exponential decay',
  })

/**
 * Warmup, stable, decay (Hu et al. 2024, MiniCPM): a rise in a straight line over warmupSteps, learningRate until
 * totalSteps − decaySteps, then down to endLearningRate, which it holds past its end. Trapezoidal (Zhai et al. 2022)
 * with `linear`; fastai's fit_flat_cos with `cosine` and no warmup.
 */
export const wsd = defineSchedule('wsd', {
  options,
  short: { steps: 'totalSteps', end: 'endLearningRate' },
  rate: o => step => {
    if (step < o.warmupSteps) return linearly(o.from, o.learningRate, step / o.warmupSteps)
    const part = (step - (o.totalSteps - o.decaySteps)) / o.decaySteps
    if (part <= 0) return o.learningRate
    return part >= 1 ? o.endLearningRate : decays[o.decay](o.learningRate, o.endLearningRate, part)
  },
})
