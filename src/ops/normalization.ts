import { normalizeAxis, type TensorType, tensor, type Value } from '../ir/index.js'
import { defineOp, flag, float, int, type OldNode, type Upgraded } from './define.js'
import { countOf, dimsVector, extentOf, reshapeTo } from './dims.js'
import { sameDtype } from './infer.js'
import { add, div, max, mul, neg, sqrt, sub } from './math.js'
import { reduceMean, reduceSum, reduceSumSquare } from './reduce.js'
import { normal, uniform } from './sample.js'
import { reshape } from './shape.js'

/** Normalizations. */

/** A vector over the channels, shaped to broadcast over [batch, channels, …]. */
const perChannel = (v: Value, like: Value): Value =>
  like.shape.length <= 2 ? v : reshape(v, [-1, ...new Array<number>(like.shape.length - 2).fill(1)])
const allButChannels = (x: Value): number[] => x.shape.map((_, i) => i).filter(i => i !== 1)
const overChannels = (x: Value): Value => reduceSum(x, allButChannels(x), { keepdims: 0 })
const constant = (like: Value, value: number): Value => like.graph.constant(tensor([value], [], like.dtype))

/**
 * Per channel: with the given statistics, or with training_mode 1 with the batch's own mean and biased variance, which
 * also move the running statistics: running = running · momentum + batch · (1 − momentum).
 */
export const batchNormalization = defineOp('BatchNormalization', {
  inputs: ['X', 'scale', 'B', 'input_mean', 'input_var'],
  outputs: ['Y', 'running_mean?', 'running_var?'],
  attrs: { epsilon: float(1e-5), momentum: float(0.9), training_mode: flag(0) },
  keepOutputs: true,
  infer: ({ X, input_mean }, { training_mode }): TensorType[] => {
    const y = { dtype: X.dtype, shape: X.shape }
    const statistic = { dtype: input_mean.dtype, shape: input_mean.shape }
    return training_mode === 1 ? [y, statistic, statistic] : [y]
  },
  vjp: {
    X: (g, { in: { X, scale, input_var }, attrs }): Value => {
      if (attrs.training_mode === 0) return mul(g, perChannel(mul(scale, inverse(input_var, attrs.epsilon)), X))
      const { centered, inv } = batchStatistics(X, attrs.epsilon)
      const count = countOf(X, allButChannels(X))
      const a = mul(scale, inv)
      // dx = a·(g − mean(g) − x̂·mean(g·x̂)) as one affine map of g and the centred input.
      const b = neg(div(mul(mul(a, mul(inv, inv)), overChannels(mul(g, centered))), count))
      const c = neg(div(mul(a, overChannels(g)), count))
      return add(add(mul(g, perChannel(a, X)), mul(centered, perChannel(b, X))), perChannel(c, X))
    },
    scale: (g, { in: { X, input_mean, input_var }, attrs }): Value => {
      if (attrs.training_mode === 0)
        return mul(overChannels(mul(g, sub(X, perChannel(input_mean, X)))), inverse(input_var, attrs.epsilon))
      const { centered, inv } = batchStatistics(X, attrs.epsilon)
      return mul(overChannels(mul(g, centered)), inv)
    },
    B: (g): Value => overChannels(g),
    input_mean: (g, { in: { scale, input_var }, attrs }): Value =>
      attrs.training_mode === 1
        ? mul(input_var, 0)
        : neg(mul(overChannels(g), mul(scale, inverse(input_var, attrs.epsilon)))),
    input_var: (g, { in: { X, scale, input_mean, input_var }, attrs }): Value => {
      if (attrs.training_mode === 1) return mul(input_var, 0)
      const inv = inverse(input_var, attrs.epsilon)
      return mul(
        mul(overChannels(mul(g, sub(X, perChannel(input_mean, X)))), scale),
        mul(mul(inv, mul(inv, inv)), -0.5),
      )
    },
  },
  upgrade: (node: OldNode, opset): Upgraded => {
    if (opset >= 14) return undefined
    const [X, scale, B, mean, variance] = node.inputs
    const training = node.outputCount > 1 ? 1 : 0
    const attrs = {
      epsilon: (node.attrs.epsilon as number | undefined) ?? 1e-5,
      momentum: (node.attrs.momentum as number | undefined) ?? 0.9,
      training_mode: training as 0 | 1,
    }
    const all = batchNormalization.all(X!, scale!, B!, mean!, variance!, attrs)
    // Before opset 14 training also gave the batch's saved statistics; nothing reads them after the fact.
    return training === 1
      ? [all.Y, all.running_mean, all.running_var, all.running_mean, all.running_var].slice(0, node.outputCount)
      : [all.Y]
  },
  samples: [
    {
      inputs: {
        X: normal([3, 2, 4]),
        scale: normal([2]),
        B: normal([2]),
        input_mean: normal([2]),
        input_var: uniform([2], 0.5, 2),
      },
    },
    {
      inputs: {
        X: normal([4, 2, 3, 2]),
        scale: normal([2]),
        B: normal([2]),
        input_mean: normal([2]),
        input_var: uniform([2], 0.5, 2),
      },
      attrs: { training_mode: 1, epsilon: 0.01 },
      constants: ['input_mean', 'input_var'],
    },
    {
      inputs: {
        X: normal([5, 3]),
        scale: normal([3]),
        B: normal([3]),
        input_mean: normal([3]),
        input_var: uniform([3], 0.5, 2),
      },
      attrs: { training_mode: 1 },
      constants: ['input_mean', 'input_var'],
    },
  ],
})

const inverse = (variance: Value, epsilon: number): Value => div(constant(variance, 1), sqrt(add(variance, epsilon)))

/** The batch's centred values and inverse standard deviation; common subexpressions merge when both rules ask. */
function batchStatistics(X: Value, epsilon: number): { centered: Value; inv: Value } {
  const axes = allButChannels(X)
  const centered = sub(X, reduceMean(X, axes))
  const variance = div(overChannels(mul(centered, centered)), countOf(X, axes))
  return { centered, inv: inverse(variance, epsilon) }
}

/** Per example over the axes from `axis` on, then scale and bias. Also gives the mean and the inverse standard deviation. */
export const layerNormalization = defineOp('LayerNormalization', {
  inputs: ['X', 'Scale', 'B?'],
  outputs: ['Y', 'Mean?', 'InvStdDev?'],
  attrs: { axis: int(-1), epsilon: float(1e-5), stash_type: int(1) },
  infer: ({ X, Scale, B }, { axis }, where): TensorType[] => {
    const at = normalizeAxis(axis, X.shape.length, where)
    const dtype = sameDtype(B === null ? [X, Scale] : [X, Scale, B], where)
    const reduced = {
      dtype: dtype === 'float64' ? ('float64' as const) : ('float32' as const),
      shape: X.shape.map((dim, i) => (i < at ? dim : 1)),
    }
    return [{ dtype, shape: X.shape }, reduced, reduced]
  },
  vjp: {
    X: (g, { in: { X, Scale }, attrs: { axis, epsilon } }): Value => {
      const axes = trailing(X, axis)
      const { hat, inv } = standardized(X, axes, epsilon)
      const scaled = mul(g, Scale)
      const flat = reduceMean(scaled, axes)
      const along = reduceMean(mul(scaled, hat), axes)
      return mul(inv, sub(sub(scaled, flat), mul(hat, along)))
    },
    Scale: (g, { in: { X, Scale }, attrs: { axis, epsilon } }): Value =>
      toParameter(mul(g, standardized(X, trailing(X, axis), epsilon).hat), Scale),
    B: (g, { in: { B } }): Value => toParameter(g, B!),
  },
  perExample: {
    Scale: (g, { in: { X, Scale }, attrs: { axis, epsilon } }): Value =>
      exampleNorms(mul(g, standardized(X, trailing(X, axis), epsilon).hat), Scale),
    B: (g, { in: { B } }): Value => exampleNorms(g, B!),
  },
  samples: [
    { inputs: { X: normal([3, 4]), Scale: normal([4]), B: normal([4]) } },
    { inputs: { X: normal([2, 3, 4]), Scale: normal([3, 4]), B: normal([3, 4]) }, attrs: { axis: 1, epsilon: 0.01 } },
    { inputs: { X: normal([2, 3, 5]), Scale: normal([5]) } },
  ],
})
const trailing = (x: Value, axis: number): number[] => {
  const at = normalizeAxis(axis, x.shape.length)
  return x.shape.map((_, i) => i).slice(at)
}

/** Recomputed from X, so that second derivatives see all of it; cheap beside the passes that follow. */
function standardized(X: Value, axes: number[], epsilon: number): { hat: Value; inv: Value } {
  const centered = sub(X, reduceMean(X, axes))
  const inv = inverse(reduceMean(mul(centered, centered), axes), epsilon)
  return { hat: mul(centered, inv), inv }
}

/** Sums leading axes so that the gradient has its parameter's shape. */
function toParameter(g: Value, parameter: Value): Value {
  const lead = g.shape.length - parameter.shape.length
  const axes = g.shape.map((_, i) => i).filter(i => i < lead || (parameter.shape[i - lead] === 1 && g.shape[i] !== 1))
  const summed = axes.length === 0 ? g : reduceSum(g, axes)
  return reshapeTo(summed, parameter.shape, () =>
    dimsVector(
      g.graph,
      parameter.shape.map((dim, i) => (typeof dim === 'number' ? dim : extentOf(parameter, i))),
    ),
  )
}

/** The same sum for each example alone (axis 0), and its squared norm. */
function exampleNorms(g: Value, parameter: Value): Value {
  const lead = g.shape.length - parameter.shape.length
  const axes = g.shape.map((_, i) => i).filter(i => i > 0 && i < lead)
  const each = axes.length === 0 ? g : reduceSum(g, axes)
  return reduceSumSquare(each, each.shape.map((_, i) => i).slice(1), { keepdims: 0 })
}

/** Per example and channel over the spatial axes. */
export const instanceNormalization = defineOp('InstanceNormalization', {
  inputs: ['input', 'scale', 'B'],
  attrs: { epsilon: float(1e-5) },
  infer: ({ input }) => ({ dtype: input.dtype, shape: input.shape }),
  vjp: 'body',
  body: ({ input, scale, B }, { epsilon }): Value => {
    const { hat } = standardized(input, input.shape.map((_, i) => i).slice(2), epsilon)
    return add(mul(hat, perChannel(scale, input)), perChannel(B, input))
  },
  samples: [{ inputs: { input: normal([2, 3, 4, 2]), scale: normal([3]), B: normal([3]) } }],
})

/** Divides by the norm along an axis. */
export const lpNormalization = defineOp('LpNormalization', {
  inputs: ['input'],
  attrs: { axis: int(-1), p: int(2) },
  infer: ({ input }) => ({ dtype: input.dtype, shape: input.shape }),
  vjp: 'body',
  body: ({ input }, { axis, p }): Value => {
    const size = p === 1 ? reduceSum(max([input, neg(input)]), [axis]) : sqrt(reduceSumSquare(input, [axis]))
    return div(input, size)
  },
  samples: [
    { inputs: { input: normal([3, 4]) } },
    { inputs: { input: normal([3, 4], { kinks: [0] }) }, attrs: { axis: 0, p: 1 } },
  ],
})
