import * as ops from '../../ops/index.js'
import { atLeastZero, type OptimizerOptions } from '../options.js'
import { optimizer } from '../recipe.js'
import { type StepInfo, type Transform, transform } from '../transform.js'

export interface AsgdOptions extends OptimizerOptions {
  /** λ: decay of the weights, and of the learning rate; 0 or more, default 1e-4. */
  lambda?: number
  /** How fast the learning rate falls; default 0.75. */
  alpha?: number
  /** The update after which averaging begins, 0 or more; default 1e6. */
  t0?: number
}

type Own = Required<Pick<AsgdOptions, 'lambda' | 'alpha' | 't0'>>

/** η_t = lr/(1 + λ·lr·(t−1))^α, w ← (1 − λη)w − ηg, and the average a ← a + (w − a)/max(1, t − 1 − t₀). */
const averagedDescent = ({ lambda, alpha, t0 }: Own): Transform => {
  const rate = ({ step, learningRate }: StepInfo): number =>
    learningRate / (1 + lambda * learningRate * (step - 1)) ** alpha
  return transform({
    name: 'asgd',
    slots: { average: 'parameter' },
    scalars: { rate, keep: info => 1 - lambda * rate(info), share: ({ step }) => 1 / Math.max(1, step - 1 - t0) },
    update: ({ parameter, gradient, slots, scalars }) => {
      const next = ops.sub(ops.mul(parameter, scalars.keep), ops.mul(gradient, scalars.rate))
      const average = ops.add(slots.average, ops.mul(ops.sub(next, slots.average), scalars.share))
      return { parameter: next, slots: { average } }
    },
  })
}

/**
 * Averaged stochastic gradient descent (Polyak & Juditsky 1992), as in PyTorch; what is evaluated, predicted and saved
 * with is the average, which is the weights themselves until `t0`. Default learning rate 0.01.
 */
export const asgd = optimizer<AsgdOptions>({
  name: 'asgd',
  defaults: { learningRate: 0.01, lambda: 1e-4, alpha: 0.75, t0: 1e6 },
  checks: { lambda: atLeastZero, alpha: atLeastZero, t0: atLeastZero },
  links: o => [averagedDescent(o)],
  evaluate: (_options, { slot }) => ops.identity(slot('asgd/average')),
})
