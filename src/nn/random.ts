/**
 * Random numbers for layers of your own: pure functions of `ctx.randomKey()`, so that the same run draws the same bits.
 *
 *     const noisy = defineLayer({ …, call: (c, ctx, x) =>
 *       ctx.training ? ops.mul(x, random.mask(ctx.randomKey(), x, 0.9)) : x })
 */
export {
  type DrawOptions,
  mixKey,
  type RandomKey,
  randomBits as bits,
  randomMask as mask,
  randomNormal as normal,
  randomUniform as uniform,
} from '../ops/counter-random.js'
