import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import {
  type Callback,
  callbacks,
  layers,
  loadModel,
  optimizers,
  sequential,
  type Tensor,
  tensor,
} from '../../index.js'
import { testCallback } from '../../testing/callback.js'

const folder = mkdtempSync(join(tmpdir(), 'swap-'))
afterAll(() => rmSync(folder, { recursive: true }))

const x = tensor(
  Float32Array.from({ length: 32 }, (_, i) => Math.sin(i)),
  [16, 2],
)
const y = tensor(
  Float32Array.from({ length: 16 }, (_, i) => Math.cos(3 * i)),
  [16, 1],
)
const network = (useEma = true) => {
  const net = sequential([layers.dense({ units: 1, inputShape: [2] })])
  net.compile({ optimizer: optimizers.sgd({ learningRate: 0.3, useEma, emaMomentum: 0.9 }), loss: 'mse' })
  return net
}
const options = { epochs: 2, batchSize: 4, validationData: [x, y], verbose: 0 } as const
const averages = (slots: Record<string, Tensor>) =>
  Object.entries(slots).find(([name]) => name.includes('average') && name.endsWith('kernel'))![1]

test('validates with the averages and trains on from the weights', async () => {
  const plain = network()
  const without = await plain.fit(x, y, options)
  // At the end of fit the averages are written over the weights, as in Keras.
  expect((await plain.weights())['dense/kernel']).toEqual(averages(await plain.slots()))
  const net = network()
  const { history } = await net.fit(x, y, { ...options, callbacks: callbacks.swapEMAWeights() })
  expect(history.loss).toEqual(without.history.loss)
  expect(history.val_loss).not.toEqual(without.history.val_loss)
  expect((await net.evaluate(x, y, { batchSize: 4 })).loss).toBe(history.val_loss![1])
  expect(await net.weights()).toEqual(await plain.weights())
})

test('over the end of an epoch, for a checkpoint of the averages, also when training is stopped', async () => {
  for (const stopAfter of [2, 1]) {
    const net = network()
    const stop: Callback = { onEpochEnd: (epoch, _logs, model) => void (model.stopTraining = epoch + 1 === stopAfter) }
    const path = join(folder, `${stopAfter}-{epoch}.onnx`)
    const swap = callbacks.swapEMAWeights({ swapOnEpoch: true })
    const list = [swap, callbacks.modelCheckpoint(path), stop]
    await net.fit(x, y, { ...options, callbacks: list })
    const saved = await loadModel(path.replace('{epoch}', `${stopAfter}`))
    expect(await saved.predict(x)).toEqual(await net.predict(x))
    const plain = network()
    await plain.fit(x, y, { ...options, callbacks: stop })
    expect(await net.weights()).toEqual(await plain.weights())
  }
})

test('evaluates and predicts with the averages, and puts the weights back', async () => {
  const net = network()
  for (let i = 0; i < 4; i++) await net.trainOnBatch(x, y)
  const weights = await net.weights()
  const kernel = averages(await net.slots())
  const seen: unknown[] = []
  const watcher: Callback = {
    onPredictBatchEnd: async (_b, _l, model) => void seen.push((await model.weights())['dense/kernel']),
  }
  const out = await net.predict(x, { callbacks: [callbacks.swapEMAWeights(), watcher] })
  expect(seen).toEqual([kernel])
  expect(out).not.toEqual(await net.predict(x))
  await net.evaluate(x, y, { callbacks: callbacks.swapEMAWeights() })
  expect(await net.weights()).toEqual(weights)
})

test('refuses an optimizer without averages, and one that uses them by itself', async () => {
  const callback = callbacks.swapEMAWeights()
  await expect(network(false).fit(x, y, { ...options, callbacks: callback })).rejects.toMatchObject({
    name: 'ConfigError',
    code: 'no-averages',
  })
  const net = network(false)
  net.compile({ loss: 'mse', optimizer: optimizers.ema(optimizers.sgd()) })
  await expect(net.fit(x, y, { ...options, callbacks: callback })).rejects.toMatchObject({ code: 'averages-in-use' })
})

const adam = () => optimizers.adam({ learningRate: 0.05, useEma: true, emaMomentum: 0.8 })
testCallback(() => callbacks.swapEMAWeights({ swapOnEpoch: true }), { optimizer: adam })
