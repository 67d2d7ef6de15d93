import { scalar, type Value } from '../../ir/index.js'
import * as ops from '../../ops/index.js'
import type { Check, OptimizerOptions } from '../options.js'
import { optimizer } from '../recipe.js'
import { type Transform, transform } from '../transform.js'

export interface FtrlOptions extends OptimizerOptions {
  /** How the rate falls with the sum of squares n: as n to this power. 0 or less, 0 is a fixed rate; default −0.5. */
  learningRatePower?: number
  /** What the sum of squares starts from, 0 or more; default 0.1. */
  initialAccumulatorValue?: number
  /** Makes weights exactly 0 whose |z| does not exceed it; default 0. */
  l1RegularizationStrength?: number
  /** A penalty that stabilizes; default 0. */
  l2RegularizationStrength?: number
  /** A penalty on the size of weights: adds 2 · strength · w to the gradient in z; default 0. */
  l2ShrinkageRegularizationStrength?: number
  /** β of the paper, 0 or more; default 0. */
  beta?: number
}

type Own = Required<Omit<FtrlOptions, keyof OptimizerOptions>>

/**
 * n' = n + g², z ← z + g − (n'^p − n^p)/lr · w with p = −learningRatePower, and w ← (clip(z, −l₁, l₁) − z) /
 * (n'^p/lr + 2l₂ + β/lr).
 */
const followTheLeader = (o: Own): Transform => {
  const [l1, l2, shrinkage] = [
    o.l1RegularizationStrength,
    o.l2RegularizationStrength,
    o.l2ShrinkageRegularizationStrength,
  ]
  const power = -o.learningRatePower
  const raised = (x: Value): Value =>
    power === 1 ? x : power === 0.5 ? ops.sqrt(x) : ops.pow(x, scalar(x.graph, 'float32', power))
  return transform({
    name: 'ftrl',
    slots: { accumulator: o.initialAccumulatorValue, linear: 0 },
    scalars: {
      inverse: ({ learningRate }) => (learningRate > 0 ? 1 / learningRate : 0),
      rest: ({ learningRate }) => 2 * l2 + (learningRate > 0 ? o.beta / learningRate : 0),
      moves: ({ learningRate }) => (learningRate > 0 ? 1 : 0),
      shrinkage: 2 * shrinkage,
      low: -l1,
      high: l1,
    },
    update: ({ parameter, gradient, slots, scalars, graph }) => {
      const number = (x: number): Value => scalar(graph, 'float32', x)
      const accumulator = ops.add(slots.accumulator, ops.mul(ops.mul(gradient, gradient), scalars.moves))
      const now = raised(accumulator)
      const shrunk = shrinkage === 0 ? gradient : ops.add(gradient, ops.mul(parameter, scalars.shrinkage))
      const sigma = ops.mul(ops.sub(now, raised(slots.accumulator)), scalars.inverse)
      const linear = ops.sub(ops.add(slots.linear, ops.mul(shrunk, scalars.moves)), ops.mul(sigma, parameter))
      const quadratic = ops.add(ops.mul(now, scalars.inverse), scalars.rest)
      const pulled = l1 === 0 ? ops.neg(linear) : ops.sub(ops.clip(linear, scalars.low, scalars.high), linear)
      // A weight that never had a gradient, from an accumulator of 0: z is 0 too, and so is the weight.
      const next = ops.div(pulled, ops.max([quadratic, number(1e-30)]))
      // At a learning rate of 0 nothing moves; the formula would divide by it.
      const moves = ops.greater(scalars.moves, number(0))
      return { parameter: ops.where(moves, next, parameter), slots: { accumulator, linear } }
    },
  })
}

const atMostZero: Check = x => (typeof x === 'number' && Number.isFinite(x) && x <= 0 ? null : 'a number ≤ 0')

/**
 * Follow the regularized leader (McMahan et al. 2013), for wide, sparse models: the weights are computed anew from the
 * sum of all gradients, and L1 makes zeros of them. Initial weights are forgotten at the first update. Default learning
 * rate 0.001. Names, defaults and update are Keras's.
 */
export const ftrl = optimizer<FtrlOptions>({
  name: 'ftrl',
  defaults: {
    learningRate: 0.001,
    learningRatePower: -0.5,
    initialAccumulatorValue: 0.1,
    l1RegularizationStrength: 0,
    l2RegularizationStrength: 0,
    l2ShrinkageRegularizationStrength: 0,
    beta: 0,
  },
  checks: { learningRatePower: atMostZero },
  links: o => [followTheLeader(o)],
})
