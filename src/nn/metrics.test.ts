import { describe, expect, test } from 'vitest'
import { layers, metrics, sequential, tensor } from '../index.js'
import { expectClose, type Figure, figureTensor, readFigures } from '../testing/figures.js'

// Made by figures/keras.py; areas under curves, R² and the confusion matrix are scikit-learn's.
interface Row {
  data: 'sparse' | 'onehot' | 'binary' | 'regression'
  type: string
  options: Record<string, unknown>
  plain: number | number[][]
  weighted: number | number[][]
}
const { metrics: figures } = readFigures<{
  metrics: { cut: number; weights: Figure; data: Record<string, { yTrue: Figure; yPred: Figure }>; cases: Row[] }
}>(new URL('./figures/keras.json', import.meta.url))

/** A model that predicts what it is given. */
const echo = (width: number) => sequential([layers.activation({ activation: 'linear', inputShape: [width] })])
const lossFor = { sparse: 'sparseCategoricalCrossentropy', onehot: 'mse', binary: 'mse', regression: 'mse' }

describe('metrics over an epoch of two batches are those of Keras, without and with sample weights', () => {
  figures.cases.forEach((row, i) => {
    test(`${i}: ${row.type} of ${row.data} ${JSON.stringify(row.options)}`, async () => {
      const { yTrue, yPred } = figures.data[row.data]!
      const model = echo(yPred.shape[1]!)
      const spec = { type: row.type, ...row.options }
      model.compile({
        loss: lossFor[row.data],
        metrics: [{ ...spec, name: 'plain' }],
        weightedMetrics: [{ ...spec, name: 'weighted' }],
      })
      const results = await model.report(
        {
          x: figureTensor(yPred),
          y: figureTensor(yTrue, row.data === 'sparse' ? 'int32' : 'float32'),
          sampleWeight: figureTensor(figures.weights),
        },
        { batchSize: figures.cut },
      )
      for (const name of ['plain', 'weighted'] as const) {
        const wanted = row[name]
        if (typeof wanted === 'number')
          expectClose(results[name] as number, wanted, { what: name, tolerance: 2e-6, floor: 0.1 })
        else
          (results[name] as number[][]).forEach((line, r) => {
            line.forEach((x, c) => {
              expectClose(x, wanted[r]![c]!, { what: `${name}[${r}][${c}]` })
            })
          })
      }
    })
  })
})

describe('metrics', () => {
  const evaluateEcho = async (yPred: number[][], y: number[] | number[][], options: object, batchSize = 2) => {
    const model = echo(yPred[0]!.length)
    model.compile({ loss: 'mse', ...options })
    return model.evaluate(yPred, y, { batchSize })
  }

  test('are the same however the epoch is cut into batches', async () => {
    const { yTrue, yPred } = figures.data.onehot!
    const all = ['accuracy', 'auc', 'f1Score', 'precision', 'r2Score', 'topKCategoricalAccuracy', 'mae']
    const model = echo(5)
    model.compile({ loss: 'categoricalCrossentropy', metrics: all })
    const whole = await model.evaluate(figureTensor(yPred), figureTensor(yTrue), { batchSize: 20 })
    for (const batchSize of [1, 3, 7]) {
      const parts = await model.evaluate(figureTensor(yPred), figureTensor(yTrue), { batchSize })
      for (const name of [...all, 'loss']) expectClose(parts[name]!, whole[name]!, { what: name, tolerance: 1e-6 })
    }
  })

  test("'accuracy' is the one that fits loss and predictions", async () => {
    const two = [
      [0.9, 0.2],
      [0.3, 0.4],
    ]
    const logs = await evaluateEcho(two, [0, 0], { loss: 'sparseCategoricalCrossentropy', metrics: ['accuracy'] })
    expect(logs.accuracy).toBe(0.5)
    const hot = [
      [1, 0],
      [0, 1],
    ]
    expect((await evaluateEcho(two, hot, { loss: 'categoricalCrossentropy', metrics: ['acc'] })).acc).toBe(1)
    expect((await evaluateEcho(two, hot, { loss: 'binaryCrossentropy', metrics: ['accuracy'] })).accuracy).toBe(0.75)
    expect((await evaluateEcho([[0.7], [0.4]], [1, 1], { metrics: ['accuracy'] })).accuracy).toBe(0.5)
  })

  test('a metric of its own is a function of targets and predictions', async () => {
    const logs = await evaluateEcho([[1], [2], [6]], [0, 0, 0], {
      metrics: [
        function twice(_y: unknown, p: never) {
          return p
        },
      ],
    })
    expect(logs.twice).toBe(3)
  })

  test('an area under a curve without both classes is not a number, and nothing else is spoilt', async () => {
    const logs = await evaluateEcho([[0.1], [0.9]], [1, 1], { metrics: ['auc', 'accuracy'] })
    expect(logs.auc).toBeNaN()
    expect(logs.accuracy).toBe(0.5)
  })

  test('precision, recall and F1 of nothing found are 0', async () => {
    const logs = await evaluateEcho([[0.1], [0.2]], [0, 0], { metrics: ['precision', 'recall', 'f1Score'] })
    expect([logs.precision, logs.recall, logs.f1Score]).toEqual([0, 0, 0])
  })

  test('F1 per class and the confusion matrix come with report', async () => {
    const model = echo(3)
    model.compile({
      loss: 'sparseCategoricalCrossentropy',
      metrics: [metrics.f1Score({ average: 'none' }), metrics.confusionMatrix()],
    })
    const x = [
      [1, 0, 0],
      [1, 0, 0],
      [0, 1, 0],
      [0, 0, 1],
    ]
    const report = await model.report({ x, y: tensor(Int32Array.of(0, 1, 1, 2), [4]) }, { batchSize: 3 })
    expect(report.f1Score).toEqual([2 / 3, 2 / 3, 1])
    expect(report.confusionMatrix).toEqual([
      [1, 0, 0],
      [1, 1, 0],
      [0, 0, 1],
    ])
  })

  test('R² keeps its digits for targets far from zero', async () => {
    const y = Array.from({ length: 40 }, (_, i) => 1e4 + (i % 5))
    const logs = await evaluateEcho(
      y.map(v => [v + 1]),
      y,
      { metrics: ['r2Score'] },
      7,
    )
    expectClose(logs.r2Score!, 0.5, { tolerance: 1e-4 })
  })

  test('keep apart when the same one is asked for twice, with and without weights', async () => {
    const model = echo(1)
    model.compile({ loss: 'mse', metrics: ['mae', 'mae'], weightedMetrics: ['mae'] })
    const logs = await model.evaluate([[1], [3]], [0, 0], { sampleWeight: Float32Array.of(1, 0) })
    expect(logs).toMatchObject({ mae: 2, mae_1: 2, weighted_mae: 1 })
  })

  test('refuse unknown names, options and classes', () => {
    const compile = (metric: unknown) => () => echo(3).compile({ loss: 'mse', metrics: [metric as string] })
    expect(compile('acuracy')).toThrow(/unknown-metric.*did you mean accuracy/i)
    expect(compile(metrics.auc({ curve: 'roc' as 'ROC' }))).toThrow(/bad-option.*metrics.auc.curve/)
    expect(compile({ type: 'precision', treshold: 0.5 })).toThrow(/unknown-option.*threshold/i)
    expect(compile(metrics.precision({ classId: 3 }))).toThrow(/class/)
    expect(compile(null)).toThrow(/unknown-metric/)
  })
})
