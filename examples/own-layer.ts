import { z } from 'zod'
import { defineLayer, layerOptions, layers, optimizers, sequential, tensor } from '../src/index.js'
import * as ops from '../src/ops/index.js'

/** A layer of your own: y = x · gain + offset with one gain and offset per feature, and a learned slope for negatives. */
export const affine = defineLayer({
  type: 'Affine',
  schema: z.strictObject({ ...layerOptions, slope: z.number().default(0.1) }),
  weights: (_config, [x]) => {
    const features = Number(x!.shape.at(-1))
    return [
      { name: 'gain', shape: [features], initializer: 'ones' },
      { name: 'offset', shape: [features], initializer: 'zeros' },
    ]
  },
  call: ({ slope }, ctx, x) =>
    ops.leakyRelu(ops.add(ops.mul(x, ctx.weight('gain')), ctx.weight('offset')), { alpha: slope }),
})

export async function main(): Promise<{ before: number; after: number }> {
  const model = sequential([affine({ inputShape: [2] }), layers.dense({ units: 1 })], { seed: 4 })
  model.compile({ optimizer: optimizers.sgd({ learningRate: 0.05, momentum: 0.9 }), loss: 'mse' })
  const x = tensor(Array.from({ length: 64 }, (_, i) => [Math.sin(i), Math.cos(3 * i)]))
  const y = tensor(Array.from({ length: 64 }, (_, i) => [2 * Math.sin(i) - Math.cos(3 * i) + 0.5]))
  const before = (await model.evaluate(x, y)).loss!
  await model.fit(x, y, { epochs: 30, batchSize: 16, verbose: 0 })
  return { before, after: (await model.evaluate(x, y)).loss! }
}

export const claim = ({ before, after }: Awaited<ReturnType<typeof main>>): boolean => after < before / 10
