import { describe, expect, test } from 'vitest'
import { fromArrays } from '../data/index.js'
import {
  type FitOptions,
  input,
  layers,
  type Model,
  model,
  optimizers,
  sequential,
  type Tensor,
  tensor,
} from '../index.js'
import { expectClose, type Figure, figureTensor, readFigures } from '../testing/figures.js'
import type { CompileOptions } from './config.js'
import type { DataLike } from './data-like.js'
import type { SampleWeight } from './sample-weight.js'

// Made by figures/weighting.py: three epochs of batches of 4, 4 and 2 in Keras.
interface Run {
  before: Record<string, Figure>
  after: Record<string, Figure>
  history: Record<string, number[]>
  evaluate: Record<string, number>
}
type Data = Record<
  'x' | 'xTimes' | 'oneHot' | 'binary' | 'sizes' | 'sizesTimes' | 'weights' | 'others' | 'weightsTimes',
  Figure
>
const { data, ...runs } = readFigures<Record<string, Run> & { data: Data & { labels: number[] } }>(
  new URL('./figures/weighting.json', import.meta.url),
) as unknown as { data: Data & { labels: number[] } } & Record<string, Run> // one entry is the data, all others are runs
const of = (name: keyof Data): Tensor => figureTensor(data[name])
const labels = tensor(Int32Array.from(data.labels))

const one = (units: number, activation: 'softmax' | 'sigmoid' | null, inputShape = [3]): Model =>
  sequential([layers.dense({ units, ...(activation === null ? {} : { activation }), inputShape, name: 'out' })])
const two = (): Model => {
  const x = input({ shape: [3], name: 'x' })
  const kind = layers.dense({ units: 3, activation: 'softmax', name: 'kind' }).apply(x)
  return model({ inputs: x, outputs: [kind, layers.dense({ units: 1, name: 'size' }).apply(x)] })
}

const accuracy = { metrics: ['accuracy'], weightedMetrics: ['accuracy'] } as const
const times: CompileOptions = { loss: 'mse', weightedMetrics: ['mae'] }
const both: CompileOptions = {
  loss: { kind: 'sparseCategoricalCrossentropy', size: 'mse' },
  lossWeights: { kind: 1, size: 0.5 },
  weightedMetrics: { kind: ['accuracy'], size: ['mae'] },
}
const targets = { kind: labels, size: of('sizes') }
const x = of('x')
type Case = [string, Model, DataLike, DataLike, CompileOptions, FitOptions]
const head = (t: Tensor): Tensor => ({
  ...t,
  shape: [5, ...t.shape.slice(1)],
  data: (t.data as Float32Array).slice(0, (t.data.length / t.shape[0]!) * 5),
})

const cases: Case[] = [
  [
    'sparse',
    one(3, 'softmax'),
    x,
    labels,
    { loss: 'sparseCategoricalCrossentropy', ...accuracy },
    { sampleWeight: of('weights'), validationData: [head(x), head(labels), head(of('others'))] },
  ],
  [
    'sparseClasses',
    one(3, 'softmax'),
    x,
    labels,
    { loss: 'sparseCategoricalCrossentropy', ...accuracy },
    { classWeight: { 0: 2.5, 1: 0.25 } },
  ],
  [
    'oneHotClasses',
    one(3, 'softmax'),
    x,
    of('oneHot'),
    { loss: 'categoricalCrossentropy', ...accuracy },
    { classWeight: { 0: 2.5, 2: 0 } },
  ],
  [
    'binaryClasses',
    one(1, 'sigmoid'),
    x,
    of('binary'),
    { loss: 'binaryCrossentropy', ...accuracy },
    { classWeight: { 0: 0.5, 1: 3 } },
  ],
  [
    'binaryColumn',
    one(1, 'sigmoid'),
    x,
    { ...of('binary'), shape: [10, 1] },
    { loss: 'binaryCrossentropy', ...accuracy },
    { classWeight: { 1: 4 } },
  ],
  ['times', one(1, null, [2, 3]), of('xTimes'), of('sizesTimes'), times, { sampleWeight: of('weightsTimes') }],
  ['timesByExample', one(1, null, [2, 3]), of('xTimes'), of('sizesTimes'), times, { sampleWeight: of('weights') }],
  ['bothShared', two(), x, targets, both, { sampleWeight: of('weights') }],
  ['bothOwn', two(), x, targets, both, { sampleWeight: { kind: of('weights'), size: of('others') } }],
]

describe('weights of examples and classes are in losses, gradients and weighted metrics as in Keras', () => {
  test.each(cases)('%s', async (name, net, xs, ys, compile, options) => {
    const wanted = runs[name]!
    net.setWeights(
      Object.fromEntries(Object.entries(wanted.before).map(([path, figure]) => [path, figureTensor(figure)])),
    )
    net.compile({ ...compile, optimizer: optimizers.sgd({ learningRate: 0.3 }) })
    const { history } = await net.fit(xs, ys, { epochs: 3, batchSize: 4, shuffle: false, verbose: 0, ...options })
    const keys = Object.keys(wanted.history).filter(key => key !== 'auc')
    expect(Object.keys(history).sort()).toEqual(keys.sort())
    for (const key of keys)
      history[key]!.forEach((value, i) => {
        expectClose(value, wanted.history[key]![i]!, { tolerance: 2e-5, what: `${key}, epoch ${i}` })
      })
    for (const [path, figure] of Object.entries(wanted.after))
      expectClose((await net.weights())[path]!, figure, { tolerance: 5e-5, what: path })
    const { sampleWeight } = options
    const logs = await net.evaluate(xs, ys, { batchSize: 4, ...(sampleWeight === undefined ? {} : { sampleWeight }) })
    for (const [key, value] of Object.entries(wanted.evaluate))
      if (key !== 'auc') expectClose(logs[key]!, value, { tolerance: 5e-5, what: `evaluate ${key}` })
  })
})

describe('class weights', () => {
  const trained = async (options: FitOptions) => {
    const net = two()
    net.compile({ ...both, optimizer: optimizers.sgd({ learningRate: 0.1 }) })
    await net.fit(x, targets, { batchSize: 4, verbose: 0, ...options })
    return net.weights()
  }
  test('of one of several outputs are the same as weights of its examples', async () => {
    const classWeight = { kind: { 0: 2, 2: 0.5 } }
    const kind = Float32Array.from(data.labels, label => [2, 1, 0.5][label]!)
    expect(await trained({ classWeight })).toEqual(await trained({ sampleWeight: { kind } }))
    const others = { size: of('others') }
    expect(await trained({ classWeight, sampleWeight: others })).toEqual(
      await trained({ sampleWeight: { kind, ...others } }),
    )
  })

  test('for several outputs are refused unless they say which, or which is none', async () => {
    await expect(trained({ classWeight: { 0: 2 } })).rejects.toMatchObject({ code: 'class-weight', hint: /kind/ })
    await expect(trained({ classWeight: { king: { 0: 2 } } })).rejects.toMatchObject({ code: 'unknown-output' })
    await expect(trained({ classWeight: { kind: { 0: -2 } } })).rejects.toMatchObject({
      where: 'fit.classWeight.kind.0',
    })
  })

  test('take labels that are not quite whole for the class they are near', async () => {
    const run = async (ys: Float32Array) => {
      const net = one(1, 'sigmoid')
      net.compile({ loss: 'binaryCrossentropy', optimizer: optimizers.sgd({ learningRate: 0 }) })
      return (await net.fit(x, ys, { verbose: 0, classWeight: { 1: 5 } })).history.loss![0]!
    }
    const ys = of('binary').data as Float32Array
    expectClose(await run(ys.map(label => label * 0.99999)), await run(ys), { tolerance: 1e-3 })
  })
})

describe('sample weights', () => {
  test('reach training through data sets and pairs of validation data, by output', async () => {
    const weights = { kind: of('weights'), size: of('others') }
    const train = async (source: object, validationData: FitOptions['validationData']) => {
      const net = two()
      net.compile({ ...both, optimizer: optimizers.sgd({ learningRate: 0.1 }) })
      const options = { batchSize: 4, shuffle: false, verbose: 0 as const, validationData: validationData! }
      return [(await net.fit(source as never, options)).history, await net.weights()]
    }
    const arrays = { x, y: targets, sampleWeight: weights }
    const wanted = await train(arrays, [x, targets, weights])
    expect(await train(fromArrays(arrays), arrays)).toEqual(wanted)
  })

  test.each<[string, SampleWeight, object]>([
    ['of an output that is none', { king: of('weights') }, { code: 'unknown-data', received: 'king' }],
    ['of another number', new Float32Array(9), { code: 'example-count' }],
    ['with an axis the output does not have', of('weightsTimes'), { code: 'sample-weight' }],
    ['that are none', 'many' as never, { name: 'DataError' }],
  ])('%s are refused', async (_, sampleWeight, error) => {
    const net = two()
    net.compile(both)
    await expect(net.fit(x, targets, { sampleWeight, verbose: 0 })).rejects.toMatchObject(error)
  })
})
