import { z } from 'zod'
import { normalizeAxis, ShapeError, tensor } from '../../ir/index.js'
import * as ops from '../../ops/index.js'
import { defineLayer, extent, layerOptions } from '../layer.js'
import { scaleOptions, scaleWeights } from './normalization.js'

/**
 * Normalizes each example over groups of channels and all other axes (Wu & He 2018); scale and offset per channel.
 * `groups` 1 is a layer normalization over everything, −1 an instance normalization (as many groups as channels).
 * `axis` is the channels' axis: 1, where Keras (channels last) has −1. PyTorch's epsilon is 1e-5.
 */
export const groupNormalization = defineLayer({
  type: 'GroupNormalization',
  schema: z.strictObject({
    ...layerOptions,
    groups: z.union([z.int().positive(), z.literal(-1)]).default(32),
    axis: z.int().default(1),
    ...scaleOptions,
  }),
  weights: (c, [x], path) => {
    const axis = normalizeAxis(c.axis, x!.shape.length, path)
    const channels = extent(x!.shape, axis)
    const groups = c.groups === -1 ? channels : c.groups
    if (axis === 0 || !Number.isInteger(channels) || channels % groups !== 0)
      throw new ShapeError({
        code: 'group-count',
        where: path,
        expected: `a known number of channels on axis ${c.axis} that ${c.groups} groups divide`,
        received: x!.shape,
      })
    return scaleWeights(c, [channels])
  },
  call: (c, ctx, x) => {
    const axis = normalizeAxis(c.axis, x.shape.length)
    const channels = extent(x.shape, axis)
    // ONNX has the channels on axis 1.
    const perm = x.shape.map((_, i) => (i === 1 ? axis : i === axis ? 1 : i))
    const moved = axis === 1 ? x : ops.transpose(x, { perm })
    const constant = (value: number) => ctx.graph.constant(tensor(new Float32Array(channels).fill(value), [channels]))
    const y = ops.groupNormalization(
      moved,
      c.scale ? ctx.weight('gamma') : constant(1),
      c.center ? ctx.weight('beta') : constant(0),
      { num_groups: c.groups === -1 ? channels : c.groups, epsilon: c.epsilon },
    )
    return axis === 1 ? y : ops.transpose(y, { perm })
  },
})
