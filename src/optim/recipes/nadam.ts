import * as ops from '../../ops/index.js'
import { scaleByLearningRate } from '../links/scale.js'
import { atLeastZero, type OptimizerOptions } from '../options.js'
import { optimizer } from '../recipe.js'
import { type StepInfo, type Transform, transform } from '../transform.js'

export interface NadamOptions extends OptimizerOptions {
  /** Decay of the first moment, 0 to below 1; default 0.9. */
  beta1?: number
  /** Decay of the second moment, 0 to below 1; default 0.999. */
  beta2?: number
  /** Added to √(v/(1−β₂ᵗ)); default 1e-7 (PyTorch: 1e-8). */
  epsilon?: number
  /**
   * ψ in the momentum schedule u_t = β₁ (1 − ½ · 0.96^(t·ψ)), 0 or more: default 1, as in Keras; PyTorch's
   * `momentum_decay` is 0.004, as in the paper.
   */
  momentumDecay?: number
}

type Own = Required<Pick<NadamOptions, 'beta1' | 'beta2' | 'epsilon' | 'momentumDecay'>>

/**
 * m ← β₁m + (1−β₁)g, v ← β₂v + (1−β₂)g²; the step is (u_{t+1}·m/(1 − u₁…u_{t+1}) + (1−u_t)·g/(1 − u₁…u_t)) over
 * √(v/(1−β₂ᵗ)) + ε.
 */
const scaleByNadam = ({ beta1, beta2, epsilon, momentumDecay }: Own): Transform => {
  const schedule = (t: number): number => beta1 * (1 - 0.5 * 0.96 ** (t * momentumDecay))
  // u₁ … u_t multiplied, at a bounded cost: once 0.96^(i·ψ) is nothing beside 1, powers of β₁ are left; once the product
  // is nothing beside 1, nothing.
  const product = (t: number): number => {
    let all = 1
    for (let i = 1; i <= t && all > 1e-17; i++) {
      if (0.96 ** (i * momentumDecay) < 1e-17) return all * beta1 ** (t - i + 1)
      all *= schedule(i)
    }
    return all
  }
  const root = ({ step }: StepInfo): number => Math.sqrt(1 - beta2 ** step)
  return transform({
    name: 'nadam',
    slots: { m: 0, v: 0 },
    scalars: {
      momentum: info => (root(info) * schedule(info.step + 1)) / (1 - product(info.step + 1)),
      gradient: info => (root(info) * (1 - schedule(info.step))) / (1 - product(info.step)),
      epsilon: info => epsilon * root(info),
      beta1,
      rest1: 1 - beta1,
      beta2,
      rest2: 1 - beta2,
    },
    update: ({ gradient, slots, scalars }) => {
      const m = ops.add(ops.mul(slots.m, scalars.beta1), ops.mul(gradient, scalars.rest1))
      const v = ops.add(ops.mul(slots.v, scalars.beta2), ops.mul(ops.mul(gradient, gradient), scalars.rest2))
      const ahead = ops.add(ops.mul(m, scalars.momentum), ops.mul(gradient, scalars.gradient))
      return { gradient: ops.div(ahead, ops.add(ops.sqrt(v), scalars.epsilon)), slots: { m, v } }
    },
  })
}

/**
 * Nadam (Dozat 2016): Adam with Nesterov's momentum. Default learning rate 0.001. PyTorch: learning rate 0.002, epsilon
 * 1e-8, momentumDecay 0.004.
 */
export const nadam = optimizer<NadamOptions>({
  name: 'nadam',
  defaults: { learningRate: 0.001, beta1: 0.9, beta2: 0.999, epsilon: 1e-7, momentumDecay: 1 },
  checks: { momentumDecay: atLeastZero },
  links: o => [scaleByNadam(o), scaleByLearningRate()],
})
