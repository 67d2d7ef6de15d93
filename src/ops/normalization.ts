import { dtypeFromOnnx, normalizeAxis, ShapeError, type TensorType, type Value } from '../ir/index.js'
import { perChannel } from './batch-normalization.js'
import { cast } from './cast.js'
import { defineOp, float, int, ints, type OldNode, type Upgraded } from './define.js'
import { countOf, dimsVector, extentOf, reshapeLike, reshapeTo, shapeOf, sliceAxis } from './dims.js'
import { broadcastNorms } from './example-norms.js'
import { sameDtype } from './infer.js'
import { where as choose, equal } from './logic.js'
import { abs, add, div, mul, neg, reciprocal, sign, sqrt, sub } from './math.js'
import { pow } from './power.js'
import { reduceMean, reduceSum, reduceSumSquare } from './reduce.js'
import { normal } from './sample.js'
import { expand, reshape, unsqueeze } from './shape.js'
import { pad } from './slice.js'

/** Normalizations of single examples. Statistics are recomputed in the rules, so that second derivatives see all of them. */

/** (x − mean) / deviation over `axes`, and 1 / deviation. Sums of squares are of centred values: no cancellation. */
function standardized(x: Value, axes: readonly number[], epsilon: number): { hat: Value; inverse: Value } {
  const centered = sub(x, reduceMean(x, axes))
  const inverse = reciprocal(sqrt(add(reduceMean(mul(centered, centered), axes), epsilon)))
  return { hat: mul(centered, inverse), inverse }
}
/** x / root mean square over `axes`. */
function scaledToUnit(x: Value, axes: readonly number[], epsilon: number): { hat: Value; inverse: Value } {
  const inverse = reciprocal(sqrt(add(reduceMean(mul(x, x), axes), epsilon)))
  return { hat: mul(x, inverse), inverse }
}
const trailing = (x: Value, axis: number): number[] => {
  const at = normalizeAxis(axis, x.shape.length)
  return x.shape.map((_, i) => i).slice(at)
}
const saved = 'the saved statistics are single precision'
const plus = (main: Value, parts: readonly (Value | null)[]): Value =>
  parts.reduce<Value>((sum, part) => (part === null ? sum : add(sum, part)), main)

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

/** The type of a saved statistic: one number per normalized part, in single precision unless the node says otherwise. */
const statistic = (X: Value, at: number, stash: number): TensorType => ({
  dtype: dtypeFromOnnx(stash) ?? 'float32',
  shape: X.shape.map((dim, i) => (i < at ? dim : 1)),
})

/** Over the axes from `axis` on, then scale and bias. Also gives the mean and the inverse standard deviation. */
export const layerNormalization = defineOp('LayerNormalization', {
  inputs: ['X', 'Scale', 'B?'],
  outputs: ['Y', 'Mean?', 'InvStdDev?'],
  flows: ['Mean', 'InvStdDev'],
  attrs: { axis: int(-1), epsilon: float(1e-5), stash_type: int(1) },
  infer: ({ X, Scale, B }, { axis, stash_type }, where): TensorType[] => {
    const at = normalizeAxis(axis, X.shape.length, where)
    const dtype = sameDtype(B === null ? [X, Scale] : [X, Scale, B], where)
    return [{ dtype, shape: X.shape }, statistic(X, at, stash_type), statistic(X, at, stash_type)]
  },
  vjp: {
    X: (g, { in: { X, Scale }, grads, attrs: { axis, epsilon } }): Value => {
      const axes = trailing(X, axis)
      const { hat, inverse } = standardized(X, axes, epsilon)
      const scaled = mul(g, Scale)
      const along = reduceMean(mul(scaled, hat), axes)
      const main = mul(inverse, sub(sub(scaled, reduceMean(scaled, axes)), mul(hat, along)))
      const share = (v: Value): Value => div(cast(v, { to: X.dtype }), countOf(X, axes))
      const viaMean = grads[1] ? expand(share(grads[1]), shapeOf(X)) : null
      const viaInverse = grads[2] ? neg(mul(hat, mul(share(grads[2]), mul(inverse, inverse)))) : null
      return plus(main, [viaMean, viaInverse])
    },
    Scale: (g, { in: { X, Scale }, attrs: { axis, epsilon } }): Value =>
      toParameter(mul(g, standardized(X, trailing(X, axis), epsilon).hat), Scale),
    B: (g, { in: { B } }): Value => toParameter(g, B!),
  },
  perExample: {
    Scale: (g, { in: { X, Scale }, attrs: { axis, epsilon }, node }): Value =>
      broadcastNorms(mul(g, standardized(X, trailing(X, axis), epsilon).hat), Scale, node.name),
    B: (g, { in: { B }, node }): Value => broadcastNorms(g, B!, node.name),
  },
  samples: [
    { inputs: { X: normal([3, 4]), Scale: normal([4]), B: normal([4]) }, outputs: ['Y'] },
    {
      inputs: { X: normal([2, 3, 4]), Scale: normal([3, 4]), B: normal([3, 4]) },
      attrs: { axis: 1, epsilon: 0.01 },
      outputs: ['Y'],
    },
    { inputs: { X: normal([2, 3, 5]), Scale: normal([5]) }, outputs: ['Y'] },
    { inputs: { X: normal([2, 3, 5]), Scale: normal([5]) }, attrs: { epsilon: 0.1 }, singlePrecision: saved },
  ],
})

/** RMSNormalization under the name that every version of the runtime knows. Also gives 1 / root mean square. */
export const simplifiedLayerNormalization = defineOp('SimplifiedLayerNormalization', {
  inputs: ['X', 'scale'],
  outputs: ['Y', 'inv_std_var?'],
  flows: ['inv_std_var'],
  attrs: { axis: int(-1), epsilon: float(1e-5), stash_type: int(1) },
  infer: ({ X, scale }, { axis, stash_type }, where): TensorType[] => {
    const at = normalizeAxis(axis, X.shape.length, where)
    return [{ dtype: sameDtype([X, scale], where), shape: X.shape }, statistic(X, at, stash_type)]
  },
  vjp: {
    X: (g, { in: { X, scale }, grads, attrs: { axis, epsilon } }): Value => {
      const axes = trailing(X, axis)
      const { hat, inverse } = scaledToUnit(X, axes, epsilon)
      const scaled = mul(g, scale)
      const main = mul(inverse, sub(scaled, mul(hat, reduceMean(mul(scaled, hat), axes))))
      const share = (v: Value): Value => div(cast(v, { to: X.dtype }), countOf(X, axes))
      return plus(main, [grads[1] ? neg(mul(hat, mul(share(grads[1]), mul(inverse, inverse)))) : null])
    },
    scale: (g, { in: { X, scale }, attrs: { axis, epsilon } }): Value =>
      toParameter(mul(g, scaledToUnit(X, trailing(X, axis), epsilon).hat), scale),
  },
  perExample: {
    scale: (g, { in: { X, scale }, attrs: { axis, epsilon }, node }): Value =>
      broadcastNorms(mul(g, scaledToUnit(X, trailing(X, axis), epsilon).hat), scale, node.name),
  },
  samples: [
    { inputs: { X: normal([3, 4]), scale: normal([4]) }, outputs: ['Y'] },
    { inputs: { X: normal([2, 3, 4]), scale: normal([4]) }, attrs: { axis: 2, epsilon: 0.01 }, outputs: ['Y'] },
    { inputs: { X: normal([3, 4]), scale: normal([4]) }, attrs: { epsilon: 0.1 }, singlePrecision: saved },
  ],
})

/** x / root mean square over the axes from `axis` on, times the scale (Zhang & Sennrich 2019, arXiv 1910.07467). */
export const rmsNormalization = defineOp('RMSNormalization', {
  inputs: ['X', 'scale'],
  attrs: { axis: int(-1), epsilon: float(1e-5), stash_type: int(1) },
  expand: true,
  infer: ({ X, scale }, { axis }, where) => {
    normalizeAxis(axis, X.shape.length, where)
    return { dtype: sameDtype([X, scale], where), shape: X.shape }
  },
  vjp: 'body',
  body: ({ X, scale }, attrs): Value => simplifiedLayerNormalization(X, scale, attrs),
  samples: [{ inputs: { X: normal([2, 3, 4]), scale: normal([4]) }, attrs: { epsilon: 0.1 }, singlePrecision: saved }],
})

/** Per example and channel over the spatial axes. */
export const instanceNormalization = defineOp('InstanceNormalization', {
  inputs: ['input', 'scale', 'B'],
  attrs: { epsilon: float(1e-5) },
  infer: ({ input }) => ({ dtype: input.dtype, shape: input.shape }),
  vjp: 'body',
  body: ({ input, scale, B }, { epsilon }): Value => {
    const spatial = input.shape.map((_, i) => i).slice(2)
    const { hat } = standardized(input, spatial, epsilon)
    return add(mul(hat, perChannel(scale, input)), perChannel(B, input))
  },
  samples: [{ inputs: { input: normal([2, 3, 4, 2]), scale: normal([3]), B: normal([3]) } }],
})

/** Per example over groups of channels and the spatial axes; scale and bias per channel. */
export const groupNormalization = defineOp('GroupNormalization', {
  inputs: ['X', 'scale', 'bias'],
  attrs: { num_groups: int.required(), epsilon: float(1e-5), stash_type: int(1) },
  infer: ({ X }, { num_groups }, where) => {
    const channels = X.shape[1]
    if (channels === undefined || num_groups < 1 || (typeof channels === 'number' && channels % num_groups !== 0))
      throw new ShapeError({
        code: 'group-count',
        where,
        expected: 'a number of groups that divides the channels',
        received: `${num_groups} groups of [${X.shape}]`,
      })
    return { dtype: X.dtype, shape: X.shape }
  },
  vjp: 'body',
  body: ({ X, scale, bias }, { num_groups, epsilon }): Value => {
    const { hat } = standardized(reshape(X, [0, num_groups, -1]), [2], epsilon)
    return add(mul(reshapeLike(hat, X), perChannel(scale, X)), perChannel(bias, X))
  },
  // Opset 18 had scale and bias per group.
  upgrade: (node: OldNode, opset): Upgraded => {
    if (opset >= 21) return undefined
    const [X, ...parameters] = node.inputs as readonly Value[]
    const groups = node.attrs.num_groups as number
    const channels = X!.shape[1]
    if (typeof channels !== 'number')
      throw new ShapeError({
        code: 'group-count',
        where: node.name,
        expected: 'a known number of channels',
        received: X!.shape,
      })
    const [scale, bias] = parameters.map(v => reshape(expand(unsqueeze(v, [1]), [groups, channels / groups]), [-1]))
    const epsilon = (node.attrs.epsilon as number | undefined) ?? 1e-5
    return [groupNormalization(X!, scale!, bias!, { num_groups: groups, epsilon })]
  },
  samples: [
    {
      inputs: { X: normal([2, 4, 3]), scale: normal([4]), bias: normal([4]) },
      attrs: { num_groups: 2, stash_type: 11 },
    },
    {
      inputs: { X: normal([2, 3, 2, 2]), scale: normal([3]), bias: normal([3]) },
      attrs: { num_groups: 1, stash_type: 11 },
    },
  ],
})

/** To mean 0 and variance 1 over `axes` (default: per channel of images, over the batch). */
export const meanVarianceNormalization = defineOp('MeanVarianceNormalization', {
  inputs: ['X'],
  attrs: { axes: ints([0, 2, 3]) },
  infer: ({ X }) => ({ dtype: X.dtype, shape: X.shape }),
  vjp: 'body',
  body: ({ X }, { axes }): Value => {
    const centered = sub(X, reduceMean(X, axes))
    return div(centered, add(sqrt(reduceMean(mul(centered, centered), axes)), 1e-9))
  },
  samples: [
    { inputs: { X: normal([2, 3, 2, 2]) } },
    { inputs: { X: normal([2, 3, 2, 2]) }, attrs: { axes: [0, 1, 2, 3] } },
  ],
})

/** Divides by the 1- or 2-norm along an axis. At a zero vector the gradient is 0. */
export const lpNormalization = defineOp('LpNormalization', {
  inputs: ['input'],
  attrs: { axis: int(-1), p: int(2) },
  infer: ({ input }, { axis }, where) => {
    normalizeAxis(axis, input.shape.length, where)
    return { dtype: input.dtype, shape: input.shape }
  },
  vjp: {
    input: (g, { in: { input }, out, attrs: { axis, p } }): Value => {
      const norm = p === 1 ? reduceSum(abs(input), [axis]) : sqrt(reduceSumSquare(input, [axis]))
      const none = equal(norm, 0)
      const inverse = div(sub(1, cast(none, { to: g.dtype })), choose(none, add(norm, 1), norm))
      const direction = p === 1 ? sign(input) : out[0]!
      return mul(sub(g, mul(direction, reduceSum(mul(g, out[0]!), [axis]))), inverse)
    },
  },
  samples: [
    { inputs: { input: normal([3, 4]) } },
    { inputs: { input: normal([3, 4], { kinks: [0] }) }, attrs: { axis: 0, p: 1 } },
  ],
})

/** Local response normalization over `size` neighbouring channels: X / (bias + alpha / size · Σ X²)^beta. */
export const lrn = defineOp('LRN', {
  inputs: ['X'],
  attrs: { size: int.required(), alpha: float(0.0001), beta: float(0.75), bias: float(1) },
  infer: ({ X }, { size }, where) => {
    if (size < 1 || size % 2 === 0)
      throw new ShapeError({ code: 'lrn-size', where, expected: 'an odd number of channels', received: size })
    if (X.shape.length !== 4)
      throw new ShapeError({ code: 'lrn-rank', where, expected: '[batch, channels, height, width]', received: X.shape })
    return { dtype: X.dtype, shape: X.shape }
  },
  vjp: 'body',
  body: ({ X }, { size, alpha, beta, bias }): Value => {
    const before = Math.floor((size - 1) / 2)
    const squares = pad(mul(X, X), [before, size - 1 - before], null, [1])
    const last = 2 ** 31 - 1
    const shifted = Array.from({ length: size }, (_, i) =>
      sliceAxis(squares, 1, i, i === size - 1 ? last : i + 1 - size),
    )
    const energy = shifted.reduce((a, b): Value => add(a, b))
    return div(X, pow(add(mul(energy, alpha / size), bias), beta))
  },
  samples: [
    { inputs: { X: normal([2, 5, 2, 2]) }, attrs: { size: 3, alpha: 0.5 } },
    { inputs: { X: normal([1, 4, 3, 1]) }, attrs: { size: 5, alpha: 1, beta: 0.5, bias: 2 } },
  ],
})
