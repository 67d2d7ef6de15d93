import { scalar } from '../../ir/index.js'
import * as ops from '../../ops/index.js'
import type { Check, OptimizerOptions } from '../options.js'
import { optimizer } from '../recipe.js'
import { type StepInfo, type Transform, transform } from '../transform.js'

export interface RpropOptions extends OptimizerOptions {
  /** What a step size is multiplied by where the gradient changed its sign, and where it did not; default [0.5, 1.2]. */
  etas?: readonly [number, number]
  /** Smallest and largest step size; default [1e-6, 50]. */
  stepSizes?: readonly [number, number]
}

const pair = (value: unknown, test: (a: number, b: number) => boolean): boolean =>
  Array.isArray(value) && value.length === 2 && value.every(Number.isFinite) && test(value[0], value[1])
const etas: Check = value => (pair(value, (a, b) => a > 0 && a < 1 && b > 1) ? null : '[between 0 and 1, above 1]')
const stepSizes: Check = value => (pair(value, (a, b) => a > 0 && b >= a) ? null : '[smallest, largest], above 0')

/**
 * s ← s·η₊ where g has the sign of the gradient before, s·η₋ where the other (and there g counts as 0 this time); the
 * step is lr·s·sign(g). Sizes are kept relative to the learning rate, so that it may change.
 */
const signByItself = ([down, up]: readonly [number, number], [least, most]: readonly [number, number]): Transform => {
  const relative = (size: number, { learningRate }: StepInfo, none: number): number =>
    learningRate > 0 ? Math.min(size / learningRate, 3e38) : none
  return transform({
    name: 'rprop',
    slots: { sign: 0, size: 1 },
    scalars: {
      least: info => relative(least, info, 0),
      most: info => relative(most, info, 3e38),
      up: up - 1,
      down: 1 - down,
    },
    update: ({ gradient, slots, scalars, graph }) => {
      const zero = scalar(graph, 'float32', 0)
      const sign = ops.sign(gradient)
      const product = ops.mul(sign, slots.sign) // 1, 0 or −1
      const [agrees, differs] = [ops.max([product, zero]), ops.min([product, zero])]
      const factor = ops.add(ops.add(ops.mul(agrees, scalars.up), ops.mul(differs, scalars.down)), 1)
      const size = ops.max([ops.min([ops.mul(slots.size, factor), scalars.most]), scalars.least])
      const kept = ops.mul(sign, ops.add(differs, 1))
      return { gradient: ops.mul(kept, size), scale: scalars.learningRate, slots: { sign: kept, size } }
    },
  })
}

/**
 * Rprop (Riedmiller & Braun 1993), for full batches: a step size for each weight, which grows while the gradient keeps
 * its sign and shrinks when it changes; how large the gradient is does not matter. The learning rate, default 0.01, is
 * the first step size. Update, names and defaults are PyTorch's.
 */
export const rprop = optimizer<RpropOptions>({
  name: 'rprop',
  defaults: { learningRate: 0.01, etas: [0.5, 1.2], stepSizes: [1e-6, 50] },
  checks: { etas, stepSizes },
  links: o => [signByItself(o.etas, o.stepSizes)],
})
