import type { Selector } from '../../ir/index.js'
import * as ops from '../../ops/index.js'
import { momentum } from '../links/momentum.js'
import { scaleByLearningRate } from '../links/scale.js'
import { atMostOne, trustRatio } from '../links/trust.js'
import { above, isExcluded, type OptimizerOptions, oneOf, selector } from '../options.js'
import { optimizer } from '../recipe.js'
import { type Transform, transform } from '../transform.js'

export interface LarsOptions extends OptimizerOptions {
  /** 0 … 1; default 0.9. */
  momentum?: number
  /** Nesterov's look-ahead; default false. */
  nesterov?: boolean
  /** Where the learning rate enters, as in sgd: `keras` inside the momentum (the paper), `torch` after it (timm). */
  momentumMode?: 'keras' | 'torch'
  /** How far a layer goes at learning rate 1, as a share of its norm; default 0.001. */
  trustCoefficient?: number
  /** Added to the norm in the denominator; default 1e-8. */
  epsilon?: number
  /** The learning rate of a layer is at most the optimizer's (LARC, as in NVIDIA's apex). Default false. */
  trustClip?: boolean
  /** Adapt and decay parameters of rank 0 and 1 (biases, scales) too. Default false, as in the paper's experiments. */
  adaptVectors?: boolean
  /** Further parameters whose ratio is 1; default null: none. */
  excludeFromLayerAdaptation?: Selector | null
}

/** g ← (g + decay · w) · η‖w‖ / (‖g‖ + decay · ‖w‖ + ε). */
const scaleByTrust = (o: Required<LarsOptions>): Transform =>
  transform({
    name: 'lars',
    scalars: { decay: o.weightDecay ?? 0, epsilon: o.epsilon, trustCoefficient: o.trustCoefficient },
    update: ({ path, parameter, gradient, scalars }) => {
      const vector = parameter.shape.length < 2 && !o.adaptVectors
      const decays = !vector && !!o.weightDecay && !isExcluded(o.excludeFromWeightDecay, path)
      const decayed = decays ? ops.add(gradient, ops.mul(parameter, scalars.decay)) : gradient
      if (vector || isExcluded(o.excludeFromLayerAdaptation, path)) return { gradient: decayed, slots: {} }
      const ratio = trustRatio(parameter, gradient, {
        over: (weightNorm, gradientNorm) => {
          const size = decays ? ops.add(gradientNorm, ops.mul(weightNorm, scalars.decay)) : gradientNorm
          return ops.div(ops.add(size, scalars.epsilon), scalars.trustCoefficient)
        },
      })
      const bounded = o.trustClip ? atMostOne(ops.div(ratio, scalars.learningRate)) : ratio
      return { gradient: ops.mul(decayed, bounded), slots: {} }
    },
  })

/**
 * LARS (You, Gitman & Ginsburg 2017): momentum SGD in which each layer goes a share of its own norm, for large batches.
 * Weight decay is part of the gradient, as in the paper. Default learning rate 1; the paper's are larger still, after a
 * warmup. timm's: `momentumMode: 'torch'`, momentum 0, and no adaptation of parameters that do not decay.
 */
export const lars = optimizer<LarsOptions>({
  name: 'lars',
  defaults: {
    learningRate: 1,
    weightDecayMode: 'coupled',
    momentum: 0.9,
    nesterov: false,
    momentumMode: 'keras',
    trustCoefficient: 0.001,
    epsilon: 1e-8,
    trustClip: false,
    adaptVectors: false,
    excludeFromLayerAdaptation: null,
  },
  checks: {
    momentumMode: oneOf('keras', 'torch'),
    trustCoefficient: above(0),
    excludeFromLayerAdaptation: selector,
    weightDecayMode: mode => (mode === 'coupled' ? null : 'coupled: the decay of LARS is part of the gradient'),
  },
  selectors: ['excludeFromLayerAdaptation'],
  decay: () => 0,
  links: o => [
    scaleByTrust(o),
    o.momentum > 0
      ? momentum({ name: 'momentum', momentum: o.momentum, nesterov: o.nesterov, mode: o.momentumMode })
      : scaleByLearningRate(),
  ],
})
