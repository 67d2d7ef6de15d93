import { describe, expect, test } from 'vitest'
import { layers, optimizers, sequential } from '../index.js'
import { counterRandom, tensor } from '../ir/index.js'
import { expectClose } from '../testing/figures.js'

const random = counterRandom(3, 'statistics')
const x = tensor(
  Float32Array.from({ length: 64 * 3 }, (_, i) => random.normal(i) * ((i % 3) + 1) + (i % 3)),
  [64, 3],
)
const y = tensor(
  Float32Array.from({ length: 64 }, (_, i) => random.normal(1000 + i)),
  [64, 1],
)
const make = () => {
  const model = sequential([layers.batchNormalization({ inputShape: [3] }), layers.dense({ units: 1 })])
  model.compile({ optimizer: optimizers.swa(optimizers.sgd({ learningRate: 0.01 })), loss: 'mse' })
  return model
}

describe('refreshStatistics', () => {
  test('sets running statistics to those of the data', async () => {
    const model = make()
    await model.fit(x, y, { epochs: 2, batchSize: 16, verbose: 0 })
    expect(await model.refreshStatistics({ x, y }, { batchSize: 64 })).toEqual([
      'batch_normalization/moving_mean',
      'batch_normalization/moving_variance',
    ])
    const weights = await model.weights()
    const column = (c: number) => Array.from({ length: 64 }, (_, i) => Number(x.data[i * 3 + c]))
    const mean = [0, 1, 2].map(c => column(c).reduce((a, b) => a + b) / 64)
    const variance = [0, 1, 2].map(c => column(c).reduce((a, b) => a + (b - mean[c]!) ** 2, 0) / 64)
    expectClose(weights['batch_normalization/moving_mean']!, { shape: [3], data: mean })
    expectClose(weights['batch_normalization/moving_variance']!, { shape: [3], data: variance })
  })

  test('weighs a short last batch by its examples', async () => {
    const model = make()
    await model.refreshStatistics({ x, y }, { batchSize: 48 })
    const mean = Array.from({ length: 64 }, (_, i) => Number(x.data[i * 3])).reduce((a, b) => a + b) / 64
    const { data } = (await model.weights())['batch_normalization/moving_mean']!
    expect(data[0]).toBeCloseTo(mean, 5)
  })

  test('leaves a model without batch normalization alone', async () => {
    const model = sequential([layers.dense({ units: 1, inputShape: [3] })])
    model.compile({ loss: 'mse' })
    expect(await model.refreshStatistics({ x, y })).toEqual([])
  })
})
