import { describe, expect, test } from 'vitest'
import { layers, loadModel, optimizers, sequential } from '../index.js'
import { modelBytes } from '../train/save.js'
import type { Optimizer } from './index.js'

const rows = 96
const x = Array.from({ length: rows }, (_, i) =>
  Array.from({ length: 6 }, (_, j) => Math.sin(1.7 * i + 2.3 * j + i * j)),
)
const y = x.map(([a, b, c, d]) => (a! * b! > 0 ? (c! > 0 ? 0 : 1) : d! > 0 ? 2 : 1))

function network(optimizer: Optimizer, device?: 'wasm') {
  const model = sequential(
    [
      layers.dense({ units: 16, activation: 'tanh', inputShape: [6] }),
      layers.dense({ units: 3, activation: 'softmax' }),
    ],
    { seed: 5 },
  )
  model.compile({ loss: 'sparseCategoricalCrossentropy', optimizer, ...(device === undefined ? {} : { device }) })
  return model
}

const makes: [string, () => Optimizer, number][] = [
  ['lamb', () => optimizers.lamb({ learningRate: 0.02 }), 32],
  ['lars', () => optimizers.lars({ learningRate: 0.1, trustCoefficient: 0.1, weightDecay: 1e-4 }), 32],
  ['adafactor', () => optimizers.adafactor({ learningRate: 0.05 }), 32],
  ['muon', () => optimizers.muon({ learningRate: 0.05, excludeLayers: 'dense_1' }), 32],
  ['shampoo', () => optimizers.shampoo({ learningRate: 0.02, blockSize: 8, preconditioningFrequency: 4 }), 32],
  ['lbfgs', () => optimizers.lbfgs({ maxIter: 4, historySize: 5 }), rows],
]
const fit = { shuffle: true, verbose: 0 } as const

describe('a network of two layers trains, is saved in between, and goes on bit for bit', () => {
  test.each(makes)('%s', async (_name, make, batchSize) => {
    const before = (await network(make()).evaluate(x, y)).loss!
    const straight = network(make())
    await straight.fit(x, y, { ...fit, batchSize, epochs: 8 })
    expect((await straight.evaluate(x, y)).loss!).toBeLessThan(0.85 * before)
    const stopped = network(make())
    await stopped.fit(x, y, { ...fit, batchSize, epochs: 3 })
    const resumed = await loadModel(await modelBytes(stopped))
    await resumed.fit(x, y, { ...fit, batchSize, epochs: 5 })
    expect(await resumed.weights()).toEqual(await straight.weights())
    expect(await resumed.slots()).toEqual(await straight.slots())
  })
})

describe('in WebAssembly', () => {
  test.each(makes.filter(([name]) => ['muon', 'lbfgs'].includes(name)))(
    '%s trains alike',
    async (_name, make, batchSize) => {
      const [here, there] = [network(make()), network(make(), 'wasm')]
      for (const model of [here, there]) await model.fit(x, y, { ...fit, batchSize, epochs: 3 })
      const [a, b] = [await here.evaluate(x, y), await there.evaluate(x, y)]
      expect(Math.abs(a.loss! - b.loss!)).toBeLessThan(1e-4)
    },
  )
})

test('L-BFGS with the whole data set as its batch needs few epochs', async () => {
  const model = network(optimizers.lbfgs())
  await model.fit(x, y, { ...fit, batchSize: rows, epochs: 6 })
  const adam = network(optimizers.adam({ learningRate: 0.01 }))
  await adam.fit(x, y, { ...fit, batchSize: rows, epochs: 6 * 20 })
  // An update makes up to 20 iterations: as many gradients, and far lower.
  expect((await model.evaluate(x, y)).loss!).toBeLessThan(0.5 * (await adam.evaluate(x, y)).loss!)
})

test('L-BFGS refuses weights with constraints', async () => {
  const model = sequential([layers.dense({ units: 1, inputShape: [6], kernelConstraint: 'nonNeg' })])
  model.compile({ loss: 'mse', optimizer: optimizers.lbfgs() })
  await expect(model.fit(x, y, { ...fit, batchSize: rows })).rejects.toMatchObject({
    code: 'constraint-on-host',
    where: 'dense/kernel',
  })
})
