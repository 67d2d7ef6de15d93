import { z } from 'zod'
import { defineSchedule } from './define.js'
import { fraction, positive, rate, steps } from './options.js'

const shape = {
  /** Updates of the rise; default 2000. */
  stepSizeUp: steps().default(2000),
  /** Updates of the fall; default null: as many as of the rise. */
  stepSizeDown: steps().nullable().default(null),
  /** The height of a cycle: always the same, halved from cycle to cycle, or gamma^step; default `triangular`. */
  mode: z.enum(['triangular', 'triangular2', 'exp_range']).default('triangular'),
  /** Factor per update with `exp_range`, above 0; default 1. */
  gamma: positive().default(1),
}
const momenta = {
  /** Lowest momentum, at the highest rate; default 0.8. */
  baseMomentum: fraction().default(0.8),
  /** Highest momentum; default 0.9. */
  maxMomentum: fraction().default(0.9),
}
type Shape = z.output<z.ZodObject<typeof shape>>

/** How high the wave stands at a step, 0 to 1 (with gamma up to 1). */
const wave = (o: Shape) => {
  const length = o.stepSizeUp + (o.stepSizeDown ?? o.stepSizeUp)
  const up = o.stepSizeUp / length
  return (step: number): number => {
    const cycle = Math.floor(step / length)
    const part = step / length - cycle
    const height = part <= up ? part / up : (1 - part) / (1 - up)
    if (o.mode === 'triangular') return height
    return height * (o.mode === 'triangular2' ? 0.5 ** cycle : o.gamma ** step)
  }
}

/** The momentum that goes with `cyclic`: high where the rate is low. */
export const cyclicMomentum = defineSchedule('cyclicMomentum', {
  options: z.strictObject({ ...shape, ...momenta }),
  rate: o => {
    const at = wave(o)
    return step => o.maxMomentum - (o.maxMomentum - o.baseMomentum) * at(step)
  },
})

/**
 * Back and forth between two rates in straight lines: Smith 2017, PyTorch's CyclicLR. `.momentum` is the schedule that
 * goes with it. It never ends.
 */
export const cyclic = defineSchedule('cyclic', {
  options: z
    .strictObject({
      /** The lower rate, at step 0; in short `base`. */
      baseLearningRate: rate(),
      /** The higher rate; in short `max`. */
      maxLearningRate: rate(),
      ...shape,
      ...momenta,
    })
    .refine(o => o.maxLearningRate >= o.baseLearningRate, {
      path: ['maxLearningRate'],
      error: 'at least baseLearningRate',
    }),
  short: { base: 'baseLearningRate', max: 'maxLearningRate' },
  rate: o => {
    const at = wave(o)
    return step => o.baseLearningRate + (o.maxLearningRate - o.baseLearningRate) * at(step)
  },
  extras: ({ baseLearningRate: _base, maxLearningRate: _max, ...shared }) => ({ momentum: cyclicMomentum(shared) }),
})
