import { describe, expect, test } from 'vitest'
import { gradients } from '../autodiff/index.js'
import { layers, losses, sequential, tensor } from '../index.js'
import * as ops from '../ops/index.js'
import { evaluate, expectClose, type Figure, figureTensor, readFigures } from '../testing/figures.js'
import { lossTable, meanLoss, resolveLoss } from './losses.js'

// Made by figures/keras.py.
interface Row {
  type: string
  options: Record<string, unknown>
  yTrue: Figure
  yPred: Figure
  plain: { value: number; gradient: Figure }
  weighted: { value: number; gradient: Figure }
}
const { losses: figures } = readFigures<{ losses: { weights: Figure; cases: Row[] } }>(
  new URL('./figures/keras.json', import.meta.url),
)
const sparse = (type: string) => type.startsWith('sparse')

async function run(row: Row, weights: Figure | null) {
  const loss = resolveLoss({ type: row.type, ...row.options })
  const feeds = {
    y: figureTensor(row.yTrue, sparse(row.type) ? 'int32' : 'float32'),
    p: figureTensor(row.yPred),
    ...(weights === null ? {} : { w: figureTensor(weights) }),
  }
  return evaluate(feeds, ({ y, p, w }) => {
    const value = meanLoss(loss, y!, p!, w ?? null)
    return { value, gradient: gradients(value, [p!])[0]! }
  })
}

describe('losses are those of Keras', () => {
  test('every loss has figures', () => {
    expect(new Set(figures.cases.map(row => row.type))).toEqual(new Set(Object.keys(lossTable)))
  })

  figures.cases.forEach((row, i) => {
    test(`${i}: ${row.type} ${JSON.stringify(row.options)}: value and gradient, with and without weights`, async () => {
      for (const [name, weights] of [
        ['plain', null],
        ['weighted', figures.weights],
      ] as const) {
        const { value, gradient } = await run(row, weights)
        expectClose(value!, row[name].value, { what: name, tolerance: 2e-6, floor: 0.1 })
        expectClose(gradient!, row[name].gradient, { what: `${name} gradient`, tolerance: 2e-5, floor: 0.05 })
      }
    })
  })
})

// Made by figures/regularization.py: Keras has no label smoothing for class numbers.
interface Smoothing {
  logits: Figure
  classes: Figure
  cases: { options: { labelSmoothing: number; ignoreClass?: number }; value: number; gradient: Figure }[]
}
const { smoothing } = readFigures<{ smoothing: Smoothing }>(new URL('./figures/regularization.json', import.meta.url))

describe("label smoothing of class numbers is PyTorch's", () => {
  test.each(smoothing.cases.map(row => [row.options, row] as const))('%j', async (options, row) => {
    const feeds = { y: figureTensor(smoothing.classes, 'int32'), x: figureTensor(smoothing.logits) }
    const loss = resolveLoss(losses.sparseCategoricalCrossentropy({ ...options, fromLogits: true }))
    const through = resolveLoss(losses.sparseCategoricalCrossentropy(options))
    const out = await evaluate(feeds, ({ y, x }) => {
      const value = meanLoss(loss, y!, x!, null)
      return { value, gradient: gradients(value, [x!])[0]!, soft: meanLoss(through, y!, ops.softmax(x!), null) }
    })
    expectClose(out.value!, row.value, { tolerance: 2e-6 })
    expectClose(out.soft!, row.value, { tolerance: 2e-6 })
    expectClose(out.gradient!, row.gradient, { tolerance: 2e-6 })
  })

  test('and that of one-hot targets of the same classes', async () => {
    const onehot = Float32Array.from({ length: 20 }, (_, i) => (smoothing.classes.data[i >> 2] === i % 4 ? 1 : 0))
    const out = await evaluate({ y: tensor(onehot, [5, 4]), x: figureTensor(smoothing.logits) }, ({ y, x }) => ({
      value: meanLoss(
        resolveLoss(losses.categoricalCrossentropy({ labelSmoothing: 0.1, fromLogits: true })),
        y!,
        x!,
        null,
      ),
    }))
    expectClose(out.value!, smoothing.cases[0]!.value, { tolerance: 2e-6 })
  })
})

describe('losses', () => {
  test('stay finite and exact for the largest logits, through a softmax too', async () => {
    const out = await evaluate(
      { y: tensor(Int32Array.of(0, 1), [2]), x: tensor(Float32Array.of(1000, -1000, 1000, -1000), [2, 2]) },
      ({ y, x }) => {
        const soft = meanLoss(resolveLoss('sparseCategoricalCrossentropy'), y!, ops.softmax(x!), null)
        const raw = meanLoss(resolveLoss(losses.sparseCategoricalCrossentropy({ fromLogits: true })), y!, x!, null)
        const one = ops.slice(x!, [0], [1], [1])
        const binary = meanLoss(resolveLoss('binaryCrossentropy'), ops.unsqueeze(y!, [-1]), ops.sigmoid(one), null)
        return { soft, raw, binary, gradient: gradients(soft, [x!])[0]! }
      },
    )
    expect([out.soft!.data[0], out.raw!.data[0], out.binary!.data[0]]).toEqual([1000, 1000, 500])
    expect(Array.from(out.gradient!.data as Float32Array)).toEqual([0, 0, 0.5, -0.5])
  })

  test('take class numbers of shape [batch, 1], floats and int64', async () => {
    const x = tensor(Float32Array.of(0.2, 0.8, 0.6, 0.4), [2, 2])
    const kinds = [
      tensor(Int32Array.of(1, 0), [2]),
      tensor(Int32Array.of(1, 0), [2, 1]),
      tensor(Float32Array.of(1, 0), [2]),
      tensor(BigInt64Array.of(1n, 0n), [2]),
    ]
    for (const y of kinds) {
      const { loss } = await evaluate({ y, x }, v => ({
        loss: meanLoss(resolveLoss('sparseCategoricalCrossentropy'), v.y!, v.x!, null),
      }))
      expectClose(loss!, -(Math.log(0.8) + Math.log(0.6)) / 2)
    }
  })

  test('answer to short names', () => {
    for (const [short, long] of [
      ['mse', 'meanSquaredError'],
      ['mae', 'meanAbsoluteError'],
      ['mape', 'meanAbsolutePercentageError'],
      ['msle', 'meanSquaredLogarithmicError'],
      ['kld', 'klDivergence'],
    ])
      expect(resolveLoss(short!).type).toBe(long)
  })

  test('refuse unknown names and options with the nearest one', () => {
    const model = () => sequential([layers.dense({ units: 1, inputShape: [1] })])
    expect(() => model().compile({ loss: 'meanSquareError' })).toThrow(/unknown-loss.*did you mean meanSquaredError/i)
    expect(() => model().compile({ loss: { type: 'huber', detla: 2 } })).toThrow(/unknown-option.*delta/i)
    expect(() => model().compile({ loss: losses.huber({ delta: -1 }) })).toThrow(/bad-option.*losses.huber.delta/)
    expect(() => model().compile({ loss: losses.binaryCrossentropy({ labelSmoothing: 1.5 }) })).toThrow(
      /labelSmoothing/,
    )
    expect(() => model().compile({ loss: null as unknown as string })).toThrow(/missing-option/)
  })

  test('refuse targets of another shape', async () => {
    const model = sequential([layers.dense({ units: 3, inputShape: [2] })])
    model.compile({ loss: 'mse' })
    await expect(model.trainOnBatch([[1, 2]], tensor(Float32Array.of(1, 2), [1, 2]))).rejects.toMatchObject({
      name: 'ShapeError',
      code: 'target-shape',
    })
    model.compile({ loss: 'sparseCategoricalCrossentropy' })
    await expect(model.trainOnBatch([[1, 2]], [[0, 1, 0]])).rejects.toMatchObject({ name: 'ShapeError' })
  })
})
