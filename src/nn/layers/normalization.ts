import { z } from 'zod'
import { normalizeAxis, ShapeError, tensor, type Value } from '../../ir/index.js'
import * as ops from '../../ops/index.js'
import { constraintSchema } from '../constraints.js'
import { initializerSchema } from '../initializers.js'
import { defineLayer, extent, layerOptions } from '../layer.js'
import { regularizerSchema } from '../regularizers.js'

export const scaleOptions = {
  epsilon: z.number().positive().default(1e-3),
  center: z.boolean().default(true),
  scale: z.boolean().default(true),
  betaInitializer: initializerSchema.default({ type: 'zeros' }),
  gammaInitializer: initializerSchema.default({ type: 'ones' }),
  betaRegularizer: regularizerSchema.optional(),
  gammaRegularizer: regularizerSchema.optional(),
  betaConstraint: constraintSchema.optional(),
  gammaConstraint: constraintSchema.optional(),
}
export type ScaleConfig = z.output<z.ZodObject<typeof scaleOptions>>
export const scaleWeights = (c: ScaleConfig, shape: readonly number[]) => [
  ...(c.scale
    ? [
        {
          name: 'gamma',
          shape,
          initializer: c.gammaInitializer!,
          regularizer: c.gammaRegularizer ?? null,
          constraint: c.gammaConstraint ?? null,
        },
      ]
    : []),
  ...(c.center
    ? [
        {
          name: 'beta',
          shape,
          initializer: c.betaInitializer!,
          regularizer: c.betaRegularizer ?? null,
          constraint: c.betaConstraint ?? null,
        },
      ]
    : []),
]

/**
 * Normalizes each channel over the batch (Ioffe & Szegedy 2015). Training uses the batch's mean and biased variance and
 * moves the running statistics towards them; inference, and a layer that is not trainable, uses the running statistics.
 * `axis` is the channels' axis: 1, where Keras (channels last) has −1. PyTorch's momentum is 1 − momentum, and its running
 * variance unbiased.
 */
export const batchNormalization = defineLayer({
  type: 'BatchNormalization',
  schema: z.strictObject({
    ...layerOptions,
    axis: z.int().default(1),
    momentum: z.number().min(0).max(1).default(0.99),
    ...scaleOptions,
    movingMeanInitializer: initializerSchema.default({ type: 'zeros' }),
    movingVarianceInitializer: initializerSchema.default({ type: 'ones' }),
  }),
  weights: (c, [x], path) => {
    const channels = extent(x!.shape, normalizeAxis(c.axis, x!.shape.length, path))
    if (!Number.isInteger(channels))
      throw new ShapeError({
        code: 'norm-axis',
        where: path,
        expected: `a known extent on axis ${c.axis}`,
        received: x!.shape,
      })
    return [
      ...scaleWeights(c, [channels]),
      { name: 'moving_mean', shape: [channels], initializer: c.movingMeanInitializer!, trainable: false },
      { name: 'moving_variance', shape: [channels], initializer: c.movingVarianceInitializer!, trainable: false },
    ]
  },
  call: (c, ctx, x) => {
    const { graph } = ctx
    const axis = normalizeAxis(c.axis, x.shape.length)
    // ONNX has the channels on axis 1.
    const perm = x.shape.map((_, i) => (i === 1 ? axis : i === axis ? 1 : i))
    const moved = axis === 1 ? x : ops.transpose(x, { perm })
    const channels = extent(x.shape, axis)
    const constant = (value: number): Value =>
      graph.constant(tensor(new Float32Array(channels).fill(value), [channels]))
    const scale = c.scale ? ctx.weight('gamma') : constant(1)
    const bias = c.center ? ctx.weight('beta') : constant(0)
    const [mean, variance] = [ctx.weight('moving_mean'), ctx.weight('moving_variance')]
    let y: Value
    if (ctx.training) {
      const out = ops.batchNormalization.all(moved, scale, bias, mean, variance, {
        epsilon: c.epsilon,
        momentum: c.momentum,
        training_mode: 1,
      })
      ctx.update('moving_mean', out.running_mean)
      ctx.update('moving_variance', out.running_var)
      y = out.Y
    } else y = ops.batchNormalization(moved, scale, bias, mean, variance, { epsilon: c.epsilon })
    return axis === 1 ? y : ops.transpose(y, { perm })
  },
})

/** Normalizes each example over the last axes (Ba et al. 2016), from `axis` to the end. Keras: axis −1, epsilon 1e-3. */
export const layerNormalization = defineLayer({
  type: 'LayerNormalization',
  schema: z.strictObject({ ...layerOptions, axis: z.int().default(-1), ...scaleOptions }),
  weights: (c, [x], path) => {
    const shape = x!.shape.slice(normalizeAxis(c.axis, x!.shape.length, path))
    if (shape.some(dim => typeof dim !== 'number') || shape.length === x!.shape.length)
      throw new ShapeError({
        code: 'norm-axis',
        where: path,
        expected: 'known extents from axis to the end, batch excluded',
        received: x!.shape,
      })
    return scaleWeights(c, shape as readonly number[])
  },
  call: (c, ctx, x) => {
    const axis = normalizeAxis(c.axis, x.shape.length)
    const shape = x.shape.slice(axis) as readonly number[]
    const ones = (): Value =>
      ctx.graph.constant(tensor(new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(1), shape))
    const scale = c.scale ? ctx.weight('gamma') : ones()
    return ops.layerNormalization(x, scale, c.center ? ctx.weight('beta') : null, {
      axis: axis - x.shape.length,
      epsilon: c.epsilon,
    })
  },
})
