import { describe, expect, test } from 'vitest'
import { gradients } from '../../autodiff/index.js'
import { input, layers, model, sequential, tensor, trace } from '../../index.js'
import * as ops from '../../ops/index.js'
import { evaluate, expectClose, type Figure, figureTensor, readFigures } from '../../testing/figures.js'
import { testLayer } from '../../testing/layer.js'
import type { Layer } from '../layer.js'

// Made by ../figures/keras.py.
interface LayerRow {
  layer: string
  options: Record<string, unknown>
  x: Figure
  weights: Record<string, Figure>
  y: Figure
}
interface NormRow {
  options: Record<string, unknown>
  xs: Figure[]
  start: Record<string, Figure>
  steps: { y: Figure; gradient: Figure; mean: Figure; variance: Figure }[]
  inference: Figure
}
const figures = readFigures<{ layers: LayerRow[]; batchNorm: NormRow[] }>(
  new URL('../figures/keras.json', import.meta.url),
)
// Options from JSON: the schema checks what the type would.
const make = (name: string, options: Record<string, unknown>): Layer =>
  (layers as unknown as Record<string, (options: Record<string, unknown>) => Layer>)[name]!(options)

describe('layers compute what Keras computes', () => {
  figures.layers.forEach((row, i) => {
    test(`${i}: ${row.layer} ${JSON.stringify(row.options)}`, async () => {
      const net = sequential([make(row.layer, { ...row.options, name: 'it', inputShape: row.x.shape.slice(1) })])
      const values = Object.entries(row.weights).map(([name, t]) => [`it/${name}`, figureTensor(t)] as const)
      expect(Object.keys(await net.weights())).toEqual(values.map(([path]) => path))
      net.setWeights(Object.fromEntries(values))
      const y = await net.predict(figureTensor(row.x, row.layer === 'embedding' ? 'int32' : 'float32'))
      expectClose(y, row.y, { tolerance: 2e-6 })
    })
  })
})

describe('batch normalization computes what Keras computes', () => {
  figures.batchNorm.forEach((row, i) => {
    test(`${i}: two steps of training of shape [${row.xs[0]!.shape}], then inference`, async () => {
      const net = sequential([
        layers.batchNormalization({ ...row.options, name: 'bn', inputShape: row.xs[0]!.shape.slice(1) }),
      ])
      let state = Object.fromEntries(Object.entries(row.start).map(([name, t]) => [`bn/${name}`, figureTensor(t)]))
      for (const [s, step] of row.steps.entries()) {
        const out = await evaluate({ x: figureTensor(row.xs[s]!), ...state }, values => {
          const traced = trace(net.network, { training: true, inputs: [values.x!], weights: path => values[path]! })
          const y = traced.outputs[0]!
          const loss = ops.reduceSum(ops.mul(y, ops.mul(y, y)), { keepdims: 0 })
          const updates = [...traced.updates].map(([path, value]) => [`next ${path}`, value] as const)
          return { y, gradient: gradients(loss, [values.x!])[0]!, ...Object.fromEntries(updates) }
        })
        expectClose(out.y!, step.y, { tolerance: 2e-6, what: 'y' })
        expectClose(out.gradient!, step.gradient, { tolerance: 5e-5, what: 'gradient' })
        expectClose(out['next bn/moving_mean']!, step.mean, { tolerance: 1e-6, what: 'mean' })
        expectClose(out['next bn/moving_variance']!, step.variance, { tolerance: 1e-6, what: 'variance' })
        state = {
          ...state,
          'bn/moving_mean': out['next bn/moving_mean']!,
          'bn/moving_variance': out['next bn/moving_variance']!,
        }
      }
      net.setWeights(state)
      expectClose(await net.predict(figureTensor(row.xs[0]!)), row.inference, { tolerance: 2e-6 })
    })
  })

  test('a layer that is not trainable uses and keeps its stored statistics in training', async () => {
    const net = sequential([
      layers.batchNormalization({ inputShape: [2], trainable: false }),
      layers.dense({ units: 1 }),
    ])
    net.compile({ loss: 'mse', optimizer: 'sgd' })
    const before = await net.weights()
    await net.fit(
      [
        [5, 7],
        [6, 9],
        [5, 5],
      ],
      [1, 2, 3],
      { verbose: 0 },
    )
    const after = await net.weights()
    for (const name of ['gamma', 'beta', 'moving_mean', 'moving_variance'])
      expect(after[`batch_normalization/${name}`], name).toEqual(before[`batch_normalization/${name}`])
    expect(after['dense/kernel']).not.toEqual(before['dense/kernel'])
  })
})

// The contract, for every layer.
testLayer(() => layers.dense({ units: 3, activation: 'relu' }), [4])
testLayer(() => layers.dense({ units: 3 }), [2, 4])
testLayer(() => layers.conv1d({ filters: 2, kernelSize: 3, padding: 'same' }), [2, 6])
testLayer(() => layers.conv2d({ filters: 2, kernelSize: 3 }), [3, 5, 5])
testLayer(() => layers.conv3d({ filters: 2, kernelSize: 2 }), [1, 3, 3, 3])
testLayer(() => layers.depthwiseConv1d({ kernelSize: 2 }), [2, 4])
testLayer(() => layers.depthwiseConv2d({ kernelSize: 2, depthMultiplier: 2 }), [2, 4, 4])
testLayer(() => layers.separableConv1d({ filters: 2, kernelSize: 2 }), [2, 4])
testLayer(() => layers.separableConv2d({ filters: 2, kernelSize: 2 }), [2, 4, 4])
testLayer(() => layers.maxPooling1d(), [2, 6])
testLayer(() => layers.maxPooling2d(), [2, 4, 4])
testLayer(() => layers.maxPooling3d(), [1, 4, 4, 4])
testLayer(() => layers.averagePooling1d(), [2, 6])
testLayer(() => layers.averagePooling2d({ padding: 'same' }), [2, 5, 5])
testLayer(() => layers.averagePooling3d(), [1, 4, 4, 4])
testLayer(() => layers.globalAveragePooling1d(), [2, 6])
testLayer(() => layers.globalAveragePooling2d(), [2, 4, 4])
testLayer(() => layers.globalMaxPooling2d({ keepdims: true }), [2, 4, 4])
testLayer(() => layers.batchNormalization(), [3])
testLayer(() => layers.batchNormalization({ axis: -1 }), [4, 3])
testLayer(() => layers.layerNormalization(), [4])
testLayer(() => layers.dropout({ rate: 0.4 }), [8])
testLayer(() => layers.dropout({ rate: 0.3, noiseShape: [null, 1, null], seed: 3 }), [5, 4])
testLayer(() => layers.spatialDropout1d({ rate: 0.4 }), [3, 8])
testLayer(() => layers.spatialDropout1d({ rate: 0.4, dataFormat: 'channelsFirst' }), [8, 3])
testLayer(() => layers.spatialDropout2d({ rate: 0.4 }), [8, 2, 3])
testLayer(() => layers.spatialDropout3d({ rate: 0.4 }), [8, 2, 1, 2])
testLayer(() => layers.gaussianDropout({ rate: 0.4 }), [5])
testLayer(() => layers.alphaDropout({ rate: 0.4 }), [8])
testLayer(() => layers.gaussianNoise({ stddev: 0.4 }), [3, 3])
testLayer(() => layers.activityRegularization({ l1: 0.1, l2: 0.2 }), [3])
testLayer(() => layers.dropPath({ rate: 0.3 }), [3])
testLayer(() => layers.dropPath({ rate: 0.3, scaleByKeep: false }), [3, 2])
testLayer(() => layers.dropBlock({ rate: 0.3, blockSize: 2 }), [2, 5, 5])
testLayer(() => layers.dropBlock({ rate: 0.3, blockSize: 3, perChannel: false }), [2, 9])
testLayer(() => layers.dropConnect({ layer: layers.dense({ units: 3 }), rate: 0.3 }), [4])
testLayer(() => layers.dropConnect({ layer: layers.conv2d({ filters: 2, kernelSize: 3 }), rate: 0.3 }), [3, 5, 5])
testLayer(() => layers.spectralNormalization({ layer: layers.dense({ units: 3, name: 'inner' }) }), [4])
testLayer(
  () =>
    layers.spectralNormalization({
      layer: layers.dropConnect({ layer: layers.conv1d({ filters: 2, kernelSize: 3 }), rate: 0.2 }),
      method: 'reparametrize',
      powerIterations: 2,
    }),
  [2, 6],
)
testLayer(() => layers.groupNormalization({ groups: 2 }), [4, 3])
testLayer(() => layers.groupNormalization({ groups: -1, axis: -1 }), [3, 4])
testLayer(() => layers.rmsNormalization(), [4])
testLayer(() => layers.rmsNormalization({ axis: [1, 2] }), [2, 3, 2])
testLayer(() => layers.unitNormalization(), [4])
testLayer(() => layers.flatten(), [2, 3])
testLayer(() => layers.reshape({ targetShape: [-1, 2] }), [2, 3])
testLayer(() => layers.permute({ dims: [2, 1] }), [2, 3])
testLayer(() => layers.activation({ activation: 'softmax' }), [4])
testLayer(() => layers.rescaling({ scale: 0.5, offset: 1 }), [4])
testLayer(() => layers.zeroPadding1d(), [2, 3])
testLayer(() => layers.zeroPadding2d({ padding: [1, [0, 2]] }), [1, 2, 3])
testLayer(() => layers.embedding({ inputDim: 2, outputDim: 3 }), [4], { dtype: 'int32' })

describe('layers refuse', () => {
  const build = (name: string, options: Record<string, unknown>, inputShape: number[]) => () =>
    sequential([make(name, { ...options, inputShape })])
  test.each<[string, Record<string, unknown>, number[], string]>([
    ['dense', { units: 0 }, [2], 'ConfigError'],
    ['dense', { units: 2.5 }, [2], 'ConfigError'],
    ['dense', {}, [2], 'ConfigError'],
    ['dense', { unit: 3, units: 3 }, [2], 'ConfigError'],
    ['dense', { units: 3, activation: 'rellu' }, [2], 'ConfigError'],
    ['dense', { units: 3, kernelRegularizer: { type: 'l2', l2: -1 } }, [2], 'ConfigError'],
    ['dense', { units: 3, name: 'a/b' }, [2], 'ConfigError'],
    ['dense', { units: 3 }, [0], 'ConfigError'],
    ['dropout', { rate: 1 }, [2], 'ConfigError'],
    ['dropout', { rate: -0.1 }, [2], 'ConfigError'],
    ['conv2d', { filters: 2, kernelSize: 3 }, [4, 4], 'ShapeError'],
    ['conv2d', { filters: 2, kernelSize: 5 }, [1, 4, 4], 'ShapeError'],
    ['conv2d', { filters: 3, kernelSize: 1, groups: 2 }, [4, 3, 3], 'ShapeError'],
    ['conv2d', { filters: 3, kernelSize: [1, 2, 3] }, [4, 3, 3], 'ConfigError'],
    ['conv2d', { filters: 3, kernelSize: 2, dataFormat: 'channelsLast' }, [4, 3, 3], 'ConfigError'],
    ['maxPooling2d', { poolSize: 5 }, [1, 4, 4], 'ShapeError'],
    ['maxPooling2d', {}, [4, 4], 'ShapeError'],
    ['reshape', { targetShape: [4] }, [2, 3], 'ShapeError'],
    ['reshape', { targetShape: [-1, -1] }, [2, 2], 'ConfigError'],
    ['reshape', { targetShape: [0] }, [2, 2], 'ConfigError'],
    ['permute', { dims: [1] }, [2, 3], 'ShapeError'],
    ['permute', { dims: [1, 1] }, [2, 3], 'ShapeError'],
    ['layerNormalization', { axis: 0 }, [3], 'ShapeError'],
    ['batchNormalization', { axis: 5 }, [3], 'ShapeError'],
    ['zeroPadding2d', { padding: -1 }, [1, 2, 2], 'ConfigError'],
  ])('%s with %j on %j: %s', (name, options, shape, family) => {
    expect(build(name, options, shape)).toThrow(expect.objectContaining({ name: family }))
  })

  test('tell all problems of their options at once', () => {
    expect(build('conv2d', { filters: -1, kernelSize: 'x', stride: 2 }, [1, 4, 4])).toThrow(
      expect.objectContaining({ code: 'bad-options', received: '3 problems' }),
    )
  })

  test('merging takes two inputs or more whose shapes fit', () => {
    const [a, b] = [input({ shape: [3] }), input({ shape: [4] })]
    expect(() => layers.add().apply(a)).toThrow(expect.objectContaining({ code: 'merge-inputs' }))
    expect(() => layers.add().apply([a, b])).toThrow(expect.objectContaining({ name: 'ShapeError' }))
    expect(() => layers.concatenate({ axis: 0 }).apply([a, a])).toThrow(expect.objectContaining({ name: 'ShapeError' }))
  })

  test('an embedding refuses numbers beyond its table when it runs', async () => {
    const net = sequential([layers.embedding({ inputDim: 3, outputDim: 2, inputShape: [1] })])
    await expect(net.predict(tensor(Int32Array.of(7), [1, 1]))).rejects.toMatchObject({ name: 'RuntimeError' })
  })
})

test('merging layers add, subtract, multiply, average, take extremes and join', async () => {
  const [a, b] = [input({ shape: [2], name: 'a' }), input({ shape: [2], name: 'b' })]
  const kinds = ['add', 'subtract', 'multiply', 'average', 'maximum', 'minimum', 'concatenate'] as const
  const net = model({ inputs: [a, b], outputs: kinds.map(kind => layers[kind]().apply([a, b])) })
  const out = await net.predict({ a: [[1, 5]], b: [[2, 3]] })
  expect(kinds.map(kind => Array.from(out[kind]!.data as Float32Array))).toEqual([
    [3, 8],
    [-1, 2],
    [2, 15],
    [1.5, 4],
    [2, 5],
    [1, 3],
    [1, 5, 2, 3],
  ])
})

describe('dropout', () => {
  const masks = async (net: ReturnType<typeof sequential>, key: number) => {
    const out = await evaluate(
      { x: tensor(new Float32Array(4000).fill(1), [4, 1000]), key: tensor(Uint32Array.of(key), []) },
      v => {
        const traced = trace(net.network, { training: true, inputs: [v.x!], key: v.key!, weights: () => v.x! })
        return Object.fromEntries(traced.layers.map((y, i) => [`y${i}`, y]))
      },
    )
    return Object.values(out).map(t => Array.from(t.data as Float32Array))
  }

  test('keeps the share it says, scaled so that the mean stays, and depends on key and layer alone', async () => {
    const net = sequential([layers.dropout({ rate: 0.3, inputShape: [1000] }), layers.dropout({ rate: 0.3 })])
    const [first, both] = await masks(net, 42)
    const kept = first!.filter(v => v !== 0)
    // 4000 draws: five standard deviations are 145.
    expect(Math.abs(kept.length - 2800)).toBeLessThan(145)
    expect(new Set(kept.map(v => v.toFixed(5)))).toEqual(new Set([(1 / 0.7).toFixed(5)]))
    // Independent in the second layer: 0.49 of all remain.
    expect(Math.abs(both!.filter(v => v !== 0).length - 1960)).toBeLessThan(160)
    expect((await masks(net, 42))[0]).toEqual(first)
    const other = (await masks(net, 43))[0]!
    const same = other.filter((v, i) => (v !== 0) === (first![i] !== 0)).length
    // Two independent masks agree on 0.7² + 0.3² = 0.58.
    expect(Math.abs(same - 2320)).toBeLessThan(160)
  })

  test('does nothing in inference', async () => {
    const net = sequential([layers.dropout({ rate: 0.9, inputShape: [3] })])
    expect(Array.from((await net.predict([[1, 2, 3]])).data as Float32Array)).toEqual([1, 2, 3])
  })
})
