import { z } from 'zod'
import { type Shape, ShapeError, type TensorType, tunable, type Value } from '../../ir/index.js'
import * as ops from '../../ops/index.js'
import { type CallContext, defineLayer, layerOptions } from '../layer.js'
import * as random from '../random.js'

/**
 * Layers that drop while training: elements, whole feature maps, or with noise. All are the identity in inference, and
 * what they draw is a pure function of the model's seed, the layer and the step.
 */

/** Options of every layer that draws: `rate` in [0, 1), and a seed in the place of the layer's position. */
export const rateOptions = {
  /** Probability that an element (a feature map, a connection …) is dropped: 0 ≤ rate < 1. */
  rate: z.number().min(0).lt(1),
  /** Layers of one seed draw the same numbers at each step, wherever in the model they stand. Default: their position. */
  seed: z.int().nonnegative().optional(),
}

const noiseShape = z.array(z.int().positive().nullable()).optional()

/**
 * The axes along which noise of a given shape (null: the input's extent) differs.
 * @throws ShapeError if it is not broadcast over the input
 */
function noiseAxes(given: readonly (number | null)[] | undefined, shape: Shape, where: string): number[] | undefined {
  if (given === undefined) return undefined
  const fits = (extent: number | null, axis: number): boolean =>
    extent === null || extent === 1 || extent === shape[axis] || typeof shape[axis] === 'string'
  if (given.length !== shape.length || !given.every(fits))
    throw new ShapeError({
      code: 'noise-shape',
      where,
      expected: `an extent for each axis of [${shape.join(', ')}], the batch too: 1, null or the input's own`,
      received: given.map(String),
    })
  return given.flatMap((extent, axis) => (extent === 1 && shape[axis] !== 1 ? [] : [axis]))
}

/** x with parts set to zero and the rest scaled up so that the expectation stays. */
export const drop = (
  ctx: CallContext,
  x: Value,
  rate: number,
  seed: number | undefined,
  axes?: readonly number[],
): Value =>
  ops.mul(
    x,
    random.mask(ctx.randomKey(seed), x, 1 - rate, { kept: 1 / (1 - rate), ...(axes === undefined ? {} : { axes }) }),
  )

/**
 * Sets each element to zero with probability `rate` while training and scales the rest by 1 / (1 − rate)
 * (Srivastava et al. 2014). `noiseShape`, one extent per axis with the batch: where it is 1, one draw holds for the
 * whole axis; null is the input's extent. `[null, 1, null]` drops the same features at all steps of a sequence.
 */
export const dropout = defineLayer({
  type: 'Dropout',
  schema: z.strictObject({ ...layerOptions, ...rateOptions, noiseShape }),
  weights: (c, [x], path) => {
    noiseAxes(c.noiseShape, x!.shape, path)
    return []
  },
  call: (c, ctx, x) =>
    ctx.training && c.rate > 0 ? drop(ctx, x, c.rate, c.seed, noiseAxes(c.noiseShape, x.shape, ctx.path)) : x,
})

function expectRank(x: TensorType, axes: string, where: string): void {
  if (x.shape.length !== axes.split(',').length)
    throw new ShapeError({ code: 'dropout-rank', where, expected: `[${axes}]`, received: x.shape })
}

/**
 * Drops whole features of a sequence [batch, steps, features], at all steps alike (Tompson et al. 2015). For what a
 * one-dimensional convolution gives, [batch, channels, steps], say `dataFormat: 'channelsFirst'`.
 */
export const spatialDropout1d = defineLayer({
  type: 'SpatialDropout1D',
  schema: z.strictObject({
    ...layerOptions,
    ...rateOptions,
    dataFormat: z.enum(['channelsLast', 'channelsFirst']).default('channelsLast'),
  }),
  weights: (_c, [x], path) => {
    expectRank(x!, 'batch, steps, features', path)
    return []
  },
  call: (c, ctx, x) =>
    ctx.training && c.rate > 0 ? drop(ctx, x, c.rate, c.seed, [0, c.dataFormat === 'channelsLast' ? 2 : 1]) : x,
})

const spatialDropoutNd = (rank: 2 | 3, axes: string) =>
  defineLayer({
    type: `SpatialDropout${rank}D`,
    schema: z.strictObject({
      ...layerOptions,
      ...rateOptions,
      dataFormat: z.literal('channelsFirst', { message: `'channelsFirst': images are [${axes}]` }).optional(),
    }),
    weights: (_c, [x], path) => {
      expectRank(x!, axes, path)
      return []
    },
    call: (c, ctx, x) => (ctx.training && c.rate > 0 ? drop(ctx, x, c.rate, c.seed, [0, 1]) : x),
  })
/** Drops whole channels of images [batch, channels, height, width] (Tompson et al. 2015). */
export const spatialDropout2d = spatialDropoutNd(2, 'batch, channels, height, width')
/** Drops whole channels of volumes [batch, channels, depth, height, width] (Tompson et al. 2015). */
export const spatialDropout3d = spatialDropoutNd(3, 'batch, channels, depth, height, width')

/**
 * Multiplies by normal noise of mean 1 and standard deviation √(rate / (1 − rate)) while training: the mean and variance
 * of dropout with that rate (Srivastava et al. 2014).
 */
export const gaussianDropout = defineLayer({
  type: 'GaussianDropout',
  schema: z.strictObject({ ...layerOptions, ...rateOptions }),
  call: (c, ctx, x) => {
    if (!ctx.training || c.rate === 0) return x
    const noise = ops.mul(random.normal(ctx.randomKey(c.seed), x), tunable(x, Math.sqrt(c.rate / (1 - c.rate))))
    return ops.mul(x, ops.add(noise, 1))
  },
})

// The least value of SELU, −scale · alpha.
const SELU_FLOOR = -1.7580993408473766

/**
 * Dropout for self-normalizing networks of SELU units: a dropped element becomes SELU's least value, and an affine map
 * holds mean 0 and variance 1 (Klambauer et al. 2017). `noiseShape` as in `dropout`. PyTorch's AlphaDropout is the same.
 */
export const alphaDropout = defineLayer({
  type: 'AlphaDropout',
  schema: z.strictObject({ ...layerOptions, ...rateOptions, noiseShape }),
  weights: (c, [x], path) => {
    noiseAxes(c.noiseShape, x!.shape, path)
    return []
  },
  call: (c, ctx, x) => {
    if (!ctx.training || c.rate === 0) return x
    const scale = ((1 - c.rate) * (1 + c.rate * SELU_FLOOR ** 2)) ** -0.5
    const shift = -scale * SELU_FLOOR * c.rate
    const axes = noiseAxes(c.noiseShape, x.shape, ctx.path)
    const kept = random.mask(ctx.randomKey(c.seed), x, 1 - c.rate, {
      kept: scale,
      ...(axes === undefined ? {} : { axes }),
    })
    // scale · (x · kept + floor · (1 − kept)) + shift, where kept is 0 or 1.
    return ops.add(ops.mul(kept, ops.sub(x, SELU_FLOOR)), tunable(x, SELU_FLOOR * scale + shift))
  },
})
