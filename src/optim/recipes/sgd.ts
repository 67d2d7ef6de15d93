import * as ops from '../../ops/index.js'
import { scaleByLearningRate } from '../links/scale.js'
import type { OptimizerOptions } from '../options.js'
import { optimizer } from '../recipe.js'
import { transform } from '../transform.js'

export interface SgdOptions extends OptimizerOptions {
  /** 0 … 1; default 0. */
  momentum?: number
  /** Nesterov's look-ahead; default false. */
  nesterov?: boolean
}

/** Keras's momentum: v ← μ·v − lr·g, w ← w + v; with Nesterov w ← w + μ·v − lr·g. PyTorch multiplies v by lr at the end. */
export const heavyBall = (momentum: number, nesterov: boolean) =>
  transform({
    name: 'sgd',
    slots: { momentum: 0 },
    update: ({ gradient, slots, scalars }) => {
      const step = ops.mul(gradient, scalars.learningRate)
      const velocity = ops.sub(ops.mul(slots.momentum, momentum), step)
      const change = nesterov ? ops.sub(ops.mul(velocity, momentum), step) : velocity
      return { gradient: ops.neg(change), slots: { momentum: velocity } }
    },
  })

/** Stochastic gradient descent (Robbins & Monro 1951), with momentum (Polyak 1964). Default learning rate 0.01. */
export const sgd = optimizer<SgdOptions>({
  name: 'sgd',
  defaults: { learningRate: 0.01, momentum: 0, nesterov: false },
  links: o => [o.momentum > 0 ? heavyBall(o.momentum, o.nesterov) : scaleByLearningRate()],
})
