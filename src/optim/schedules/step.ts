import { z } from 'zod'
import { defineSchedule } from './define.js'
import { rate, steps } from './options.js'

const options = z.strictObject({
  /** Rate at step 0; in short `initial`. */
  initialLearningRate: rate(),
  /** Updates between falls; in short `steps`. */
  stepSize: steps(),
  /** Factor of each fall, ≥ 0; default 0.1. */
  gamma: rate().default(0.1),
})

/** initial · gamma^⌊step / stepSize⌋, PyTorch's StepLR. It never ends. */
export const step = defineSchedule('step', {
  options,
  short: { initial: 'initialLearningRate', steps: 'stepSize' },
  rate: o => at => o.initialLearningRate * o.gamma ** Math.floor(at / o.stepSize),
})
