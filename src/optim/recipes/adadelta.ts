import type { Value } from '../../ir/index.js'
import * as ops from '../../ops/index.js'
import { scaleByLearningRate } from '../links/scale.js'
import type { OptimizerOptions } from '../options.js'
import { optimizer } from '../recipe.js'
import { type Transform, transform } from '../transform.js'

export interface AdadeltaOptions extends OptimizerOptions {
  /** Decay of both averages, 0 to below 1; default 0.95 (PyTorch: 0.9). */
  rho?: number
  /** Inside both square roots; default 1e-7 (PyTorch: 1e-6). */
  epsilon?: number
}

/** v ← ρv + (1−ρ)g², the step is Δ = √(u + ε)/√(v + ε) · g, and then u ← ρu + (1−ρ)Δ². */
const scaleByAdadelta = (rho: number, epsilon: number): Transform =>
  transform({
    name: 'adadelta',
    slots: { gradient: 0, delta: 0 },
    scalars: { rho, rest: 1 - rho, epsilon },
    update: ({ gradient, slots, scalars }) => {
      const follow = (average: Value, x: Value): Value =>
        ops.add(ops.mul(average, scalars.rho), ops.mul(ops.mul(x, x), scalars.rest))
      const rms = (x: Value): Value => ops.sqrt(ops.add(x, scalars.epsilon))
      const squares = follow(slots.gradient, gradient)
      const step = ops.mul(ops.div(rms(slots.delta), rms(squares)), gradient)
      return { gradient: step, slots: { gradient: squares, delta: follow(slots.delta, step) } }
    },
  })

/**
 * Adadelta (Zeiler 2012): steps measured in the size of past steps. Default learning rate 0.001, as in Keras; 1 in the
 * paper and in PyTorch, whose update is the same.
 */
export const adadelta = optimizer<AdadeltaOptions>({
  name: 'adadelta',
  defaults: { learningRate: 0.001, rho: 0.95, epsilon: 1e-7 },
  links: o => [scaleByAdadelta(o.rho, o.epsilon), scaleByLearningRate()],
})
