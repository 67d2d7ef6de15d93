import * as ops from '../../ops/index.js'
import { scaleByLearningRate } from '../links/scale.js'
import { type OptimizerOptions, oneOf } from '../options.js'
import { optimizer } from '../recipe.js'
import { type Transform, transform } from '../transform.js'

export interface AdamaxOptions extends OptimizerOptions {
  /** Decay of the first moment, 0 to below 1; default 0.9. */
  beta1?: number
  /** Decay of the largest gradient, 0 to below 1; default 0.999. */
  beta2?: number
  /** Default 1e-7 (PyTorch: 1e-8); where it stands is said by `epsilonMode`. */
  epsilon?: number
  /** `outside` (Keras): added to the norm u. `inside` (PyTorch): to |g| before the maximum. Default `outside`. */
  epsilonMode?: 'outside' | 'inside'
}

type Own = Required<Pick<AdamaxOptions, 'beta1' | 'beta2' | 'epsilon' | 'epsilonMode'>>

/** m ← β₁m + (1−β₁)g, u ← max(β₂u, |g|); the step is m/(u + ε) / (1−β₁ᵗ). */
const scaleByAdamax = ({ beta1, beta2, epsilon, epsilonMode }: Own): Transform => {
  const inside = epsilonMode === 'inside'
  return transform({
    name: 'adamax',
    slots: { m: 0, u: 0 },
    scalars: { correction: ({ step }) => 1 / (1 - beta1 ** step), beta1, rest1: 1 - beta1, beta2, epsilon },
    update: ({ gradient, slots, scalars }) => {
      const m = ops.add(ops.mul(slots.m, scalars.beta1), ops.mul(gradient, scalars.rest1))
      const size = ops.abs(gradient)
      const u = ops.max([ops.mul(slots.u, scalars.beta2), inside ? ops.add(size, scalars.epsilon) : size])
      return {
        gradient: ops.div(m, inside ? u : ops.add(u, scalars.epsilon)),
        scale: scalars.correction,
        slots: { m, u },
      }
    },
  })
}

/**
 * Adamax (Kingma & Ba 2015, section 7.1): Adam with the largest recent gradient for the second moment. Default learning
 * rate 0.001. PyTorch: learning rate 0.002, epsilon 1e-8, `epsilonMode: 'inside'`.
 */
export const adamax = optimizer<AdamaxOptions>({
  name: 'adamax',
  defaults: { learningRate: 0.001, beta1: 0.9, beta2: 0.999, epsilon: 1e-7, epsilonMode: 'outside' },
  checks: { epsilonMode: oneOf('outside', 'inside') },
  links: o => [scaleByAdamax(o), scaleByLearningRate()],
})
