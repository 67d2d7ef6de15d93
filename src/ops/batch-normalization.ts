import { GraphError, ShapeError, type TensorType, type Value } from '../ir/index.js'
import { defineOp, flag, float, type OldNode, type Upgraded } from './define.js'
import { countOf, reshapeLike, zerosLike } from './dims.js'
import { broadcastNorms } from './example-norms.js'
import { add, div, mul, neg, reciprocal, sqrt, sub } from './math.js'
import { reduceMean, reduceSum } from './reduce.js'
import { normal, uniform } from './sample.js'
import { flatten, reshape } from './shape.js'

/** Normalization per channel over the batch. */

/** A vector over the channels, shaped to broadcast over [batch, channels, …]. */
export const perChannel = (v: Value, like: Value): Value =>
  like.shape.length <= 2 ? v : reshape(v, [-1, ...new Array<number>(like.shape.length - 2).fill(1)])
const allButChannels = (x: Value): number[] => x.shape.map((_, i) => i).filter(i => i !== 1)
const overChannels = (x: Value): Value => reduceSum(x, allButChannels(x), { keepdims: 0 })
const inverseDeviation = (variance: Value, epsilon: number): Value => reciprocal(sqrt(add(variance, epsilon)))

/** x · a + c per channel in one pass: with mean 0 and variance 1 the operator is just that. */
function affine(x: Value, a: Value, c: Value): Value {
  if (x.shape.length <= 2) return add(mul(x, a), c)
  const zero = zerosLike(a)
  return batchNormalization(x, a, c, zero, add(zero, 1), { epsilon: 0 })
}

interface Statistics {
  readonly centered: Value
  readonly inverse: Value
}

/**
 * What the gradients need of the batch. Sums of products are taken of centred values: Σg·x − mean·Σg would cancel where
 * the mean is large beside the deviation. With momentum 0 the node itself returns the batch's statistics.
 */
function batchStatistics(
  X: Value,
  out: readonly Value[],
  { epsilon, momentum }: { epsilon: number; momentum: number },
): Statistics {
  if (momentum === 0) return { centered: sub(X, perChannel(out[1]!, X)), inverse: inverseDeviation(out[2]!, epsilon) }
  const axes = allButChannels(X)
  const centered = sub(X, reduceMean(X, axes))
  const variance = div(overChannels(mul(centered, centered)), countOf(X, axes))
  return { centered, inverse: inverseDeviation(variance, epsilon) }
}

/**
 * Per channel (axis 1): with the given statistics, or with training_mode 1 with the batch's own mean and biased variance,
 * which also move the running statistics: running = given · momentum + batch · (1 − momentum). PyTorch's running variance
 * is unbiased and its momentum is 1 − this one.
 */
export const batchNormalization = defineOp('BatchNormalization', {
  inputs: ['X', 'scale', 'B', 'input_mean', 'input_var'],
  outputs: ['Y', 'running_mean?', 'running_var?'],
  flows: ['running_mean', 'running_var'],
  attrs: { epsilon: float(1e-5), momentum: float(0.9), training_mode: flag(0) },
  keepOutputs: true,
  infer: ({ X, scale, B, input_mean, input_var }, { training_mode }, where): TensorType[] => {
    const channels = X.shape[1]
    if (channels === undefined)
      throw new ShapeError({ code: 'batchnorm-rank', where, expected: '[batch, channels, …]', received: X.shape })
    for (const v of [scale, B, input_mean, input_var])
      if (
        v.shape.length !== 1 ||
        (typeof channels === 'number' && typeof v.shape[0] === 'number' && v.shape[0] !== channels)
      )
        throw new ShapeError({
          code: 'batchnorm-channels',
          where,
          expected: `[${channels}], as axis 1 of [${X.shape}]`,
          received: `[${v.shape}] (${v.name})`,
        })
    const y = { dtype: X.dtype, shape: X.shape }
    const statistic = { dtype: input_mean.dtype, shape: input_mean.shape }
    return training_mode === 1 ? [y, statistic, statistic] : [y]
  },
  vjp: {
    X: (g, { in: { X, scale, input_var }, out, grads, attrs }): Value => {
      if (attrs.training_mode === 0)
        return mul(g, perChannel(mul(scale, inverseDeviation(input_var, attrs.epsilon)), X))
      const { centered, inverse } = batchStatistics(X, out, attrs)
      const count = countOf(X, allButChannels(X))
      const a = mul(scale, inverse)
      // dx = a·(g − mean(g) − x̂·mean(g·x̂)), as a·(g + centred·b) + c with b and c per channel.
      const b = neg(div(mul(mul(inverse, inverse), overChannels(mul(g, centered))), count))
      const c = neg(div(mul(a, overChannels(g)), count))
      const main = affine(add(g, mul(centered, perChannel(b, X))), a, c)
      const [, toMean, toVariance] = grads
      const share = div(1 - attrs.momentum, count)
      const viaMean = toMean ? perChannel(mul(toMean, share), X) : null
      const viaVariance = toVariance ? mul(centered, perChannel(mul(mul(toVariance, share), 2), X)) : null
      return [viaMean, viaVariance].reduce<Value>((sum, part) => (part === null ? sum : add(sum, part)), main)
    },
    scale: (g, { in: { X, input_mean, input_var }, out, attrs }): Value => {
      if (attrs.training_mode === 0)
        return mul(overChannels(mul(g, sub(X, perChannel(input_mean, X)))), inverseDeviation(input_var, attrs.epsilon))
      const { centered, inverse } = batchStatistics(X, out, attrs)
      return mul(overChannels(mul(g, centered)), inverse)
    },
    B: (g): Value => overChannels(g),
    input_mean: (g, { in: { scale, input_mean, input_var }, grads, attrs }): Value => {
      if (attrs.training_mode === 1) return grads[1] ? mul(grads[1], attrs.momentum) : zerosLike(input_mean)
      return neg(mul(overChannels(g), mul(scale, inverseDeviation(input_var, attrs.epsilon))))
    },
    input_var: (g, { in: { X, scale, input_mean, input_var }, grads, attrs }): Value => {
      if (attrs.training_mode === 1) return grads[2] ? mul(grads[2], attrs.momentum) : zerosLike(input_var)
      const inverse = inverseDeviation(input_var, attrs.epsilon)
      const cubed = mul(inverse, mul(inverse, inverse))
      return mul(mul(overChannels(mul(g, sub(X, perChannel(input_mean, X)))), scale), mul(cubed, -0.5))
    },
  },
  perExample: {
    scale: (g, { in: { X, scale, input_mean, input_var }, attrs, node }): Value => {
      onlyStored(attrs.training_mode, node.name)
      const inverse = perChannel(inverseDeviation(input_var, attrs.epsilon), X)
      const hat = mul(sub(X, perChannel(input_mean, X)), inverse)
      return broadcastNorms(mul(g, hat), perChannel(scale, X), node.name)
    },
    B: (g, { in: { X, B }, attrs, node }): Value => {
      onlyStored(attrs.training_mode, node.name)
      return broadcastNorms(g, perChannel(B, X), node.name)
    },
  },
  upgrade: (node: OldNode, opset): Upgraded => {
    if (opset >= 14) return undefined
    const [X, ...vectors] = node.inputs as readonly Value[]
    // Before opset 9, `spatial` 0 meant statistics for each activation rather than each channel.
    const apart = node.attrs.spatial === 0
    const x = apart ? flatten(X!) : X!
    const [scale, B, mean, variance] = apart ? vectors.map(v => reshape(v, [-1])) : vectors
    const training = node.outputCount > 1
    const epsilon = (node.attrs.epsilon as number | undefined) ?? 1e-5
    const momentum = (node.attrs.momentum as number | undefined) ?? 0.9
    const all = batchNormalization.all(x, scale!, B!, mean!, variance!, { epsilon, momentum, training_mode: training })
    const y = apart ? reshapeLike(all.Y, X!) : all.Y
    if (!training) return [y]
    const axes = allButChannels(x)
    const saved = reduceMean(x, axes)
    const centered = sub(x, saved)
    const spread = div(overChannels(mul(centered, centered)), countOf(x, axes))
    const statistics = [all.running_mean, all.running_var, reshape(saved, [-1]), spread]
    return [y, ...statistics.map((v, i) => (apart ? reshapeLike(v, vectors[2 + (i % 2)]!) : v))].slice(
      0,
      node.outputCount,
    )
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
        X: normal([3, 2]),
        scale: normal([2]),
        B: normal([2]),
        input_mean: normal([2]),
        input_var: uniform([2], 0.5, 2),
      },
      attrs: { epsilon: 0.1 },
    },
    ...[0, 0.9].map(momentum => ({
      inputs: {
        X: normal([4, 2, 3, 2]),
        scale: normal([2]),
        B: normal([2]),
        input_mean: normal([2]),
        input_var: uniform([2], 0.5, 2),
      },
      attrs: { training_mode: 1, epsilon: 0.01, momentum },
    })),
    {
      inputs: {
        X: normal([5, 3]),
        scale: normal([3]),
        B: normal([3]),
        input_mean: normal([3]),
        input_var: uniform([3], 0.5, 2),
      },
      attrs: { training_mode: 1, momentum: 0.5 },
    },
  ],
})

function onlyStored(trainingMode: number, where: string): void {
  if (trainingMode === 1)
    throw new GraphError({
      code: 'per-example-mixed',
      where,
      expected: 'examples that do not influence each other',
      received: 'BatchNormalization in training mode, which normalizes each example by the whole batch',
      hint: 'use layer or group normalization, or batch normalization with its stored statistics',
    })
}
