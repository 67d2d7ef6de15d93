import type { Value } from '../../ir/index.js'
import * as ops from '../../ops/index.js'
import { momentum } from '../links/momentum.js'
import { scaleByLearningRate } from '../links/scale.js'
import { type OptimizerOptions, oneOf } from '../options.js'
import { optimizer } from '../recipe.js'
import { asHyper, type Schedule, type ScheduleConfig } from '../schedules/schedule.js'
import { type Transform, transform } from '../transform.js'

export interface RmspropOptions extends OptimizerOptions {
  /** Decay of the mean square, 0 to below 1; default 0.9. PyTorch's `alpha`, 0.99 there. */
  rho?: number
  /** 0 … 1, or a schedule, say `schedules.oneCycleMomentum(…)`; default 0. */
  momentum?: Schedule | ScheduleConfig
  /** As in `sgd`: does the velocity hold steps (`keras`, the default) or scaled gradients (`torch`). */
  momentumMode?: 'keras' | 'torch'
  /** Default 1e-7; where it stands is said by `epsilonMode`. */
  epsilon?: number
  /** `inside` (Keras): √(v + ε). `outside` (PyTorch): √v + ε. Default `inside`. */
  epsilonMode?: 'inside' | 'outside'
  /** Divide by the estimated variance instead of the mean square (Graves 2013); default false. */
  centered?: boolean
}

type RmsOptions = Required<Pick<RmspropOptions, 'rho' | 'epsilon' | 'epsilonMode' | 'centered'>>

/** v ← ρv + (1−ρ)g²; the step is g / √(v + ε), or g / √(v − a² + ε), a ← ρa + (1−ρ)g, when centered. */
const scaleByRms = ({ rho, epsilon, epsilonMode, centered }: RmsOptions): Transform => {
  const root = (x: Value, e: Value): Value =>
    epsilonMode === 'inside' ? ops.sqrt(ops.add(x, e)) : ops.add(ops.sqrt(x), e)
  return transform<string, 'rho' | 'rest' | 'epsilon'>({
    name: 'rmsprop',
    slots: () => ({ velocity: 0, ...(centered ? { average: 0 } : {}) }),
    scalars: { rho, rest: 1 - rho, epsilon },
    update: ({ gradient, slots, scalars }) => {
      const follow = (average: Value, x: Value): Value =>
        ops.add(ops.mul(average, scalars.rho), ops.mul(x, scalars.rest))
      const velocity = follow(slots.velocity!, ops.mul(gradient, gradient))
      const next: Record<string, Value> = { velocity }
      let variance: Value = velocity
      if (slots.average !== undefined) {
        next.average = follow(slots.average, gradient)
        variance = ops.sub(velocity, ops.mul(next.average, next.average))
      }
      return { gradient: ops.div(gradient, root(variance, scalars.epsilon)), slots: next }
    },
  })
}

/**
 * RMSprop (Hinton 2012). Default learning rate 0.001. PyTorch: learning rate 0.01, rho 0.99, epsilon 1e-8,
 * `epsilonMode: 'outside'`, `momentumMode: 'torch'`.
 */
export const rmsprop = optimizer<RmspropOptions>({
  name: 'rmsprop',
  defaults: {
    learningRate: 0.001,
    rho: 0.9,
    momentum: 0,
    momentumMode: 'keras',
    epsilon: 1e-7,
    epsilonMode: 'inside',
    centered: false,
  },
  scheduled: ['momentum'],
  checks: { momentumMode: oneOf('keras', 'torch'), epsilonMode: oneOf('inside', 'outside') },
  links: o => [
    scaleByRms(o),
    o.momentum !== 0
      ? momentum({ name: 'rmspropMomentum', momentum: asHyper(o.momentum), mode: o.momentumMode })
      : scaleByLearningRate(),
  ],
})
