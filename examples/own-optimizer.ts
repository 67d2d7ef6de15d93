import { layers, optimizers, sequential, tensor } from '../src/index.js'
import * as ops from '../src/ops/index.js'

export interface SignMomentumOptions extends optimizers.OptimizerOptions {
  /** How much of the velocity stays; default 0.9. */
  momentum?: number
}

/**
 * An optimizer of your own: momentum, of which only the sign is followed. It is a chain of links; clipping, weight decay,
 * averaging and parameter groups come with it, and so does the fused update.
 */
export const signMomentum = optimizers.optimizer<SignMomentumOptions>({
  name: 'signMomentum',
  defaults: { learningRate: 0.01, momentum: 0.9 },
  links: ({ momentum }) => [
    optimizers.transform({
      name: 'signMomentum',
      slots: { velocity: 0 },
      update: ({ gradient, slots }) => {
        const velocity = ops.add(ops.mul(slots.velocity, momentum), ops.mul(gradient, 1 - momentum))
        return { gradient: ops.sign(velocity), slots: { velocity } }
      },
    }),
    optimizers.scaleByLearningRate(),
  ],
})

export async function main(): Promise<{ before: number; after: number; slots: readonly string[] }> {
  const model = sequential([
    layers.dense({ units: 16, activation: 'tanh', inputShape: [2] }),
    layers.dense({ units: 1, name: 'head' }),
  ])
  const optimizer = signMomentum({
    learningRate: step => 0.02 / (1 + step / 100),
    weightDecay: 0.001,
    excludeFromWeightDecay: 'bias',
    groups: [{ match: 'head/**', learningRateMultiplier: 0.5 }],
  })
  model.compile({ optimizer: optimizers.ema(optimizer, { momentum: 0.9 }), loss: 'mse' })
  const x = tensor(Array.from({ length: 128 }, (_, i) => [Math.sin(i), Math.cos(3 * i)]))
  const y = tensor(Array.from({ length: 128 }, (_, i) => [Math.sin(i) * Math.cos(3 * i)]))
  const before = (await model.evaluate(x, y)).loss!
  await model.fit(x, y, { epochs: 60, batchSize: 16, verbose: 0 })
  return { before, after: (await model.evaluate(x, y)).loss!, slots: Object.keys(await model.slots()) }
}

export const claim = ({ before, after, slots }: Awaited<ReturnType<typeof main>>): boolean =>
  after < before / 5 && slots.includes('signMomentum/velocity/dense/kernel') && slots.includes('ema/average/head/bias')
