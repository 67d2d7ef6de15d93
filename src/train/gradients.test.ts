import { expect, test } from 'vitest'
import { layers, optimizers, regularizers, sequential, type Tensor, tensor } from '../index.js'
import { counterRandom } from '../ir/index.js'

const random = counterRandom(3)
const x = tensor(
  Float32Array.from({ length: 8 * 3 }, (_, i) => random.normal(i)),
  [8, 3],
)
const y = tensor(Int32Array.from({ length: 8 }, (_, i) => i % 2))
const network = (extra: Parameters<typeof sequential>[0] = []) => {
  const model = sequential([
    layers.dense({ units: 4, activation: 'tanh', inputShape: [3], kernelRegularizer: regularizers.l2(0.1) }),
    ...(extra as []),
    layers.dense({ units: 2, activation: 'softmax' }),
  ])
  model.compile({ optimizer: optimizers.sgd({ learningRate: 0.5 }), loss: 'sparseCategoricalCrossentropy' })
  return model
}
const values = (t: Tensor) => Array.from(t.data as Float32Array)

test('an update of plain gradient descent subtracts just them, times the rate', async () => {
  for (const model of [network(), network([layers.dropout({ rate: 0.5 })])]) {
    const sampleWeight = [1, 2, 0, 1, 1, 1, 3, 1]
    const gradients = await model.gradients(x, y, { sampleWeight })
    const before = await model.weights()
    await model.trainOnBatch(x, y, { sampleWeight })
    const after = await model.weights()
    expect(Object.keys(gradients).sort()).toEqual(Object.keys(before).sort())
    for (const [path, gradient] of Object.entries(gradients)) {
      expect(gradient.shape).toEqual(before[path]!.shape)
      values(gradient).forEach((g, i) => {
        expect(values(before[path]!)[i]! - 0.5 * g).toBeCloseTo(values(after[path]!)[i]!, 6)
      })
    }
  }
})

test('they are those of central differences', async () => {
  const model = network()
  const gradients = await model.gradients(x, y)
  const weights = await model.weights()
  const lossAt = async (by: number) => {
    const moved = Object.entries(weights).map(([path, t]) => [
      path,
      { ...t, data: Float32Array.from(values(t), (w, i) => w + by * values(gradients[path]!)[i]!) },
    ])
    model.setWeights(Object.fromEntries(moved))
    return (await model.evaluate(x, y)).loss!
  }
  const slope = ((await lossAt(0.01)) - (await lossAt(-0.01))) / 0.02
  const square = Object.values(gradients)
    .flatMap(values)
    .reduce((sum, g) => sum + g * g, 0)
  expect(slope / square).toBeCloseTo(1, 2)
})

test('asking changes nothing: neither weights, statistics nor the count of updates', async () => {
  const model = network([layers.batchNormalization()])
  const before = await model.weights()
  const first = await model.gradients(x, y)
  expect(await model.gradients(x, y)).toEqual(first)
  expect(await model.weights()).toEqual(before)
  expect(Object.keys(first)).not.toContain('batch_normalization/moving_mean')
  expect(model.step).toBe(0)
})

test('refuses data that do not fit', async () => {
  await expect(network().gradients(x, tensor(Int32Array.of(0, 1)))).rejects.toMatchObject({ code: 'example-count' })
  const far = tensor(new Int32Array(8).fill(7))
  await expect(network().gradients(x, far)).rejects.toMatchObject({ code: 'label-out-of-range' })
})
