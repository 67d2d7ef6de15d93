import { z } from 'zod'
import { randomMask } from '../../ops/counter-random.js'
import * as ops from '../../ops/index.js'
import { defineLayer, layerOptions } from '../layer.js'

/**
 * Sets each element to zero with probability `rate` while training and scales the rest by 1 / (1 − rate)
 * (Srivastava et al. 2014). The mask is a pure function of seed, layer and step.
 */
export const dropout = defineLayer({
  type: 'Dropout',
  schema: z.strictObject({ ...layerOptions, rate: z.number().min(0).lt(1) }),
  call: (c, ctx, x) => {
    if (!ctx.training || c.rate === 0) return x
    return ops.mul(x, ops.mul(randomMask(ctx.randomKey(), x, 1 - c.rate), 1 / (1 - c.rate)))
  },
})
