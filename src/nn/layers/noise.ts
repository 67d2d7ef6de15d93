import { z } from 'zod'
import { tunable } from '../../ir/index.js'
import * as ops from '../../ops/index.js'
import { defineLayer, layerOptions } from '../layer.js'
import * as random from '../random.js'
import { regularizeActivity } from './dense.js'

/**
 * Adds normal noise of mean 0 and the given standard deviation while training; the identity in inference. `stddev` is
 * 0 or more (Keras ends at 1). `seed`: as in `dropout`.
 */
export const gaussianNoise = defineLayer({
  type: 'GaussianNoise',
  schema: z.strictObject({
    ...layerOptions,
    stddev: z.number().nonnegative(),
    seed: z.int().nonnegative().optional(),
  }),
  call: (c, ctx, x) =>
    ctx.training && c.stddev > 0
      ? ops.add(x, ops.mul(random.normal(ctx.randomKey(c.seed), x), tunable(x, c.stddev)))
      : x,
})

/**
 * Gives its input on unchanged and adds l1 · Σ|x| + l2 · Σx², divided by the number of examples, to the loss. In
 * evaluation too, as every penalty.
 */
export const activityRegularization = defineLayer({
  type: 'ActivityRegularization',
  schema: z.strictObject({
    ...layerOptions,
    l1: z.number().nonnegative().default(0),
    l2: z.number().nonnegative().default(0),
  }),
  call: (c, ctx, x) => {
    regularizeActivity(ctx, { type: 'l1l2', l1: c.l1, l2: c.l2 }, x)
    return x
  },
})
