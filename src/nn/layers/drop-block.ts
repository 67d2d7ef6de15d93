import { z } from 'zod'
import { ShapeError } from '../../ir/index.js'
import * as ops from '../../ops/index.js'
import { defineLayer, layerOptions } from '../layer.js'
import * as random from '../random.js'
import { rateOptions } from './dropout.js'

/**
 * Drops blocks of neighbouring elements of feature maps [batch, channels, …space], one to three spatial axes, while
 * training (Ghiasi et al. 2018). A block starts at each place where it fits with probability
 * γ = rate / blockSize^d · Π size / (size − blockSize + 1), which drops about `rate` of all elements (less where blocks
 * overlap); what is kept is scaled by all / kept of the whole batch. `blockSize` is cut to the smallest axis.
 * With `perChannel: false` all channels of an example lose the same blocks; the paper found its default better.
 */
export const dropBlock = defineLayer({
  type: 'DropBlock',
  schema: z.strictObject({
    ...layerOptions,
    ...rateOptions,
    blockSize: z.int().positive().default(7),
    perChannel: z.boolean().default(true),
  }),
  weights: (_c, [x], path) => {
    const space = x!.shape.slice(2)
    if (space.length < 1 || space.length > 3 || space.some(size => typeof size !== 'number'))
      throw new ShapeError({
        code: 'drop-block-rank',
        where: path,
        expected: '[batch, channels, …] with one to three spatial axes of known size',
        received: x!.shape,
      })
    return []
  },
  call: (c, ctx, x) => {
    if (!ctx.training || c.rate === 0) return x
    const space = x.shape.slice(2) as readonly number[]
    const block = Math.min(c.blockSize, ...space)
    const gamma = space.reduce((g, size) => (g * size) / (block * (size - block + 1)), c.rate)
    const axes = space.map((_, i) => i + 2)
    // The slice is only the shape of the places where a block may start.
    const starts = random.mask(
      ctx.randomKey(c.seed),
      ops.slice(
        x,
        space.map(() => 0),
        space.map(size => size - block + 1),
        axes,
      ),
      gamma,
      { axes: c.perChannel ? [0, 1, ...axes] : [0, ...axes] },
    )
    const margin = [0, 0, ...space.map(() => block - 1)]
    const dropped = ops.maxPool(ops.pad(starts, [...margin, ...margin]), {
      kernel_shape: space.map(() => block),
      strides: space.map(() => 1),
    })
    const kept = ops.sub(1, dropped)
    // Nothing kept: nothing to scale.
    const share = ops.max([ops.reduceMean(kept, { keepdims: 0 }), 1e-7])
    return ops.mul(x, ops.div(kept, share))
  },
})
