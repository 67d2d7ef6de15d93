import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { layers, loadModel, optimizers, sequential } from '../../index.js'

const x = [
  [0, 1],
  [1, 0],
  [1, 1],
  [2, 1],
]
const y = [[1], [2], [3], [5]]
const quiet = { verbose: 0, epochs: 3, batchSize: 2 } as const
const trained = async () => {
  const net = sequential(
    [layers.dense({ units: 3, inputShape: [2], name: 'first' }), layers.dense({ units: 1, name: 'last' })],
    { seed: 2 },
  )
  const groups = [
    { match: 'last/kernel', beta1: 0.5 },
    { match: 'last/bias', freeze: true },
  ]
  net.compile({ optimizer: optimizers.scheduleFreeAdamw({ learningRate: 0.1, weightLrPower: 2, groups }), loss: 'mse' })
  await net.fit(x, y, quiet)
  return net
}

test('a model is evaluated at the average, each group by its own beta1, and trained where it was', async () => {
  const net = await trained()
  const [weights, averages] = [await net.weights(), await net.evaluationWeights()]
  const state = await net.state()
  for (const [path, beta1] of [
    ['first/kernel', 0.9],
    ['last/kernel', 0.5],
  ] as const) {
    const z = (await state.read(`scheduleFree/z/${path}`)).data as Float32Array
    const wanted = Array.from(weights[path]!.data as Float32Array, (w, i) => (w - (1 - beta1) * z[i]!) / beta1)
    const found = Array.from(averages[path]!.data as Float32Array)
    expect(found).not.toEqual(Array.from(weights[path]!.data as Float32Array))
    for (const [i, value] of found.entries()) expect(value).toBeCloseTo(wanted[i]!, 5)
  }
  expect(averages['last/bias']).toEqual(weights['last/bias'])
  const before = (await net.predict(x)).data
  const { loss } = await net.evaluate(x, y)
  const errors = y.map(([wanted], i) => (Number(before[i]) - wanted!) ** 2)
  expect(loss).toBeCloseTo(errors.reduce((a, b) => a + b, 0) / 4, 4)
  expect(await net.weights()).toEqual(weights)
})

test('a saved model predicts with the average and goes on training as if it had not stopped', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'anneal-schedule-free-'))
  try {
    const net = await trained()
    await net.save(join(folder, 'model.onnx'))
    const again = await loadModel(join(folder, 'model.onnx'))
    expect((await again.predict(x)).data).toEqual((await net.predict(x)).data)
    await net.fit(x, y, quiet)
    await again.fit(x, y, quiet)
    expect(await again.weights()).toEqual(await net.weights())
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
