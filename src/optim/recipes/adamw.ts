import { scaleByAdam } from '../links/adam.js'
import { scaleByLearningRate } from '../links/scale.js'
import { oneOf } from '../options.js'
import { optimizer } from '../recipe.js'
import { asHyper } from '../schedules/schedule.js'
import type { AdamOptions } from './adam.js'

export type AdamwOptions = AdamOptions

/**
 * Adam with decoupled weight decay (Loshchilov & Hutter 2019); default decay 0.004, learning rate 0.001, as in Keras.
 * PyTorch: decay 0.01, epsilon 1e-8, `epsilonMode: 'corrected'`.
 */
export const adamw = optimizer<AdamwOptions>({
  name: 'adamw',
  defaults: {
    learningRate: 0.001,
    weightDecay: 0.004,
    beta1: 0.9,
    beta2: 0.999,
    epsilon: 1e-7,
    epsilonMode: 'hat',
    amsgrad: false,
  },
  scheduled: ['beta1'],
  checks: { epsilonMode: oneOf('hat', 'corrected') },
  links: o => [scaleByAdam({ ...o, beta1: asHyper(o.beta1) }), scaleByLearningRate()],
})
