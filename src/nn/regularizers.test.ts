import { describe, expect, test } from 'vitest'
import { gradients } from '../autodiff/index.js'
import { layers, regularizers, sequential, tensor } from '../index.js'
import type { Value } from '../ir/index.js'
import * as ops from '../ops/index.js'
import { evaluate, expectClose, type Figure, figureTensor, readFigures } from '../testing/figures.js'
import { penalty, regularizerTable } from './regularizers.js'

// Made by figures/keras.py.
interface Row {
  type: string
  options: Record<string, unknown>
  value: number
  gradient: Figure
}
const { regularizers: figures } = readFigures<{ regularizers: { w: Figure; cases: Row[] } }>(
  new URL('./figures/keras.json', import.meta.url),
)

describe('penalties are those of Keras', () => {
  test('every regularizer has figures', () => {
    expect(new Set(figures.cases.map(row => row.type))).toEqual(new Set(Object.keys(regularizerTable)))
  })
  test.each(figures.cases.map(row => [row.type, row.options, row] as const))('%s %j', async (type, options, row) => {
    const out = await evaluate({ w: figureTensor(figures.w) }, ({ w }) => {
      const value = penalty({ type, ...options }, w!)
      return { value, gradient: gradients(value, [w!])[0]! }
    })
    expectClose(out.value!, row.value, { tolerance: 1e-6 })
    expectClose(out.gradient!, row.gradient, { tolerance: 1e-6 })
  })
})

describe('regularizers', () => {
  const x = [[1, 2]]
  const zero = [[0]]
  const lossOf = async (options: object, compile: object = {}) => {
    const model = sequential([layers.dense({ units: 1, inputShape: [2], kernelInitializer: 'ones', ...options })])
    model.compile({ loss: 'mse', optimizer: 'sgd', ...compile })
    return (await model.evaluate(x, zero)).loss!
  }

  test('add to the loss in evaluation as in training, from kernel, bias and output', async () => {
    expect(await lossOf({})).toBe(9)
    expect(await lossOf({ kernelRegularizer: regularizers.l2(0.5) })).toBeCloseTo(10)
    expect(await lossOf({ kernelRegularizer: { type: 'l1', l1: 0.25 } })).toBeCloseTo(9.5)
    expect(await lossOf({ biasRegularizer: 'l2', biasInitializer: 'ones' })).toBeCloseTo(16.01)
    expect(await lossOf({ activityRegularizer: regularizers.l1({ l1: 0.1 }) })).toBeCloseTo(9.3)
    expect(await lossOf({ kernelRegularizer: (w: Value) => ops.reduceMax(w, { keepdims: 0 }) })).toBeCloseTo(10)
  })

  test("a penalty of one's own goes wherever one of anneal's does", async () => {
    const largest = (v: Value): Value => ops.reduceMax(ops.abs(v), { keepdims: 0 })
    expect(await lossOf({ biasRegularizer: largest, biasInitializer: 'ones' })).toBeCloseTo(17)
    // An output of 3, for one example.
    expect(await lossOf({ activityRegularizer: largest })).toBeCloseTo(12)
    expect(await lossOf({}, { kernelRegularizer: largest })).toBeCloseTo(10)
    expect(await lossOf({ kernelRegularizer: (w: Value) => ops.reduceSum(w) })).toBeCloseTo(11)
    await expect(lossOf({ kernelRegularizer: (w: Value) => ops.abs(w) })).rejects.toMatchObject({
      name: 'ShapeError',
      code: 'penalty-shape',
    })
    await expect(lossOf({ activityRegularizer: () => 3 })).rejects.toMatchObject({ code: 'not-a-value' })
  })

  test('a penalty on the output is divided by the number of examples', async () => {
    const model = sequential([
      layers.conv1d({
        filters: 1,
        kernelSize: 1,
        inputShape: [1, 3],
        kernelInitializer: 'ones',
        activityRegularizer: 'l2',
      }),
    ])
    model.compile({ loss: (_, y) => ops.mul(ops.reduceMean(y, [1, 2], { keepdims: 0 }), 0), optimizer: 'sgd' })
    // 0.01 · (6 · 2²) / 2
    expect((await model.evaluate(tensor(new Float32Array(6).fill(2), [2, 1, 3]), [[0], [0]])).loss).toBeCloseTo(0.12)
  })

  test("compile's kernelRegularizer penalizes every kernel without one of its own, and nothing else", async () => {
    expect(await lossOf({}, { kernelRegularizer: regularizers.l2(0.5) })).toBeCloseTo(10)
    expect(await lossOf({}, { kernelRegularizer: 'l2' })).toBeCloseTo(9.02)
    expect(await lossOf({ kernelRegularizer: regularizers.l1(1) }, { kernelRegularizer: 'l2' })).toBeCloseTo(11)
    expect(await lossOf({ biasInitializer: 'ones' }, { kernelRegularizer: regularizers.l2(0.5) })).toBeCloseTo(17)
    const frozen = { trainable: false }
    expect(await lossOf(frozen, { kernelRegularizer: regularizers.l2(0.5) })).toBeCloseTo(9)
  })

  test('a penalized weight is pulled to zero by the penalty alone', async () => {
    const model = sequential([
      layers.dense({ units: 1, inputShape: [1], kernelInitializer: 'ones', kernelRegularizer: regularizers.l2(1) }),
    ])
    model.compile({ loss: (_, y) => ops.mul(y, 0), optimizer: 'sgd' })
    await model.trainOnBatch([[0]], [[0]])
    // w ← w − 0.01 · 2w
    expect((await model.weights())['dense/kernel']!.data[0]).toBeCloseTo(0.98)
  })

  test('refuse bad strengths, unknown names and weights they are not for', async () => {
    const compile = (kernelRegularizer: unknown) => () =>
      sequential([layers.dense({ units: 1, inputShape: [2] })]).compile({
        loss: 'mse',
        kernelRegularizer: kernelRegularizer as 'l2',
      })
    expect(compile('l3')).toThrow(expect.objectContaining({ name: 'ConfigError' }))
    expect(compile({ type: 'l2', l2: -1 })).toThrow(expect.objectContaining({ name: 'ConfigError' }))
    expect(compile({ type: 'l2', l1: 1 })).toThrow(expect.objectContaining({ name: 'ConfigError' }))
    expect(compile(0.01)).toThrow(expect.objectContaining({ name: 'ConfigError' }))
    expect(() => layers.dense({ units: 1, kernelRegularizer: regularizers.l1(Number.NaN) })).toThrow(
      expect.objectContaining({ name: 'ConfigError' }),
    )
    const model = sequential([
      layers.conv1d({ filters: 1, kernelSize: 1, inputShape: [1, 2], kernelRegularizer: regularizers.orthogonal() }),
    ])
    model.compile({ loss: 'mse' })
    await expect(model.trainOnBatch(tensor([1, 2], [1, 1, 2]), tensor([1, 2], [1, 1, 2]))).rejects.toMatchObject({
      name: 'ShapeError',
    })
  })
})
