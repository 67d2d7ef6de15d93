import { z } from 'zod'
import { ConfigError, nearest } from '../../ir/index.js'
import * as ops from '../../ops/index.js'
import { defineLayer, type Layer, layerOptions } from '../layer.js'
import { isKernel } from '../network.js'
import * as random from '../random.js'
import { callInner, innerWeights, lastName, layerSchema } from '../wrapper.js'
import { rateOptions } from './dropout.js'

/**
 * Wraps a layer and drops connections instead of outputs (Wan et al. 2013): while training, each element of its kernels
 * is zero with probability `rate` and the rest is scaled by 1 / (1 − rate), so that inference uses the kernels as they
 * are. `layers.dropConnect({ layer: layers.dense({ units: 64 }), rate: 0.5 })`; convolutions and every other layer with
 * a kernel work alike.
 *
 * One mask holds for a batch; the paper draws one for each example, which no matrix product can use, masks the biases
 * too (`weights: ['kernel', 'bias']`), and in inference samples the unit's input instead of taking its mean. `weights`
 * names the weights to mask; default: every kernel.
 */
export const dropConnect = defineLayer({
  type: 'DropConnect',
  schema: z.strictObject({
    ...layerOptions,
    layer: layerSchema,
    ...rateOptions,
    weights: z.array(z.string()).nonempty().optional(),
  }),
  weights: (c, inputs, path) => {
    const specs = innerWeights(c.layer, inputs, path)
    const names = specs.map(spec => lastName(spec.name))
    const missing = c.weights?.find(name => !names.includes(name))
    if (missing !== undefined || !specs.some(spec => masks(c.weights, spec.name)))
      throw new ConfigError({
        code: 'no-such-weight',
        where: path,
        expected: names.length === 0 ? 'a layer with weights' : `some of ${names.join(', ')}`,
        received: missing ?? `a ${c.layer.type} layer without a kernel`,
        ...(missing === undefined || names.length === 0
          ? {}
          : { hint: `did you mean ${nearest(missing, names, 1)[0]}?` }),
      })
    return specs
  },
  call: (c, ctx, ...inputs) =>
    callInner(c.layer as Layer, ctx, inputs, (name, weight) => {
      if (!ctx.training || c.rate === 0 || !masks(c.weights, name)) return weight
      return ops.mul(weight, random.mask(ctx.randomKey(c.seed), weight, 1 - c.rate, { kept: 1 / (1 - c.rate) }))
    }),
})

const masks = (weights: readonly string[] | undefined, name: string): boolean =>
  weights === undefined ? isKernel({ name }) : weights.includes(lastName(name))
