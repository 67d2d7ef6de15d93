import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { gradients } from '../../autodiff/index.js'
import { input, layers, model, optimizers, sequential, tensor, trace } from '../../index.js'
import { type Tensor, tensor as tensorOf, type Value } from '../../ir/index.js'
import * as ops from '../../ops/index.js'
import { evaluate, expectClose, type Figure, figureTensor, readFigures } from '../../testing/figures.js'
import type { Layer } from '../layer.js'
import { defineLayer, layerOptions } from '../layer.js'
import * as random from '../random.js'

// Made by ../figures/regularization.py.
interface SpectralRow {
  layer: string
  options: Record<string, unknown>
  powerIterations: number
  x: Figure
  y: Figure
  before: { kernel: Figure; u: Figure }
  after: { kernel: Figure; u: Figure }
}
interface Row {
  layer: string
  options: Record<string, unknown>
  input: number
  values: number[]
  mean: number
  deviation: number
  x: Figure
  weights: Record<string, Figure>
  y: Figure
  gradient: Figure
}
const figures = readFigures<{
  spectral: SpectralRow[]
  training: {
    x: Figure
    y: Figure
    start: Record<string, Figure>
    steps: { loss: number; kernel: Figure; bias: Figure; u: Figure }[]
    predict: Figure
  }
  reparametrized: Record<'kernel' | 'x' | 'upstream' | 'y' | 'gradient', Figure>
  normalizations: Row[]
  drops: Row[]
  noise: Row[]
  activity: { x: Figure; cases: { options: Record<string, unknown>; loss: number }[] }
}>(new URL('../figures/regularization.json', import.meta.url))

// Options from JSON: the schema checks what the type would.
const make = (name: string, options: Record<string, unknown>): Layer =>
  (layers as unknown as Record<string, (options: Record<string, unknown>) => Layer>)[name]!(options)

/** Output, new weights and gradient of Σ y³ of one layer in a training step. */
async function train(layer: Layer, x: Tensor, weights: Record<string, Tensor> = {}, step = 1) {
  const start = input({ shape: x.shape.slice(1), dtype: x.dtype })
  const net = model({ inputs: start, outputs: layer.apply(start) })
  return evaluate({ x, key: tensorOf(Uint32Array.of(step), []), ...weights }, v => {
    const traced = trace(net.network, {
      training: true,
      penalize: true,
      inputs: [v.x!],
      key: v.key!,
      weights: p => v[p]!,
    })
    const y = traced.outputs[0]!
    const next = [...traced.updates, ...traced.replaced].map(([path, value]) => [`next ${path}`, value] as const)
    const cube = ops.reduceSum(ops.mul(y, ops.mul(y, y)), { keepdims: 0 })
    const slope: Record<string, Value> =
      x.dtype === 'float32' ? { gradient: gradients(cube, [v.x!], { unconnected: 'zeros' })[0]! } : {}
    const [penalty] = traced.penalties
    return { y: ops.identity(y), ...slope, ...(penalty === undefined ? {} : { penalty }), ...Object.fromEntries(next) }
  })
}
const numbers = (t: Tensor): number[] => Array.from(t.data as Float32Array)
const filled = (value: number, shape: readonly number[]): Tensor =>
  tensor(new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(value), shape)
const share = (x: readonly number[], value: number): number => x.filter(v => v === value).length / x.length

describe('layers that drop give what Keras gives', () => {
  test.each(figures.drops.map(row => [row.layer, row.options, row] as const))('%s %j', async (name, options, row) => {
    const y = numbers((await train(make(name, options), filled(row.input, [40, 50, 10]))).y!)
    const values = [...new Set(y)].sort((a, b) => a - b)
    expect(values.length).toBe(2)
    values.forEach((v, i) => {
      expect(v).toBeCloseTo(row.values[i]!, 5)
    })
    const rate = Number(options.rate)
    const draws = name === 'spatialDropout1d' ? 400 : 20000
    expect(Math.abs(share(y, values[0]!) - rate) * Math.sqrt(draws / (rate * (1 - rate)))).toBeLessThan(4)
  })

  test.each(figures.noise.map(row => [row.layer, row.options, row] as const))('%s %j', async (name, options, row) => {
    const y = numbers((await train(make(name, options), filled(row.input, [400, 500]))).y!)
    const mean = y.reduce((a, b) => a + b, 0) / y.length
    const deviation = Math.sqrt(y.reduce((a, b) => a + (b - mean) ** 2, 0) / y.length)
    expect(Math.abs(mean - row.mean) / row.deviation).toBeLessThan(0.012)
    expect(deviation / row.deviation).toBeCloseTo(1, 2)
  })

  test('alpha dropout holds mean and variance of what is normal', async () => {
    const x = tensor(
      Float32Array.from({ length: 200000 }, (_, i) => Math.SQRT2 * Math.sin(i * 0.7)),
      [200, 1000],
    )
    const y = numbers((await train(layers.alphaDropout({ rate: 0.3 }), x)).y!)
    const mean = y.reduce((a, b) => a + b, 0) / y.length
    expect(mean).toBeCloseTo(0, 2)
    expect(y.reduce((a, b) => a + (b - mean) ** 2, 0) / y.length).toBeCloseTo(1, 1)
  })

  test('the gradient passes where the element did', async () => {
    for (const layer of [
      layers.dropout({ rate: 0.5 }),
      layers.dropPath({ rate: 0.5 }),
      layers.dropBlock({ rate: 0.4, blockSize: 2 }),
    ]) {
      const { y, gradient } = await train(layer, filled(2, [16, 2, 6, 6]))
      const scale = numbers(y!).map(v => v / 2)
      // d(s x)³/dx = 3 s³ x²
      numbers(gradient!).forEach((g, i) => {
        expect(g).toBeCloseTo(12 * scale[i]! ** 3, 3)
      })
      expect(new Set(scale.map(s => s.toFixed(4))).size).toBe(2)
    }
  })
})

describe('what is dropped together', () => {
  /** For each index on `axes`, the values found along all other axes. */
  const groups = (y: Tensor, axes: readonly number[]): Set<number>[] => {
    const found = new Map<string, Set<number>>()
    numbers(y).forEach((v, flat) => {
      const index: number[] = []
      let rest = flat
      for (let axis = y.shape.length - 1; axis >= 0; axis--) {
        index[axis] = rest % y.shape[axis]!
        rest = Math.floor(rest / y.shape[axis]!)
      }
      const name = axes.map(axis => index[axis]).join()
      found.set(name, (found.get(name) ?? new Set()).add(v))
    })
    return [...found.values()]
  }
  const cases: [string, Layer, readonly number[], readonly number[]][] = [
    ['features of a sequence', layers.spatialDropout1d({ rate: 0.5 }), [8, 6, 5], [0, 2]],
    ['channels of a sequence', layers.spatialDropout1d({ rate: 0.5, dataFormat: 'channelsFirst' }), [8, 6, 5], [0, 1]],
    ['channels of an image', layers.spatialDropout2d({ rate: 0.5 }), [8, 6, 3, 4], [0, 1]],
    ['channels of a volume', layers.spatialDropout3d({ rate: 0.5 }), [8, 6, 3, 2, 2], [0, 1]],
    ['an example', layers.dropPath({ rate: 0.5 }), [32, 3, 4], [0]],
    ['where noiseShape is 1', layers.dropout({ rate: 0.5, noiseShape: [null, 1, 5] }), [8, 6, 5], [0, 2]],
    [
      'with the batch, where noiseShape says so',
      layers.dropout({ rate: 0.5, noiseShape: [1, null, null] }),
      [8, 6, 5],
      [1, 2],
    ],
    ['of alpha dropout too', layers.alphaDropout({ rate: 0.5, noiseShape: [null, 1, 1] }), [32, 6, 5], [0]],
  ]
  test.each(cases)('%s', async (_, layer, shape, axes) => {
    const { y } = await train(layer, filled(1, shape))
    const sets = groups(y!, axes)
    expect(sets.length).toBe(axes.reduce((n, axis) => n * shape[axis]!, 1))
    for (const set of sets) expect(set.size).toBe(1)
    expect(new Set(sets.map(set => [...set][0])).size).toBe(2)
  })

  test('a batch, with drop path in the mode of the paper', async () => {
    const layer = layers.dropPath({ rate: 0.5, mode: 'batch', scaleByKeep: false })
    const outcomes = new Set<string>()
    for (let step = 0; step < 12; step++) {
      const { y } = await train(layer, filled(3, [6, 2]), {}, step)
      outcomes.add([...new Set(numbers(y!))].join())
    }
    expect([...outcomes].sort()).toEqual(['0', '3'])
  })
})

describe('drop block', () => {
  test('drops whole blocks, about its rate, and keeps the sum', async () => {
    const { y } = await train(layers.dropBlock({ rate: 0.1, blockSize: 3 }), filled(1, [64, 4, 12, 12]))
    const out = numbers(y!)
    // Each zero lies in a 3×3 block of zeros.
    for (let map = 0; map < 256; map++) {
      const at = (i: number, j: number): number => out[map * 144 + i * 12 + j]!
      const blocked = new Uint8Array(144)
      for (let i = 0; i <= 9; i++)
        for (let j = 0; j <= 9; j++) {
          const block = [0, 1, 2].flatMap(a => [0, 1, 2].map(b => at(i + a, j + b)))
          if (block.every(v => v === 0))
            for (let k = 0; k < 9; k++) blocked[(i + Math.floor(k / 3)) * 12 + j + (k % 3)] = 1
        }
      for (let k = 0; k < 144; k++)
        expect(blocked[k] === 1, `element ${k} of map ${map}`).toBe(out[map * 144 + k] === 0)
    }
    // γ = 0.1 · 144 / (9 · 100) at 100 places; an inner element lies in nine blocks.
    const gamma = (0.1 * 144) / (9 * 100)
    const inner = [...Array(256).keys()].flatMap(map =>
      [...Array(64).keys()].map(k => out[map * 144 + (2 + (k >> 3)) * 12 + 2 + (k & 7)]!),
    )
    expect(share(inner, 0)).toBeCloseTo(1 - (1 - gamma) ** 9, 1)
    expect(out.reduce((a, b) => a + b, 0) / out.length).toBeCloseTo(1, 4)
  })

  test('of a block as large as the map drops maps, and of size 1 is dropout', async () => {
    const { y } = await train(layers.dropBlock({ rate: 0.5, blockSize: 9 }), filled(1, [32, 2, 4, 4]))
    for (let map = 0; map < 64; map++) expect(new Set(numbers(y!).slice(map * 16, map * 16 + 16)).size).toBe(1)
    const { y: single } = await train(layers.dropBlock({ rate: 0.3, blockSize: 1 }), filled(1, [50, 4, 100]))
    expect(share(numbers(single!), 0)).toBeCloseTo(0.3, 1)
  })

  test('of one pattern for all channels, if so asked', async () => {
    const { y } = await train(layers.dropBlock({ rate: 0.3, blockSize: 2, perChannel: false }), filled(1, [4, 3, 6, 6]))
    const out = numbers(y!)
    for (let n = 0; n < 4; n++)
      for (const c of [1, 2])
        expect(out.slice((n * 3 + c) * 36, (n * 3 + c + 1) * 36)).toEqual(out.slice(n * 108, n * 108 + 36))
    expect(share(out, 0)).toBeGreaterThan(0)
  })
})

describe('drop connect', () => {
  const x = tensor(
    Float32Array.from({ length: 64 }, (_, i) => (i % 9 === 0 ? 1 : 0)),
    [8, 8],
  )

  test('masks the kernel once for a batch, scales it, and leaves the bias', async () => {
    const layer = layers.dropConnect({ layer: layers.dense({ units: 500 }), rate: 0.25 })
    const weights = { 'drop_connect/dense/kernel': filled(3, [8, 500]), 'drop_connect/dense/bias': filled(1, [500]) }
    const { y } = await train(layer, x, weights)
    // x is the identity: y is the kernel and the bias.
    const out = numbers(y!)
    expect([...new Set(out)].sort()).toEqual([1, 5])
    expect(Math.abs(share(out, 1) - 0.25) * Math.sqrt(4000 / (0.25 * 0.75))).toBeLessThan(4)
    const again = await train(
      layer,
      tensor(
        Float32Array.from({ length: 8 }, () => 1),
        [1, 8],
      ),
      weights,
    )
    numbers(again.y!).forEach((sum, unit) => {
      expect(sum - 1).toBeCloseTo(
        [...Array(8).keys()].reduce((s, i) => s + out[i * 500 + unit]! - 1, 0),
        4,
      )
    })
  })

  test('masks the weights it is told to', async () => {
    const layer = layers.dropConnect({ layer: layers.dense({ units: 500 }), rate: 0.25, weights: ['bias'] })
    const weights = { 'drop_connect/dense/kernel': filled(3, [8, 500]), 'drop_connect/dense/bias': filled(1.5, [500]) }
    const { y } = await train(layer, x, weights)
    expect([...new Set(numbers(y!))].sort()).toEqual([3, 5])
  })

  test('in inference uses the kernel as it is, and trains', async () => {
    const net = sequential([
      layers.dropConnect({ layer: layers.dense({ units: 1, kernelInitializer: 'ones' }), rate: 0.5, inputShape: [2] }),
    ])
    expect(numbers(await net.predict([[1, 2]]))).toEqual([3])
    net.compile({ loss: 'mse', optimizer: optimizers.sgd({ learningRate: 0.05 }) })
    const rows = Array.from({ length: 64 }, (_, i) => [Math.sin(i), Math.cos(2 * i)])
    const { loss: before } = await net.evaluate(
      rows,
      rows.map(([a, b]) => [2 * a! - b!]),
    )
    await net.fit(
      rows,
      rows.map(([a, b]) => [2 * a! - b!]),
      { epochs: 20, batchSize: 8, verbose: 0 },
    )
    expect(
      (
        await net.evaluate(
          rows,
          rows.map(([a, b]) => [2 * a! - b!]),
        )
      ).loss!,
    ).toBeLessThan(before! / 2)
  })

  test('refuses a layer without a kernel and weights that are not there', () => {
    const build = (layer: Layer, weights?: [string]) => () =>
      sequential([layers.dropConnect({ layer, rate: 0.5, inputShape: [2], ...(weights ? { weights } : {}) })])
    expect(build(layers.flatten())).toThrow(expect.objectContaining({ code: 'no-such-weight' }))
    expect(build(layers.dense({ units: 1 }), ['kernal'])).toThrow(/kernel/)
    expect(build({} as Layer)).toThrow(expect.objectContaining({ name: 'ConfigError' }))
  })
})

describe('spectral normalization is that of Keras', () => {
  const names: Record<string, string> = { embedding: 'embeddings' }
  figures.spectral.forEach((row, i) => {
    test(`${i}: ${row.layer}, ${row.powerIterations} power iterations: output, kernel and vector`, async () => {
      const layer = layers.spectralNormalization({
        layer: make(row.layer, { ...row.options, name: 'it' }),
        powerIterations: row.powerIterations,
        name: 'sn',
      })
      const kernel = `sn/it/${names[row.layer] ?? 'kernel'}`
      const bias: Record<string, Tensor> = names[row.layer] ? {} : { 'sn/it/bias': filled(0, [row.y.shape[1]!]) }
      const x = figureTensor(row.x, row.layer === 'embedding' ? 'int32' : 'float32')
      const weights = { ...bias, [kernel]: figureTensor(row.before.kernel), 'sn/vector_u': figureTensor(row.before.u) }
      const out = await train(layer, x, weights)
      expectClose(out.y!, row.y, { tolerance: 5e-6 })
      expectClose(out[`next ${kernel}`]!, row.after.kernel, { tolerance: 5e-6 })
      expectClose(out['next sn/vector_u']!, row.after.u, { tolerance: 5e-6 })
    })
  })

  test('over steps of training with a penalty on the kernel', async () => {
    const { training } = figures
    const net = sequential([
      layers.spectralNormalization({
        layer: layers.dense({ units: 2, name: 'it', kernelRegularizer: { type: 'l2', l2: 0.05 } }),
        name: 'sn',
        inputShape: [4],
      }),
    ])
    const stored = (w: Record<string, Figure>) => ({
      'sn/it/kernel': figureTensor(w.kernel!),
      'sn/it/bias': figureTensor(w.bias!),
      'sn/vector_u': figureTensor(w.u!),
    })
    net.setWeights(stored(training.start))
    net.compile({ loss: 'mse', optimizer: optimizers.sgd({ learningRate: 0.1 }) })
    for (const step of training.steps) {
      const { loss } = await net.trainOnBatch(figureTensor(training.x), figureTensor(training.y))
      expect(loss).toBeCloseTo(step.loss, 4)
      const weights = await net.weights()
      expectClose(weights['sn/it/kernel']!, step.kernel, { tolerance: 1e-5 })
      expectClose(weights['sn/it/bias']!, step.bias, { tolerance: 1e-5 })
      expectClose(weights['sn/vector_u']!, step.u, { tolerance: 1e-5 })
    }
    expectClose(await net.predict(figureTensor(training.x)), training.predict, { tolerance: 1e-5 })
  })

  test('leaves a kernel of zeros as it is', async () => {
    const layer = layers.spectralNormalization({ layer: layers.dense({ units: 2, useBias: false }), name: 'sn' })
    const out = await train(layer, filled(1, [1, 3]), {
      'sn/dense/kernel': filled(0, [3, 2]),
      'sn/vector_u': filled(0.5, [1, 2]),
    })
    expect(numbers(out.y!)).toEqual([0, 0])
    expect(numbers(out['next sn/dense/kernel']!)).toEqual([0, 0, 0, 0, 0, 0])
    expect(numbers(out['next sn/vector_u']!)).toEqual([0.5, 0.5])
  })

  test('applied twice in a step normalizes once, and both applications count in the gradient', async () => {
    const [a, b] = [input({ shape: [3], name: 'a' }), input({ shape: [3], name: 'b' })]
    const layer = layers.spectralNormalization({ layer: layers.dense({ units: 1, useBias: false }), name: 'sn' })
    const net = model({ inputs: [a, b], outputs: layers.add().apply([layer.apply(a), layer.apply(b)]) })
    net.setWeights({ 'sn/dense/kernel': tensor([3, 0, 4], [3, 1]), 'sn/vector_u': tensor([1], [1, 1]) })
    net.compile({ loss: (_, y) => ops.reduceMean(y, { keepdims: 0 }), optimizer: optimizers.sgd({ learningRate: 1 }) })
    await net.trainOnBatch({ a: [[1, 0, 0]], b: [[0, 0.25, 0]] }, [[0]])
    const kernel = numbers((await net.weights())['sn/dense/kernel']!)
    // [3, 0, 4] / 5 − [1, 0.25, 0]
    kernel.forEach((w, i) => {
      expect(w).toBeCloseTo([-0.4, -0.25, 0.8][i]!, 5)
    })
  })

  test('under other ways to train: R-Drop of no randomness, sharpness of no radius, accumulation of one batch', async () => {
    const x = Array.from({ length: 12 }, (_, i) => [Math.sin(i), Math.cos(2 * i), 0.1 * i])
    const y = x.map((_, i) => i % 2)
    const run = async (optimizer: ReturnType<typeof optimizers.sgd>, options = {}, batchSize = 4) => {
      const layer = layers.spectralNormalization({ layer: layers.dense({ units: 2, name: 'it' }), name: 'sn' })
      const net = sequential([
        layers.dense({ units: 3, inputShape: [3] }),
        layer,
        layers.activation({ activation: 'softmax' }),
      ])
      net.compile({ loss: 'sparseCategoricalCrossentropy', optimizer, ...options })
      await net.fit(x, y, { epochs: 2, batchSize, shuffle: false, verbose: 0 })
      return Object.fromEntries(
        Object.entries(await net.weights()).map(([path, t]) => [path, { shape: [...t.shape], data: numbers(t) }]),
      )
    }
    const sgd = optimizers.sgd({ learningRate: 0.1 })
    const plain = await run(sgd)
    const others = [
      await run(sgd, { rDrop: 1 }),
      await run(optimizers.sam(sgd, { rho: 1e-7 })),
      await run(optimizers.accumulate(sgd, { steps: 1 })),
    ]
    for (const other of others)
      for (const [path, t] of Object.entries(plain))
        expectClose(figureTensor(other[path]!), t, { tolerance: 2e-5, what: path })
    // Between updates the kernel is normalized all the same.
    const waiting = await run(optimizers.accumulate(sgd, { steps: 100 }))
    const kernel = figureTensor(waiting['sn/it/kernel']!)
    const { sigma } = await evaluate({ kernel }, v => {
      const gram = ops.matMul(ops.transpose(v.kernel!), v.kernel!)
      let u = ops.add(ops.reduceSum(gram, [1]), 0.1)
      for (let i = 0; i < 30; i++) u = ops.div(ops.matMul(gram, u), ops.reduceMax(ops.abs(u), { keepdims: 1 }))
      return { sigma: ops.sqrt(ops.reduceMax(ops.abs(u), { keepdims: 0 })) }
    })
    expect(sigma!.data[0]).toBeCloseTo(1, 2)
  })

  test("reparametrized, output and gradient are PyTorch's, in inference too", async () => {
    const row = figures.reparametrized
    const layer = layers.spectralNormalization({
      layer: layers.dense({ units: 3, useBias: false }),
      powerIterations: 60,
      method: 'reparametrize',
      name: 'sn',
    })
    const start = input({ shape: [5] })
    const net = model({ inputs: start, outputs: layer.apply(start) })
    const feeds = { x: figureTensor(row.x), k: figureTensor(row.kernel), u: tensor([0.1, 0.2, 0.3], [1, 3]) }
    const out = await evaluate({ ...feeds, up: figureTensor(row.upstream) }, v => {
      const weights = (path: string) => (path.endsWith('u') ? v.u! : v.k!)
      const traced = trace(net.network, { training: true, inputs: [v.x!], weights })
      const y = traced.outputs[0]!
      const loss = ops.reduceSum(ops.mul(y, v.up!), { keepdims: 0 })
      expect(traced.replaced.size).toBe(0)
      return { y, gradient: gradients(loss, [v.k!])[0]!, next: traced.updates.get('sn/vector_u')! }
    })
    expectClose(out.y!, row.y, { tolerance: 1e-5 })
    expectClose(out.gradient!, row.gradient, { tolerance: 1e-5 })
    net.setWeights({ 'sn/dense/kernel': feeds.k, 'sn/vector_u': out.next! })
    expectClose(await net.predict(feeds.x), row.y, { tolerance: 1e-5 })
  })

  test('refuses a layer without a kernel', () => {
    expect(() => sequential([layers.spectralNormalization({ layer: layers.flatten(), inputShape: [2] })])).toThrow(
      expect.objectContaining({ code: 'no-kernel' }),
    )
  })
})

describe('normalizations are those of Keras', () => {
  figures.normalizations.forEach((row, i) => {
    test(`${i}: ${row.layer} ${JSON.stringify(row.options)}`, async () => {
      const weights = Object.entries(row.weights).map(([name, t]) => [`it/${name}`, figureTensor(t)] as const)
      const out = await train(
        make(row.layer, { ...row.options, name: 'it' }),
        figureTensor(row.x),
        Object.fromEntries(weights),
      )
      expectClose(out.y!, row.y, { tolerance: 5e-6 })
      expectClose(out.gradient!, row.gradient, { tolerance: 5e-5 })
    })
  })
})

test("activity regularization adds Keras's penalty and gives its input on", async () => {
  for (const { options, loss } of figures.activity.cases) {
    const x = figureTensor(figures.activity.x)
    const out = await train(layers.activityRegularization(options), x)
    expectClose(out.y!, figures.activity.x, { tolerance: 0 })
    expectClose(out.penalty!, loss, { tolerance: 1e-6 })
  }
})

describe('seeds', () => {
  const run = async (stack: Layer[], step: number) => {
    const net = sequential(stack)
    const out = await evaluate({ x: filled(1, [1, 2000]), key: tensorOf(Uint32Array.of(step), []) }, v => {
      const { layers: results } = trace(net.network, {
        training: true,
        inputs: [v.x!],
        key: v.key!,
        weights: () => v.x!,
      })
      return Object.fromEntries(results.map((y, i) => [`y${i}`, y]))
    })
    return Object.values(out).map(t => numbers(t).map(v => v > 0))
  }

  test('a layer with a seed draws the same wherever it stands, and other numbers at other steps', async () => {
    const seeded = (seed: number) => layers.dropout({ rate: 0.5, seed, inputShape: [2000] })
    const [alone] = await run([seeded(4)], 1)
    const first = await run([layers.dropPath({ rate: 0, inputShape: [2000] }), seeded(4)], 1)
    expect(first[1]).toEqual(alone)
    // The second drops nothing that the first has not.
    const twice = await run([seeded(4), seeded(4)], 1)
    expect(twice[1]).toEqual(twice[0])
    expect((await run([seeded(5)], 1))[0]).not.toEqual(alone)
    expect((await run([seeded(4)], 2))[0]).not.toEqual(alone)
  })

  test('a layer applied twice draws twice', async () => {
    const start = input({ shape: [500] })
    const layer = layers.dropout({ rate: 0.5 })
    const net = model({ inputs: start, outputs: [layer.apply(start), layer.apply(start)] })
    const out = await evaluate({ x: filled(1, [1, 500]), key: tensorOf(Uint32Array.of(1), []) }, v => {
      const [a, b] = trace(net.network, { training: true, inputs: [v.x!], key: v.key!, weights: () => v.x! }).outputs
      return { a: a!, b: b! }
    })
    expect(numbers(out.a!)).not.toEqual(numbers(out.b!))
  })

  test("a layer of one's own draws in a line, each call anew", async () => {
    const jitter = defineLayer({
      type: 'Jitter',
      schema: z.strictObject({ ...layerOptions }),
      call: (_c, ctx, x) =>
        ctx.training ? ops.sub(random.uniform(ctx.randomKey(), x), random.uniform(ctx.randomKey(), x)) : x,
    })
    const y = numbers((await train(jitter(), filled(1, [10, 100]))).y!)
    expect(new Set(y).size).toBeGreaterThan(900)
  })

  test('training twice from one seed gives the same weights, bit for bit', async () => {
    const weights = async (seed: number) => {
      const net = sequential(
        [
          layers.dropConnect({ layer: layers.dense({ units: 8, activation: 'selu' }), rate: 0.3, inputShape: [4] }),
          layers.alphaDropout({ rate: 0.2 }),
          layers.gaussianNoise({ stddev: 0.1 }),
          layers.gaussianDropout({ rate: 0.1 }),
          layers.dense({ units: 1 }),
        ],
        { seed },
      )
      net.compile({ loss: 'mse', optimizer: 'adam' })
      const x = Array.from({ length: 20 }, (_, i) => [i, i % 3, Math.sin(i), 1].map(v => v / 10))
      await net.fit(
        x,
        x.map(([a]) => [a!]),
        { epochs: 3, batchSize: 4, verbose: 0 },
      )
      return net.weights()
    }
    const first = await weights(3)
    expect(await weights(3)).toEqual(first)
    expect(await weights(4)).not.toEqual(first)
  })
})

describe('regularizing layers refuse', () => {
  test.each<[string, Record<string, unknown>, number[], string]>([
    ['dropout', { rate: 0.5, noiseShape: [1, 3] }, [2, 2], 'ShapeError'],
    ['dropout', { rate: 0.5, noiseShape: [null, 3] }, [2], 'ShapeError'],
    ['dropout', { rate: 0.5, noiseShape: [null, 0] }, [2], 'ConfigError'],
    ['dropout', { rate: Number.NaN }, [2], 'ConfigError'],
    ['dropout', { rate: 0.5, seed: -1 }, [2], 'ConfigError'],
    ['spatialDropout1d', { rate: 0.5 }, [2], 'ShapeError'],
    ['spatialDropout2d', { rate: 0.5 }, [2, 2], 'ShapeError'],
    ['spatialDropout2d', { rate: 0.5, dataFormat: 'channelsLast' }, [2, 2, 2], 'ConfigError'],
    ['spatialDropout3d', { rate: 1 }, [2, 2, 2, 2], 'ConfigError'],
    ['gaussianDropout', { rate: 1 }, [2], 'ConfigError'],
    ['alphaDropout', { rate: -0.5 }, [2], 'ConfigError'],
    ['gaussianNoise', { stddev: -1 }, [2], 'ConfigError'],
    ['activityRegularization', { l1: -1 }, [2], 'ConfigError'],
    ['dropPath', { rate: 1.5 }, [2], 'ConfigError'],
    ['dropPath', { rate: 0.5, mode: 'column' }, [2], 'ConfigError'],
    ['dropBlock', { rate: 0.5 }, [2], 'ShapeError'],
    ['dropBlock', { rate: 0.5, blockSize: 0 }, [1, 4, 4], 'ConfigError'],
    ['groupNormalization', { groups: 3 }, [4], 'ShapeError'],
    ['groupNormalization', {}, [4], 'ShapeError'],
    ['groupNormalization', { groups: 0 }, [4], 'ConfigError'],
    ['rmsNormalization', { axis: 0 }, [4], 'ShapeError'],
    ['unitNormalization', { axis: 3 }, [4], 'ShapeError'],
    ['spectralNormalization', { layer: 'dense' }, [4], 'ConfigError'],
    ['dropConnect', { layer: layers.dense({ units: 1 }), rate: 2 }, [4], 'ConfigError'],
  ])('%s with %o on %j: %s', (name, options, inputShape, family) => {
    expect(() => sequential([make(name, { ...options, inputShape })])).toThrow(
      expect.objectContaining({ name: family }),
    )
  })
})
