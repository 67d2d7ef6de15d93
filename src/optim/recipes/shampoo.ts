import type { Value } from '../../ir/index.js'
import * as ops from '../../ops/index.js'
import { asBlocks, blocksOf, fromBlocks } from '../links/blocks.js'
import { inverseRoot } from '../links/inverse-root.js'
import { norm } from '../links/trust.js'
import { above, type OptimizerOptions, oneOf, share, upToOne, whole } from '../options.js'
import { optimizer } from '../recipe.js'
import { type SlotInit, type Transform, transform } from '../transform.js'

export interface ShampooOptions extends OptimizerOptions {
  /** Decay of the mean of the gradients, which is what is preconditioned; default 0.9. */
  beta1?: number
  /** Decay of the statistics GGᵀ and GᵀG, from 0 to 1; 1 adds them up, as in the paper. Default 0.999. */
  beta2?: number
  /** Added to each statistic as a share of its norm before its root is taken; above 0, default 1e-6. */
  matrixEpsilon?: number
  /** Larger matrices are cut into blocks of at most this side, each preconditioned alone. Default 128. */
  blockSize?: number
  /** Take new roots each time after this many updates; default 10. */
  preconditioningFrequency?: number
  /** Updates that take the graft's step alone, before the first preconditioned one; default 0. */
  preconditioningStart?: number
  /**
   * Whose length a step has: `adam` (Adam's of the same moments), `sgd` (the mean gradient's), or `none`: Shampoo's own.
   * Default `adam`.
   */
  grafting?: 'adam' | 'sgd' | 'none'
  /** Added to √v̂ of the graft; default 1e-8. */
  epsilon?: number
}

type Options = Required<ShampooOptions>
type Side = 'left' | 'right'
const roots: Readonly<Record<Side, string>> = { left: 'leftRoot', right: 'rightRoot' }

/** L ← β₂L + (1−β₂)GGᵀ, R likewise of GᵀG; the step is L^(−1/4) M R^(−1/4), M the mean gradient, with the graft's length. */
const scaleByShampoo = (o: Options): Transform =>
  transform<string, 'first' | 'second' | 'statistic' | 'beta1' | 'rest1' | 'beta2' | 'rest2' | 'epsilon'>({
    name: 'shampoo',
    slots: ({ shape }): Readonly<Record<string, SlotInit>> => {
      const { count, side, sides } = blocksOf(shape, o.blockSize)
      const slots: Record<string, SlotInit> = { m: 0, ...(o.grafting === 'adam' ? { v: 0 } : {}) }
      for (const which of sides) {
        const square = [...count, side[which], side[which]]
        slots[which] = { shape: square, initial: 0 }
        slots[roots[which]] = { shape: square, initial: { identity: 1 } }
      }
      return slots
    },
    scalars: {
      first: ({ step }) => 1 / (1 - o.beta1 ** step),
      second: ({ step }) => 1 / (1 - (o.beta2 === 1 ? 0 : o.beta2 ** step)),
      beta1: o.beta1,
      rest1: 1 - o.beta1,
      beta2: o.beta2,
      rest2: o.beta2 === 1 ? 1 : 1 - o.beta2,
      epsilon: o.epsilon,
      statistic: ({ step }) => (o.beta2 === 1 ? 1 : 1 / (1 - o.beta2 ** step)),
    },
    update: ({ gradient, parameter, slots, scalars, phase }) => {
      const plan = blocksOf(parameter.shape as readonly number[], o.blockSize) // weights are static
      const m = ops.add(ops.mul(slots.m!, scalars.beta1), ops.mul(gradient, scalars.rest1))
      const next: Record<string, Value> = { m }
      const blocks = asBlocks(gradient, plan)
      for (const which of plan.sides) {
        const [a, b] = which === 'left' ? [blocks, swap(blocks)] : [swap(blocks), blocks]
        next[which] = ops.add(ops.mul(slots[which]!, scalars.beta2), ops.mul(ops.matMul(a, b), scalars.rest2))
        if (phase === 'precondition')
          next[roots[which]] = inverseRoot(ops.mul(next[which], scalars.statistic), {
            root: 2 * plan.sides.length,
            damping: o.matrixEpsilon,
          })
      }
      const mean = ops.mul(m, scalars.first)
      let graft = mean
      if (slots.v !== undefined) {
        next.v = ops.add(ops.mul(slots.v, scalars.beta2), ops.mul(ops.mul(gradient, gradient), scalars.rest2))
        graft = ops.div(mean, ops.add(ops.sqrt(ops.mul(next.v, scalars.second)), scalars.epsilon))
      }
      if (phase === 'graft') return { gradient: graft, scale: scalars.learningRate, slots: next }
      const rootOf = (which: Side) => next[roots[which]] ?? slots[roots[which]]!
      let step = asBlocks(mean, plan)
      if (plan.sides.includes('left')) step = ops.matMul(rootOf('left'), step)
      if (plan.sides.includes('right')) step = ops.matMul(step, rootOf('right'))
      const preconditioned = fromBlocks(step, plan)
      if (o.grafting === 'none') return { gradient: preconditioned, scale: scalars.learningRate, slots: next }
      const length = ops.div(norm(graft), ops.max([norm(preconditioned), 1e-30]))
      return { gradient: preconditioned, scale: ops.mul(length, scalars.learningRate), slots: next }
    },
  })

const swap = (x: Value): Value =>
  ops.transpose(x, { perm: x.shape.map((_, i, { length }) => (i < length - 2 ? i : 2 * length - 3 - i)) })

/**
 * Shampoo (Gupta, Koren & Singer 2018; blocks, grafting and intervals as in Anil et al. 2020): the mean gradient of a
 * matrix between the inverse fourth roots of its row and column statistics; a vector's by an inverse square root. Kernels
 * of convolutions count as matrices [units, rest]. Default learning rate 0.001. Roots are products alone, so that they
 * are part of the graph: the updates that take new ones have a graph of their own. In Keras there is none; the paper
 * itself is `beta1: 0, beta2: 1, grafting: 'none', preconditioningFrequency: 1`.
 */
export const shampoo = optimizer<ShampooOptions>({
  name: 'shampoo',
  defaults: {
    learningRate: 0.001,
    beta1: 0.9,
    beta2: 0.999,
    matrixEpsilon: 1e-6,
    blockSize: 128,
    preconditioningFrequency: 10,
    preconditioningStart: 0,
    grafting: 'adam',
    epsilon: 1e-8,
  },
  checks: {
    beta1: share,
    beta2: upToOne,
    matrixEpsilon: above(0),
    blockSize: whole(1),
    preconditioningFrequency: whole(1),
    preconditioningStart: whole(0),
    grafting: oneOf('adam', 'sgd', 'none'),
  },
  phase: o => updates => {
    const since = updates - o.preconditioningStart
    return since < 0 ? 'graft' : since % o.preconditioningFrequency === 0 ? 'precondition' : 'update'
  },
  links: o => [scaleByShampoo(o)],
})
