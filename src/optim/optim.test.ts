import { describe, expect, test } from 'vitest'
import { layers, optimizers, sequential } from '../index.js'
import { tensor } from '../ir/index.js'
import * as ops from '../ops/index.js'
import { expectClose, type Figure, figureTensor, readFigures } from '../testing/figures.js'
import { testOptimizer } from '../testing/optimizer.js'
import { minimizer, type Objective, type Progress } from './minimizer.js'

// Made by ../nn/figures/keras.py.
interface Row {
  name: 'sgd' | 'rmsprop' | 'adam' | 'adamw'
  options: Record<string, unknown>
  trajectory: Record<string, Figure[]>
}
const { optimizers: figures } = readFigures<{ optimizers: { start: Record<string, Figure>; cases: Row[] } }>(
  new URL('../nn/figures/keras.json', import.meta.url),
)

/** Rosenbrock's valley, flattened, and a bowl whose axes differ: as in keras.py. */
const objective: Objective = ({ a, b }) => {
  const [a0, a1] = [ops.slice(a!, [0], [1], [0]), ops.slice(a!, [1], [2], [0])]
  const off = ops.sub(a1, ops.mul(a0, a0))
  const far = ops.sub(a0, 1)
  const valley = ops.add(ops.mul(far, far), ops.mul(ops.mul(off, off), 5))
  const stretch = a!.graph.constant(tensor(Float32Array.of(1, 4, 0.25, 9), [2, 2]))
  const bowl = ops.mul(ops.reduceSum(ops.mul(stretch, ops.mul(b!, b!)), { keepdims: 0 }), 0.5)
  return ops.add(ops.reduceSum(valley, { keepdims: 0 }), bowl)
}
const start = Object.fromEntries(Object.entries(figures.start).map(([path, figure]) => [path, figureTensor(figure)]))

describe('optimizers walk as in Keras, 100 steps', () => {
  test.each(figures.cases.map(row => [row.name, row.options, row] as const))('%s %j', async (name, options, row) => {
    const at = await minimizer(optimizers[name](options), start, objective)
    let now: Progress = at.begin
    for (let step = 1; step <= 100; step++) {
      now = await at.next(now)
      row.trajectory[step]?.forEach((wanted, i) => {
        expectClose(now.parameters[['a', 'b'][i]!]!, wanted, { tolerance: 1e-5, what: `step ${step}, ${'ab'[i]}` })
      })
    }
  })
})

testOptimizer(() => optimizers.sgd({ learningRate: 0.05 }))
testOptimizer(() => optimizers.sgd({ learningRate: 0.02, momentum: 0.8 }))
testOptimizer(() => optimizers.sgd({ learningRate: 0.02, momentum: 0.8, nesterov: true, weightDecay: 0.1 }))
testOptimizer(() => optimizers.rmsprop({ learningRate: 0.02 }))
testOptimizer(() => optimizers.rmsprop({ learningRate: 0.02, momentum: 0.5, centered: true }))
testOptimizer(() => optimizers.adam({ learningRate: 0.05, clipnorm: 1 }))
testOptimizer(() => optimizers.adam({ learningRate: 0.05, amsgrad: true, clipvalue: 0.5 }))
testOptimizer(() => optimizers.adamw({ learningRate: 0.05, globalClipnorm: 1 }))

describe('clipping', () => {
  const stepFrom = async (options: object) => {
    const at = await minimizer(
      optimizers.sgd({ learningRate: 1, ...options }),
      { a: tensor(Float32Array.of(0, 0), [2]), b: tensor(Float32Array.of(0), [1]) },
      ({ a, b }) => {
        const slopes = a!.graph.constant(tensor(Float32Array.of(3, -4), [2]))
        return ops.add(
          ops.reduceSum(ops.mul(a!, slopes), { keepdims: 0 }),
          ops.reduceSum(ops.mul(b!, 12), { keepdims: 0 }),
        )
      },
    )
    const { parameters } = await at.next(at.begin)
    return [...(parameters.a!.data as Float32Array), ...(parameters.b!.data as Float32Array)]
  }

  test('bounds elements, each gradient, or all together, and leaves small ones as they are', async () => {
    expect(await stepFrom({ clipvalue: 3.5 })).toEqual([-3, 3.5, -3.5])
    const near = (received: number[], wanted: number[]) =>
      wanted.forEach((w, i) => {
        expect(received[i]).toBeCloseTo(w, 5)
      })
    near(await stepFrom({ clipnorm: 2.5 }), [-1.5, 2, -2.5])
    near(await stepFrom({ globalClipnorm: 6.5 }), [-1.5, 2, -6])
    expect(await stepFrom({ globalClipnorm: 14 })).toEqual([-3, 4, -12])
  })
})

describe('optimizers refuse', () => {
  test.each<[string, Record<string, unknown>]>([
    ['adam', { learningrate: 0.1 }],
    ['adam', { learningRate: '0.1' }],
    ['adam', { learningRate: Number.NaN }],
    ['adam', { learningRate: -1 }],
    ['adam', { beta1: 1 }],
    ['adam', { beta2: 1.5 }],
    ['adam', { amsgrad: 'yes' }],
    ['adam', { epsilon: null }],
    ['sgd', { momentum: 1.1 }],
    ['sgd', { momentum: Number.POSITIVE_INFINITY }],
    ['sgd', { clipnorm: 0 }],
    ['sgd', { clipnorm: 1, clipvalue: 1 }],
    ['rmsprop', { rho: 1 }],
    ['adamw', { weightDecay: -0.1 }],
  ])('%s with %j', (name, options) => {
    expect(() => (optimizers as unknown as Record<string, (o: object) => unknown>)[name]!(options)).toThrow(
      expect.objectContaining({ name: 'ConfigError' }),
    )
  })

  test('a name that is none, with the nearest one', () => {
    const model = sequential([layers.dense({ units: 1, inputShape: [1] })])
    expect(() => model.compile({ loss: 'mse', optimizer: 'adm' as 'adam' })).toThrow(
      /unknown-optimizer.*did you mean adam/i,
    )
    expect(() => model.compile({ loss: 'mse', optimizer: 3 as unknown as 'adam' })).toThrow(
      expect.objectContaining({ code: 'unknown-optimizer' }),
    )
  })

  test('a schedule that gives no number', async () => {
    const model = sequential([layers.dense({ units: 1, inputShape: [1] })])
    model.compile({ loss: 'mse', optimizer: optimizers.sgd({ learningRate: () => Number.NaN }) })
    await expect(model.trainOnBatch([[1]], [[1]])).rejects.toMatchObject({ code: 'learning-rate' })
  })
})
