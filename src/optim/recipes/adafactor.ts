import type { Value } from '../../ir/index.js'
import * as ops from '../../ops/index.js'
import { rootMeanSquare } from '../links/trust.js'
import { above, type Check, isExcluded, type OptimizerOptions, oneOf } from '../options.js'
import { optimizer } from '../recipe.js'
import { type SlotInit, type Transform, transform } from '../transform.js'

export interface AdafactorOptions extends OptimizerOptions {
  /** At update t the second moments decay by 1 − t^beta2Decay; 0 or less, default −0.8. */
  beta2Decay?: number
  /** Added to the squared gradient; default 1e-30. */
  epsilon1?: number
  /** What the root mean square of a parameter counts as at least; default 0.001. */
  epsilon2?: number
  /** Root mean square of a step before the learning rate, at most; default 1. */
  clipThreshold?: number
  /** Bound a constant learning rate by 1/√t; default true. In Keras the bound of `boundRate` follows, so this changes nothing. */
  relativeStep?: boolean
  /** Bound every learning rate by 1/√t, as Keras and PyTorch do; default true. False takes it as it is. */
  boundRate?: boolean
  /** Multiply the learning rate by the parameter's root mean square; default true. */
  scaleParameter?: boolean
  /**
   * `add` (Keras, the paper): epsilon1 is added to g². `clamp` (PyTorch, whose epsilon1 is 1.19e-7): the estimate of g²
   * is epsilon1² at least, and the size of a parameter is taken before its decay. Default `add`.
   */
  epsilonMode?: 'add' | 'clamp'
}

const clampTo = (x: Value, least: number): Value => ops.where(ops.less(x, least), least, x)

const scaleByAdafactor = (o: Required<AdafactorOptions>): Transform => {
  const constant = typeof o.learningRate === 'number'
  const squared = (g: Value): Value => {
    const square = ops.mul(g, g)
    return o.epsilonMode === 'add' ? ops.add(square, o.epsilon1) : square
  }
  return transform<string, 'keep' | 'take' | 'rate' | 'undecay' | 'clipThreshold'>({
    name: 'adafactor',
    slots: ({ shape }): Readonly<Record<string, SlotInit>> =>
      shape.length < 2
        ? { v: 0 }
        : {
            r: { shape: shape.slice(0, -1), initial: 0 },
            c: { shape: [...shape.slice(0, -2), shape.at(-1)!], initial: 0 },
          },
    scalars: {
      clipThreshold: o.clipThreshold,
      keep: ({ step }) => 1 - step ** o.beta2Decay,
      take: ({ step }) => step ** o.beta2Decay,
      rate: ({ step, learningRate }) =>
        o.boundRate || (o.relativeStep && constant) ? Math.min(learningRate, 1 / Math.sqrt(step)) : learningRate,
      undecay: ({ learningRate }) => 1 / Math.max(1 - learningRate * (o.weightDecay ?? 0), Number.MIN_VALUE),
    },
    update: ({ path, parameter, gradient, slots, scalars }) => {
      const follow = (average: Value, now: Value): Value =>
        ops.add(ops.mul(average, scalars.keep), ops.mul(now, scalars.take))
      const square = squared(gradient)
      const next: Record<string, Value> = {}
      let estimate: Value
      if (slots.v !== undefined) estimate = next.v = follow(slots.v, square)
      else {
        const r = (next.r = follow(slots.r!, ops.reduceMean(square, [-1], { keepdims: 0 })))
        const c = (next.c = follow(slots.c!, ops.reduceMean(square, [-2], { keepdims: 0 })))
        const mean = ops.reduceMean(r, [-1])
        const rows = ops.div(r, o.epsilonMode === 'add' ? mean : clampTo(mean, o.epsilon1))
        estimate = ops.mul(ops.unsqueeze(rows, [-1]), ops.unsqueeze(c, [-2]))
      }
      const known = o.epsilonMode === 'add' ? estimate : clampTo(estimate, Math.max(o.epsilon1 ** 2, 1e-37)) // float32 ends there
      const update = ops.div(gradient, ops.sqrt(known))
      const excess = clampTo(ops.div(rootMeanSquare(update), scalars.clipThreshold), 1)
      if (!o.scaleParameter) return { gradient: update, scale: ops.div(scalars.rate, excess), slots: next }
      const present = rootMeanSquare(parameter)
      const before =
        o.epsilonMode === 'clamp' && o.weightDecayMode === 'decoupled' && !isExcluded(o.excludeFromWeightDecay, path)
          ? ops.mul(present, scalars.undecay)
          : present
      const size = ops.mul(clampTo(before, o.epsilon2), scalars.rate)
      return { gradient: update, scale: ops.div(size, excess), slots: next }
    },
  })
}

const zeroOrLess: Check = x =>
  typeof x === 'number' && Number.isFinite(x) && x <= 0 ? null : 'a number of 0 or less, such as -0.8'

/**
 * Adafactor (Shazeer & Stern 2018): Adam's second moment kept as its row and column means (over the last two axes), for
 * memory; parameters of rank 0 and 1 keep it whole. Default learning rate 0.001, an upper bound: the step is
 * min(learningRate, 1/√t) · max(epsilon2, rms(w)) · u / max(1, rms(u) / clipThreshold), u = g/√v.
 * PyTorch: learning rate 0.01, epsilon1 1.1920929e-7, `epsilonMode: 'clamp'`.
 */
export const adafactor = optimizer<AdafactorOptions>({
  name: 'adafactor',
  defaults: {
    learningRate: 0.001,
    beta2Decay: -0.8,
    epsilon1: 1e-30,
    epsilon2: 1e-3,
    clipThreshold: 1,
    relativeStep: true,
    boundRate: true,
    scaleParameter: true,
    epsilonMode: 'add',
  },
  checks: { beta2Decay: zeroOrLess, clipThreshold: above(0), epsilonMode: oneOf('add', 'clamp') },
  links: o => [scaleByAdafactor(o)],
})
