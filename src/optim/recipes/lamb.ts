import type { Selector } from '../../ir/index.js'
import * as ops from '../../ops/index.js'
import { atMostOne, trustRatio } from '../links/trust.js'
import { isExcluded, type OptimizerOptions, selector } from '../options.js'
import { optimizer } from '../recipe.js'
import { type Transform, transform } from '../transform.js'

export interface LambOptions extends OptimizerOptions {
  /** Decay of the first moment; default 0.9. */
  beta1?: number
  /** Decay of the second moment; default 0.999. */
  beta2?: number
  /** Added to √v̂; default 1e-7. */
  epsilon?: number
  /** Divide the moments by 1 − βᵗ; default true. */
  biasCorrection?: boolean
  /** m takes (1 − β₁)·g; where false, all of g, as in NVIDIA's version 1. Default true. */
  gradientAveraging?: boolean
  /** Add weightDecay · w to the step before its norm is taken, as in the paper; default false: decay first, as in Keras. */
  decayInUpdate?: boolean
  /** The ratio is 1 at most (LAMBC, Fong et al. 2020); default false. */
  trustClip?: boolean
  /** Parameters whose ratio is 1, say `['bias', 'gamma', 'beta']`; default null: none, as in Keras. */
  excludeFromLayerAdaptation?: Selector | null
}

/** u = m̂ / (√v̂ + ε), plus decay · w where asked; the step is u · ‖w‖ / ‖u‖. */
const scaleByLamb = (o: Required<LambOptions>): Transform =>
  transform({
    name: 'lamb',
    slots: { m: 0, v: 0 },
    scalars: {
      beta1: o.beta1,
      rest1: o.gradientAveraging ? 1 - o.beta1 : 1,
      beta2: o.beta2,
      rest2: 1 - o.beta2,
      epsilon: o.epsilon,
      decay: o.weightDecay ?? 0,
      first: ({ step }) => (o.biasCorrection ? 1 / (1 - o.beta1 ** step) : 1),
      second: ({ step }) => (o.biasCorrection ? 1 / Math.sqrt(1 - o.beta2 ** step) : 1),
    },
    update: ({ path, parameter, gradient, slots, scalars }) => {
      const m = ops.add(ops.mul(slots.m, scalars.beta1), ops.mul(gradient, scalars.rest1))
      const v = ops.add(ops.mul(slots.v, scalars.beta2), ops.mul(ops.mul(gradient, gradient), scalars.rest2))
      const root = ops.add(ops.mul(ops.sqrt(v), scalars.second), scalars.epsilon)
      const adam = ops.div(ops.mul(m, scalars.first), root)
      const decays = o.decayInUpdate && !!o.weightDecay && !isExcluded(o.excludeFromWeightDecay, path)
      const update = decays ? ops.add(adam, ops.mul(parameter, scalars.decay)) : adam
      if (isExcluded(o.excludeFromLayerAdaptation, path))
        return { gradient: update, scale: scalars.learningRate, slots: { m, v } }
      const ratio = trustRatio(parameter, update)
      const bounded = o.trustClip ? atMostOne(ratio) : ratio
      return { gradient: update, scale: ops.mul(bounded, scalars.learningRate), slots: { m, v } }
    },
  })

/**
 * LAMB (You et al. 2020): Adam's step, scaled to each parameter's own norm, for large batches. Default learning rate
 * 0.001. Keras decays first and adapts every parameter. timm: epsilon 1e-6, weightDecay 0.01, `decayInUpdate: true`,
 * `globalClipnorm: 1`, and `excludeFromLayerAdaptation` for what does not decay.
 */
export const lamb = optimizer<LambOptions>({
  name: 'lamb',
  defaults: {
    learningRate: 0.001,
    beta1: 0.9,
    beta2: 0.999,
    epsilon: 1e-7,
    biasCorrection: true,
    gradientAveraging: true,
    decayInUpdate: false,
    trustClip: false,
    excludeFromLayerAdaptation: null,
  },
  checks: { excludeFromLayerAdaptation: selector },
  selectors: ['excludeFromLayerAdaptation'],
  decay: o => (o.decayInUpdate ? 0 : o.weightDecay),
  links: o => [scaleByLamb(o)],
})
