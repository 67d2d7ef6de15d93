import { z } from 'zod'
import { ShapeError, type TensorType, type Value } from '../../ir/index.js'
import * as ops from '../../ops/index.js'
import { activate } from '../activations.js'
import { constraintSchema } from '../constraints.js'
import { initializerSchema } from '../initializers.js'
import { type CallContext, defineLayer, extent, layerOptions, type WeightSpec } from '../layer.js'
import { regularizerSchema } from '../regularizers.js'
import { kernelOptions, regularizeActivity } from './dense.js'

/**
 * Convolutions. Images are [batch, channels, height, width]; kernels [filters, channels/groups, …window], as in ONNX.
 * One core for every rank; the named layers only fix it.
 */

const perAxis = (rank: number) =>
  z
    .union([z.int().positive(), z.array(z.int().positive()).length(rank)])
    .transform(v => (typeof v === 'number' ? new Array<number>(rank).fill(v) : v))
export const windowOptions = (rank: number) => ({
  /** Step of the window; one number for all axes or one per axis. */
  strides: perAxis(rank).default(new Array(rank).fill(1)),
  /** 'same' pads with zeros so that a stride of 1 keeps the size (more at the end, as in Keras); 'valid' does not pad. */
  padding: z.enum(['valid', 'same']).default('valid'),
  dilationRate: perAxis(rank).default(new Array(rank).fill(1)),
  dataFormat: z
    .literal('channelsFirst', { message: "'channelsFirst': images are [batch, channels, height, width]" })
    .optional(),
})

interface Window {
  strides: readonly number[]
  padding: 'valid' | 'same'
  dilationRate: readonly number[]
}
const attributes = (c: Window, x: Value, kernel: readonly number[], group = 1) => ({
  strides: c.strides,
  dilations: c.dilationRate,
  kernel_shape: kernel,
  group,
  ...padding(c, x, kernel),
})

/** ONNX Runtime pads by itself only without dilation; with it the padding is computed here. */
function padding(c: Window, x: Value, kernel: readonly number[]) {
  if (c.padding === 'valid') return { auto_pad: 'VALID' as const }
  if (c.dilationRate.every(rate => rate === 1)) return { auto_pad: 'SAME_UPPER' as const }
  const total = kernel.map((size, i) => {
    const reach = (size - 1) * c.dilationRate[i]! + 1
    const [stride, inner] = [c.strides[i]!, x.shape[i + 2]!]
    if (stride === 1) return reach - 1
    const length = Number(inner)
    return Math.max((Math.ceil(length / stride) - 1) * stride + reach - length, 0)
  })
  const before = total.map(n => Math.floor(n / 2))
  return { auto_pad: 'NOTSET' as const, pads: [...before, ...total.map((n, i) => n - before[i]!)] }
}

export function channelsOf(x: TensorType, rank: number, path: string): number {
  if (x.shape.length !== rank + 2)
    throw new ShapeError({
      code: 'conv-rank',
      where: path,
      expected: `[batch, channels, ${['length', 'height, width', 'depth, height, width'][rank - 1]}]`,
      received: x.shape,
      hint: 'add the missing axis with reshape({ targetShape })',
    })
  return extent(x.shape, 1)
}

const kernelSpec = (c: KernelConfig, shape: readonly number[]): WeightSpec => ({
  name: 'kernel',
  shape,
  initializer: c.kernelInitializer!,
  regularizer: c.kernelRegularizer ?? null,
  constraint: c.kernelConstraint ?? null,
})
const biasSpec = (c: KernelConfig, units: number): WeightSpec[] =>
  c.useBias
    ? [
        {
          name: 'bias',
          shape: [units],
          initializer: c.biasInitializer!,
          regularizer: c.biasRegularizer ?? null,
          constraint: c.biasConstraint ?? null,
        },
      ]
    : []
type KernelConfig = z.output<z.ZodObject<typeof kernelOptions>>

const finish = (c: KernelConfig, ctx: CallContext, linear: Value): Value => {
  const y = activate(c.activation, linear)
  regularizeActivity(ctx, c.activityRegularizer, y)
  return y
}

const convNd = (rank: 1 | 2 | 3) =>
  defineLayer({
    type: `Conv${rank}D`,
    schema: z.strictObject({
      ...layerOptions,
      filters: z.int().positive(),
      kernelSize: perAxis(rank),
      ...windowOptions(rank),
      groups: z.int().positive().default(1),
      ...kernelOptions,
    }),
    weights: (c, [x], path) => {
      const channels = channelsOf(x!, rank, path)
      if (channels % c.groups !== 0 || c.filters % c.groups !== 0)
        throw new ShapeError({
          code: 'conv-groups',
          where: path,
          expected: `groups that divide ${channels} channels and ${c.filters} filters`,
          received: c.groups,
        })
      return [kernelSpec(c, [c.filters, channels / c.groups, ...c.kernelSize]), ...biasSpec(c, c.filters)]
    },
    call: (c, ctx, x) =>
      finish(
        c,
        ctx,
        ops.conv(
          x,
          ctx.weight('kernel'),
          c.useBias ? ctx.weight('bias') : null,
          attributes(c, x, c.kernelSize, c.groups),
        ),
      ),
  })

export const conv1d = convNd(1)
export const conv2d = convNd(2)
export const conv3d = convNd(3)

const depthOptions = {
  depthMultiplier: z.int().positive().default(1),
  depthwiseInitializer: initializerSchema.default({ type: 'glorotUniform' }),
  depthwiseRegularizer: regularizerSchema.optional(),
  depthwiseConstraint: constraintSchema.optional(),
}
const { kernelInitializer: _i, kernelRegularizer: _r, kernelConstraint: _c, ...biasOptions } = kernelOptions

/** Each channel is convolved by itself, `depthMultiplier` times. */
const depthwiseNd = (rank: 1 | 2) =>
  defineLayer({
    type: `DepthwiseConv${rank}D`,
    schema: z.strictObject({
      ...layerOptions,
      kernelSize: perAxis(rank),
      ...windowOptions(rank),
      ...depthOptions,
      ...biasOptions,
    }),
    weights: (c, [x], path) => {
      const channels = channelsOf(x!, rank, path)
      return [
        depthSpec(c, channels, c.kernelSize, 'kernel'),
        ...biasSpec(c as unknown as KernelConfig, channels * c.depthMultiplier),
      ]
    },
    call: (c, ctx, x) =>
      finish(
        c as unknown as KernelConfig, // the bias half of the same options
        ctx,
        ops.conv(
          x,
          ctx.weight('kernel'),
          c.useBias ? ctx.weight('bias') : null,
          attributes(c, x, c.kernelSize, extent(x.shape, 1)),
        ),
      ),
  })
type DepthConfig = z.output<z.ZodObject<typeof depthOptions>>
const depthSpec = (c: DepthConfig, channels: number, window: readonly number[], name: string): WeightSpec => ({
  name,
  shape: [channels * c.depthMultiplier, 1, ...window],
  fanShape: [c.depthMultiplier, channels, ...window],
  initializer: c.depthwiseInitializer!,
  regularizer: c.depthwiseRegularizer ?? null,
  constraint: c.depthwiseConstraint ?? null,
})

export const depthwiseConv1d = depthwiseNd(1)
export const depthwiseConv2d = depthwiseNd(2)

/** A depthwise convolution followed by a 1×1 one that mixes the channels. */
const separableNd = (rank: 1 | 2) =>
  defineLayer({
    type: `SeparableConv${rank}D`,
    schema: z.strictObject({
      ...layerOptions,
      filters: z.int().positive(),
      kernelSize: perAxis(rank),
      ...windowOptions(rank),
      ...depthOptions,
      pointwiseInitializer: initializerSchema.default({ type: 'glorotUniform' }),
      pointwiseRegularizer: regularizerSchema.optional(),
      pointwiseConstraint: constraintSchema.optional(),
      ...biasOptions,
    }),
    weights: (c, [x], path) => {
      const channels = channelsOf(x!, rank, path)
      return [
        depthSpec(c, channels, c.kernelSize, 'depthwise_kernel'),
        {
          name: 'pointwise_kernel',
          shape: [c.filters, channels * c.depthMultiplier, ...new Array<number>(rank).fill(1)],
          initializer: c.pointwiseInitializer!,
          regularizer: c.pointwiseRegularizer ?? null,
          constraint: c.pointwiseConstraint ?? null,
        },
        ...biasSpec(c as unknown as KernelConfig, c.filters),
      ]
    },
    call: (c, ctx, x) => {
      const deep = ops.conv(x, ctx.weight('depthwise_kernel'), null, attributes(c, x, c.kernelSize, extent(x.shape, 1)))
      return finish(
        c as unknown as KernelConfig,
        ctx,
        ops.conv(deep, ctx.weight('pointwise_kernel'), c.useBias ? ctx.weight('bias') : null),
      )
    },
  })
export const separableConv1d = separableNd(1)
export const separableConv2d = separableNd(2)
