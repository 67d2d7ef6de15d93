import { z } from 'zod'
import { defineSchedule } from './define.js'
import { rate } from './options.js'

const options = z.strictObject({
  /** Rate at step 0; in short `initial`. */
  initialLearningRate: rate(),
  /** Steps the rate falls at, in order; one that stands twice counts twice. */
  milestones: z
    .array(z.number({ error: 'numbers of updates ≥ 0' }).nonnegative({ error: 'numbers of updates ≥ 0' }), {
      error: 'a list of numbers of updates',
    })
    .refine(list => list.every((at, i) => i === 0 || at >= list[i - 1]!), { error: 'numbers in order' }),
  /** Factor of each fall, ≥ 0; default 0.1. */
  gamma: rate().default(0.1),
})

/** initial · gamma^(milestones at or before the step), PyTorch's MultiStepLR; held after the last milestone. */
export const multiStep = defineSchedule('multiStep', {
  options,
  short: { initial: 'initialLearningRate' },
  rate: o => step => o.initialLearningRate * o.gamma ** o.milestones.filter(milestone => milestone <= step).length,
})
