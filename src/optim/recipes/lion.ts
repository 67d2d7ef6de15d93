import * as ops from '../../ops/index.js'
import { scaleByLearningRate } from '../links/scale.js'
import { type OptimizerOptions, upToOne } from '../options.js'
import { optimizer } from '../recipe.js'
import { type Transform, transform } from '../transform.js'

export interface LionOptions extends OptimizerOptions {
  /** Share of the momentum in the step, above 0 to 1; default 0.9. */
  beta1?: number
  /** Decay of the momentum, 0 to below 1; default 0.99. */
  beta2?: number
}

/** The step is sign(β₁m + (1−β₁)g); then m ← β₂m + (1−β₂)g. */
const signOfMomentum = (beta1: number, beta2: number): Transform =>
  transform({
    name: 'lion',
    slots: { m: 0 },
    scalars: { beta1, rest1: 1 - beta1, beta2, rest2: 1 - beta2 },
    update: ({ gradient, slots, scalars }) => ({
      gradient: ops.sign(ops.add(ops.mul(slots.m, scalars.beta1), ops.mul(gradient, scalars.rest1))),
      slots: { m: ops.add(ops.mul(slots.m, scalars.beta2), ops.mul(gradient, scalars.rest2)) },
    }),
  })

/**
 * Lion (Chen et al. 2023): each weight moves by the learning rate, up or down. Takes a rate three to ten times smaller
 * than Adam's, and as much more weight decay. Default learning rate 0.001, as in Keras; 0.0001 in the paper.
 */
export const lion = optimizer<LionOptions>({
  name: 'lion',
  defaults: { learningRate: 0.001, beta1: 0.9, beta2: 0.99 },
  checks: { beta1: x => upToOne(x) ?? (x === 0 ? 'above 0: at 0 only the sign of the last gradient counts' : null) },
  links: o => [signOfMomentum(o.beta1, o.beta2), scaleByLearningRate()],
})
