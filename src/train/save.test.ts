import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as ort from 'onnxruntime-node'
import { afterAll, describe, expect, test } from 'vitest'
import { input, isAnnealError, layers, loadModel, model, optimizers, sequential, tensor } from '../index.js'
import { counterRandom, type Value } from '../ir/index.js'
import * as ops from '../ops/index.js'

const folder = mkdtempSync(join(tmpdir(), 'anneal-save-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const file = (name: string) => join(folder, name)

const random = counterRandom(3)
const n = 24
const x = tensor(
  Float32Array.from({ length: n * 64 }, (_, i) => random.normal(i)),
  [n, 1, 8, 8],
)
const y = tensor(
  Int32Array.from({ length: n }, (_, i) => i % 3),
  [n],
)
const quiet = { verbose: 0, batchSize: 7 } as const

const network = (optimizer = optimizers.adam({ learningRate: 0.01, amsgrad: true, clipnorm: 1 })) => {
  const net = sequential(
    [
      layers.conv2d({ filters: 4, kernelSize: 3, padding: 'same', inputShape: [1, 8, 8], kernelRegularizer: 'l2' }),
      layers.batchNormalization({ momentum: 0.8 }),
      layers.activation({ activation: { type: 'leakyRelu', negativeSlope: 0.1 } }),
      layers.maxPooling2d(),
      layers.zeroPadding2d({ padding: [[1, 0], 1] }),
      layers.depthwiseConv2d({ kernelSize: 2, depthwiseConstraint: 'nonNeg' }),
      layers.flatten(),
      layers.dropout({ rate: 0.3 }),
      layers.dense({ units: 6, activation: 'relu', kernelConstraint: { type: 'maxNorm' }, trainable: false }),
      layers.layerNormalization(),
      layers.dense({ units: 3, activation: 'softmax' }),
    ],
    { seed: 5, name: 'small' },
  )
  net.compile({
    optimizer,
    loss: 'sparseCategoricalCrossentropy',
    metrics: ['accuracy'],
    kernelRegularizer: { type: 'l1', l1: 1e-4 },
  })
  return net
}

async function runStock(path: string, t: { data: ArrayLike<unknown>; shape: readonly number[] }) {
  const session = await ort.InferenceSession.create(path)
  const feeds = { [session.inputNames[0]!]: new ort.Tensor('float32', t.data as Float32Array, [...t.shape]) }
  return { session, out: await session.run(feeds) }
}

describe('save', () => {
  test('writes an ordinary ONNX file that predicts the same, with batches of any size', async () => {
    const net = network()
    await net.fit(x, y, quiet)
    await net.save(file('stock.onnx'))
    for (const batch of [1, 5, n]) {
      const part = tensor((x.data as Float32Array).slice(0, batch * 64), [batch, 1, 8, 8])
      const { session, out } = await runStock(file('stock.onnx'), part)
      expect([session.inputNames, session.outputNames]).toEqual([['input'], ['output']])
      const wanted = await net.predict(part)
      expect([...out.output!.dims]).toEqual([batch, 3])
      Array.from(out.output!.data as Float32Array).forEach((v, i) => {
        expect(v).toBeCloseTo(Number(wanted.data[i]), 5)
      })
    }
  })

  test('and loadModel go on training bit for bit as if nothing had been in between', async () => {
    for (const [i, make] of [
      () => optimizers.adam({ learningRate: 0.01, amsgrad: true, clipnorm: 1 }),
      () => optimizers.sgd({ momentum: 0.9, nesterov: true }),
      () => optimizers.rmsprop({ centered: true, momentum: 0.5 }),
      () => optimizers.adamw({ weightDecay: 0.1 }),
    ].entries()) {
      const whole = network(make())
      await whole.fit(x, y, { ...quiet, epochs: 4 })
      const first = network(make())
      await first.fit(x, y, { ...quiet, epochs: 2 })
      await first.save(file(`resume${i}.onnx`))
      const resumed = await loadModel(file(`resume${i}.onnx`))
      expect([resumed.name, resumed.seed, resumed.step, resumed.epoch]).toEqual(['small', 5, first.step, 2])
      expect(await resumed.weights()).toEqual(await first.weights())
      expect(await resumed.slots()).toEqual(await first.slots())
      const { history } = await resumed.fit(x, y, { ...quiet, epochs: 4, initialEpoch: 2 })
      expect(await resumed.weights()).toEqual(await whole.weights())
      expect(Object.keys(history)).toEqual(['loss', 'accuracy'])
    }
  }, 120_000)

  test('keeps the learning rate it had come to', async () => {
    const net = network()
    net.learningRate = 1e-5
    await net.save(file('rate.onnx'))
    expect((await loadModel(file('rate.onnx'))).learningRate).toBe(1e-5)
  })

  test('works before compiling and before training, and can leave the optimizer out', async () => {
    const net = sequential([layers.dense({ units: 2, inputShape: [3] })])
    await net.save(file('plain.onnx'))
    const again = await loadModel(file('plain.onnx'))
    expect(again.isCompiled).toBe(false)
    expect(await again.weights()).toEqual(await net.weights())
    const trained = network()
    await trained.fit(x, y, quiet)
    await trained.save(file('full.onnx'))
    await trained.save(file('bare.onnx'), { optimizer: false })
    expect(readFileSync(file('bare.onnx')).length).toBeLessThan(readFileSync(file('full.onnx')).length)
    const slots = await (await loadModel(file('bare.onnx'))).slots()
    for (const t of Object.values(slots)) expect(Array.from(t.data as Float32Array).every(v => v === 0)).toBe(true)
  })

  test('keeps functional models: several inputs and outputs, shared layers, names', async () => {
    const [a, b] = [input({ shape: [2], name: 'left' }), input({ shape: [2], name: 'right' })]
    const shared = layers.dense({ units: 3, activation: 'tanh', name: 'tower' })
    const [left, right] = [shared.apply(a), shared.apply(b)]
    const net = model({
      inputs: [a, b],
      outputs: [layers.add().apply([left, right]), layers.dense({ units: 1, name: 'score' }).apply(left)],
    })
    await net.save(file('functional.onnx'))
    const again = await loadModel(readFileSync(file('functional.onnx')))
    const data = { left: [[1, 2]], right: [[3, -4]] }
    expect(await again.predict(data)).toEqual(await net.predict(data))
    expect(again.network.weights.map(w => w.path)).toEqual(net.network.weights.map(w => w.path))
    expect(again.summary()).toBe(net.summary())
  })

  test('refuses functions in layers, all at once, and writes nothing', async () => {
    const net = sequential([
      layers.dense({ units: 2, inputShape: [3], activation: v => ops.tanh(v) }),
      layers.dense({ units: 2, kernelRegularizer: w => ops.reduceSum(w, { keepdims: 0 }) }),
    ])
    await expect(net.save(file('function.onnx'))).rejects.toMatchObject({
      name: 'ConfigError',
      code: 'not-saveable',
      problems: [{ where: 'dense.activation' }, { where: 'dense_1.kernelRegularizer' }],
    })
    expect(readdirSync(folder)).not.toContain('function.onnx')
  })

  test("a loss of one's own is compiled anew; the optimizer then finds its state", async () => {
    const compile = {
      optimizer: optimizers.adam({ learningRate: 0.01 }),
      loss: (t: Value, p: Value) => ops.abs(ops.sub(p, t)),
    }
    const make = () => sequential([layers.dense({ units: 1, inputShape: [64] })])
    const data = tensor(x.data as Float32Array, [n, 64])
    const targets = tensor(
      Float32Array.from({ length: n }, (_, i) => i % 5),
      [n, 1],
    )
    const [whole, first] = [make(), make()]
    whole.compile(compile)
    first.compile(compile)
    await whole.fit(data, targets, { ...quiet, epochs: 2 })
    await first.fit(data, targets, quiet)
    await first.save(file('own-loss.onnx'))
    const again = await loadModel(file('own-loss.onnx'))
    expect(() => again.compiled).toThrow(expect.objectContaining({ code: 'not-compiled' }))
    again.compile(compile)
    await again.fit(data, targets, { ...quiet, epochs: 2, initialEpoch: 1 })
    expect(await again.weights()).toEqual(await whole.weights())
  })

  test('leaves the file before as it was when it fails, and no other file', async () => {
    const net = sequential([layers.dense({ units: 2, inputShape: [3] })])
    await net.save(file('keep.onnx'))
    const before = readFileSync(file('keep.onnx'))
    const entries = readdirSync(folder).sort()
    const bad = sequential([layers.dense({ units: 2, inputShape: [3], activation: v => ops.tanh(v) })])
    await expect(bad.save(file('keep.onnx'))).rejects.toMatchObject({ name: 'ConfigError' })
    // A file cannot be a folder.
    await expect(net.save(join(file('keep.onnx'), 'below.onnx'))).rejects.toMatchObject({
      name: 'DataError',
      code: 'unwritable-file',
    })
    expect(readFileSync(file('keep.onnx')).equals(before)).toBe(true)
    expect(readdirSync(folder).sort()).toEqual(entries)
  })

  test('to one path several times at once leaves one whole file', async () => {
    const nets = [1, 2, 3].map(seed => sequential([layers.dense({ units: 2, inputShape: [3] })], { seed }))
    await Promise.all(nets.map(net => net.save(file('race.onnx'))))
    const kept = await (await loadModel(file('race.onnx'))).weights()
    const all = await Promise.all(nets.map(net => net.weights()))
    expect(all).toContainEqual(kept)
    expect(readdirSync(folder).filter(name => name.startsWith('race'))).toEqual(['race.onnx'])
  })
})

describe('loadModel refuses', () => {
  test('what is not there, not ONNX, or not ours', async () => {
    await expect(loadModel(file('nowhere.onnx'))).rejects.toMatchObject({ name: 'DataError', code: 'unreadable-file' })
    writeFileSync(file('text.onnx'), 'this is no model')
    await expect(loadModel(file('text.onnx'))).rejects.toMatchObject({ name: 'FormatError' })
    await expect(loadModel(new Uint8Array(0))).rejects.toMatchObject({ name: 'FormatError' })
  })

  test('damaged files, with an error of its own at every byte', async () => {
    await network().save(file('damage.onnx'))
    const bytes = readFileSync(file('damage.onnx'))
    for (const length of [1, 10, 100, bytes.length >> 1, bytes.length - 1])
      await expect(loadModel(bytes.subarray(0, length)), `cut at ${length}`).rejects.toSatisfy(isAnnealError)
    const dice = counterRandom(8)
    let refused = 0
    for (let i = 0; i < 150; i++) {
      const copy = Uint8Array.from(bytes)
      copy[dice.below(2 * i, copy.length)] = dice.below(2 * i + 1, 256)
      try {
        await loadModel(copy)
      } catch (error) {
        refused++
        if (!isAnnealError(error)) throw error
      }
    }
    expect(refused).toBeGreaterThan(0)
  })

  test('a description that asks for what does not exist', async () => {
    await network().save(file('forged.onnx'))
    const forge = (from: string, to: string) => {
      expect(from.length).toBe(to.length)
      const text = readFileSync(file('forged.onnx'), 'latin1')
      expect(text).toContain(from)
      return loadModel(Buffer.from(text.replaceAll(from, to), 'latin1'))
    }
    await expect(forge('"Dropout"', '"Dropped"')).rejects.toMatchObject({ name: 'FormatError', code: 'unknown-layer' })
    await expect(forge('"units":3', '"units":4')).rejects.toMatchObject({ name: 'FormatError' })
    await expect(forge('"inputs":[0]', '"inputs":[9]')).rejects.toMatchObject({ name: 'FormatError' })
    await expect(forge('"format":1', '"format":7')).rejects.toMatchObject({ name: 'FormatError', code: 'bad-metadata' })
    await expect(forge('"momentum":0.8', '"momentum":8.8')).rejects.toMatchObject({ name: 'FormatError' })
  })
})

describe('weights', () => {
  test('go to .safetensors and back', async () => {
    const [a, b] = [network(), network()]
    await a.fit(x, y, quiet)
    await a.saveWeights(file('w.safetensors'))
    await b.loadWeights(file('w.safetensors'))
    expect(await b.weights()).toEqual(await a.weights())
  })

  test('of unknown names or other shapes are refused, and then nothing is changed', async () => {
    const net = network()
    const before = await net.weights()
    const kernel = before['dense_1/kernel']!
    expect(() => net.setWeights({ 'dense_1/kernel': kernel, 'dense/kernal': kernel })).toThrow(/unknown-weight/)
    expect(() => net.setWeights({ 'dense_1/bias': kernel })).toThrow(expect.objectContaining({ code: 'weight-shape' }))
    expect(await net.weights()).toEqual(before)
  })
})
