import * as ops from '../../ops/index.js'
import { scaleByLearningRate } from '../links/scale.js'
import type { OptimizerOptions } from '../options.js'
import { optimizer } from '../recipe.js'
import { type Transform, transform } from '../transform.js'

export interface RmspropOptions extends OptimizerOptions {
  /** Decay of the mean square; default 0.9. */
  rho?: number
  momentum?: number
  /** Inside the square root, as in Keras (PyTorch: outside); default 1e-7. */
  epsilon?: number
  /** Divide by the estimated variance instead of the mean square; default false. */
  centered?: boolean
}

/** v ← ρv + (1−ρ)g²; the step is g / √(v + ε), or g / √(v − mean(g)² + ε) when centered. */
const scaleByRms = (rho: number, epsilon: number): Transform =>
  transform({
    name: 'rmsprop',
    slots: { velocity: 0 },
    update: ({ gradient, slots }) => {
      const velocity = ops.add(ops.mul(slots.velocity, rho), ops.mul(ops.mul(gradient, gradient), 1 - rho))
      return { gradient: ops.div(gradient, ops.sqrt(ops.add(velocity, epsilon))), slots: { velocity } }
    },
  })

const scaleByStddev = (rho: number, epsilon: number): Transform =>
  transform({
    name: 'rmsprop',
    slots: { velocity: 0, average: 0 },
    update: ({ gradient, slots }) => {
      const velocity = ops.add(ops.mul(slots.velocity, rho), ops.mul(ops.mul(gradient, gradient), 1 - rho))
      const average = ops.add(ops.mul(slots.average, rho), ops.mul(gradient, 1 - rho))
      const variance = ops.add(ops.sub(velocity, ops.mul(average, average)), epsilon)
      return { gradient: ops.div(gradient, ops.sqrt(variance)), slots: { velocity, average } }
    },
  })

/** v ← μ·v + lr·g; the step is v. */
const accumulate = (momentum: number): Transform =>
  transform({
    name: 'rmspropMomentum',
    slots: { momentum: 0 },
    update: ({ gradient, slots, scalars }) => {
      const next = ops.add(ops.mul(slots.momentum, momentum), ops.mul(gradient, scalars.learningRate))
      return { gradient: next, slots: { momentum: next } }
    },
  })

/** RMSprop (Hinton 2012). Default learning rate 0.001. */
export const rmsprop = optimizer<RmspropOptions>({
  name: 'rmsprop',
  defaults: { learningRate: 0.001, rho: 0.9, momentum: 0, epsilon: 1e-7, centered: false },
  links: o => [
    o.centered ? scaleByStddev(o.rho, o.epsilon) : scaleByRms(o.rho, o.epsilon),
    o.momentum > 0 ? accumulate(o.momentum) : scaleByLearningRate(),
  ],
})
