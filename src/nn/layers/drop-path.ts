import { z } from 'zod'
import * as ops from '../../ops/index.js'
import { defineLayer, layerOptions } from '../layer.js'
import * as random from '../random.js'
import { rateOptions } from './dropout.js'

/**
 * Stochastic depth: while training, sets the whole of an example to zero with probability `rate`. On the last layer of a
 * residual branch it takes that branch out: `layers.add().apply([x, layers.dropPath({ rate: 0.1 }).apply(branch)])`.
 * Huang et al. 2016 let the rate grow linearly with depth, l / L · rate of the l-th of L branches, and draw once for a
 * batch (`mode: 'batch'`); most draw for each example (`mode: 'row'`, the default).
 *
 * What stays is scaled by 1 / (1 − rate), so that inference needs no factor; not so with `scaleByKeep: false`.
 */
export const dropPath = defineLayer({
  type: 'DropPath',
  schema: z.strictObject({
    ...layerOptions,
    ...rateOptions,
    mode: z.enum(['row', 'batch']).default('row'),
    scaleByKeep: z.boolean().default(true),
  }),
  call: (c, ctx, x) => {
    if (!ctx.training || c.rate === 0) return x
    const axes = c.mode === 'row' ? [0] : []
    return ops.mul(
      x,
      random.mask(ctx.randomKey(c.seed), x, 1 - c.rate, { axes, kept: c.scaleByKeep ? 1 / (1 - c.rate) : 1 }),
    )
  },
})
