import * as ops from '../../ops/index.js'
import { scaleByLearningRate } from '../links/scale.js'
import type { OptimizerOptions } from '../options.js'
import { optimizer } from '../recipe.js'
import { type StepInfo, type Transform, transform } from '../transform.js'

export interface RadamOptions extends OptimizerOptions {
  /** Decay of the first moment, 0 to below 1; default 0.9. */
  beta1?: number
  /** Decay of the second moment, 0 to below 1; default 0.999. */
  beta2?: number
  /** Added to √v before the bias correction; default 1e-8. */
  epsilon?: number
}

/**
 * m ← β₁m + (1−β₁)g, v ← β₂v + (1−β₂)g², ρ_t = ρ_∞ − 2tβ₂ᵗ/(1−β₂ᵗ) with ρ_∞ = 2/(1−β₂) − 1. Where ρ_t > 5 the step is
 * r_t · √(1−β₂ᵗ)/(√v + ε) · m/(1−β₁ᵗ), before that m/(1−β₁ᵗ).
 */
const scaleByRadam = (beta1: number, beta2: number, epsilon: number): Transform => {
  const longest = 2 / (1 - beta2) - 1
  const length = (t: number): number => longest - (2 * t * beta2 ** t) / (1 - beta2 ** t)
  const rectified = ({ step }: StepInfo): boolean => length(step) > 5
  const rectification = (rho: number): number =>
    Math.sqrt(((rho - 4) * (rho - 2) * longest) / ((longest - 4) * (longest - 2) * rho))
  return transform({
    name: 'radam',
    slots: { m: 0, v: 0 },
    scalars: {
      beta1,
      rest1: 1 - beta1,
      beta2,
      rest2: 1 - beta2,
      // The denominator is √v + ε, or 1: one graph does both.
      root: info => (rectified(info) ? 1 : 0),
      rest: info => (rectified(info) ? epsilon : 1),
      correction: info => {
        const plain = 1 / (1 - beta1 ** info.step)
        return rectified(info) ? plain * rectification(length(info.step)) * Math.sqrt(1 - beta2 ** info.step) : plain
      },
    },
    update: ({ gradient, slots, scalars }) => {
      const m = ops.add(ops.mul(slots.m, scalars.beta1), ops.mul(gradient, scalars.rest1))
      const v = ops.add(ops.mul(slots.v, scalars.beta2), ops.mul(ops.mul(gradient, gradient), scalars.rest2))
      const denominator = ops.add(ops.mul(ops.sqrt(v), scalars.root), scalars.rest)
      return { gradient: ops.div(m, denominator), scale: scalars.correction, slots: { m, v } }
    },
  })
}

/**
 * Rectified Adam (Liu et al. 2020): steps without the second moment until there is enough of it, then scaled by how sure
 * it is; a warmup of its own. Keras has none: defaults (learning rate 0.001) and update are PyTorch's.
 */
export const radam = optimizer<RadamOptions>({
  name: 'radam',
  defaults: { learningRate: 0.001, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 },
  links: o => [scaleByRadam(o.beta1, o.beta2, o.epsilon), scaleByLearningRate()],
})
