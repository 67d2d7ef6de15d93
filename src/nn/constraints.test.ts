import { describe, expect, test } from 'vitest'
import { constraints, layers, sequential } from '../index.js'
import type { Value } from '../ir/index.js'
import * as ops from '../ops/index.js'
import { evaluate, expectClose, type Figure, figureTensor, readFigures } from '../testing/figures.js'
import { constrain, constraintTable } from './constraints.js'

// Made by figures/keras.py.
interface Row {
  type: string
  options: Record<string, unknown>
  value: Figure
}
const { constraints: figures } = readFigures<{ constraints: { w: Figure; cases: Row[] } }>(
  new URL('./figures/keras.json', import.meta.url),
)

describe('constraints are those of Keras', () => {
  test('every constraint has figures', () => {
    expect(new Set(figures.cases.map(row => row.type))).toEqual(new Set(Object.keys(constraintTable)))
  })
  test.each(figures.cases.map(row => [row.type, row.options, row] as const))('%s %j', async (type, options, row) => {
    const out = await evaluate({ w: figureTensor(figures.w) }, ({ w }) => ({
      value: constrain({ type, ...options }, w!),
    }))
    expectClose(out.value!, row.value, { tolerance: 1e-6 })
  })
})

// Made by figures/regularization.py.
const { constraints: kernels } = readFigures<{ constraints: { w: Figure; cases: Row[] } }>(
  new URL('./figures/regularization.json', import.meta.url),
)

describe("constraints of a convolution's kernel are those of Keras, filters first", () => {
  test.each(kernels.cases.map(row => [row.type, row.options, row] as const))('%s %j', async (type, options, row) => {
    const out = await evaluate({ w: figureTensor(kernels.w) }, ({ w }) => ({
      value: constrain({ type, ...options }, w!),
    }))
    expectClose(out.value!, row.value, { tolerance: 1e-6 })
  })
})

test("a constraint of one's own is a function of the weight, and must keep its shape", async () => {
  const build = (kernelConstraint: (w: Value) => Value) => {
    const model = sequential([layers.dense({ units: 2, inputShape: [2], kernelConstraint })])
    model.compile({ loss: 'mse', optimizer: 'sgd' })
    return model
  }
  const clipped = build(w => ops.clip(w, -0.1, 0.1))
  await clipped.trainOnBatch([[1, 2]], [[3, 4]])
  const kernel = Array.from((await clipped.weights())['dense/kernel']!.data as Float32Array)
  expect(Math.max(...kernel.map(Math.abs))).toBeLessThanOrEqual(Math.fround(0.1))
  await expect(build(w => ops.reduceSum(w, [0])).trainOnBatch([[1, 2]], [[3, 4]])).rejects.toMatchObject({
    name: 'ShapeError',
    code: 'constraint-shape',
  })
  await expect(build(() => 0 as unknown as Value).trainOnBatch([[1, 2]], [[3, 4]])).rejects.toMatchObject({
    code: 'not-a-value',
  })
})

test('constraints hold after every update', async () => {
  const model = sequential([
    layers.dense({
      units: 3,
      inputShape: [2],
      kernelConstraint: constraints.maxNorm({ maxValue: 0.5 }),
      biasConstraint: 'nonNeg',
    }),
  ])
  model.compile({ loss: 'mse', optimizer: 'sgd' })
  const x = Array.from({ length: 24 }, (_, i) => [Math.sin(i), Math.cos(3 * i)])
  const y = Array.from({ length: 24 }, (_, i) => [5 * Math.sin(i), -9, 4])
  await model.fit(x, y, { epochs: 3, batchSize: 4, verbose: 0 })
  const weights = await model.weights()
  const kernel = weights['dense/kernel']!.data as Float32Array
  const norms = [0, 1, 2].map(unit => Math.hypot(kernel[unit]!, kernel[3 + unit]!))
  for (const norm of norms) expect(norm).toBeLessThanOrEqual(0.5 + 1e-6)
  expect(Math.max(...norms)).toBeCloseTo(0.5, 4)
  const bias = Array.from(weights['dense/bias']!.data as Float32Array)
  expect(Math.min(...bias)).toBe(0)
  expect(bias[2]).toBeGreaterThan(0)
})

test('constraints refuse bad options', () => {
  for (const kernelConstraint of [
    'maxnorm',
    { type: 'maxNorm', maxValue: 0 },
    { type: 'maxNorm', max: 1 },
    3,
    constraints.minMaxNorm({ minValue: 2 }),
  ])
    expect(() => layers.dense({ units: 1, kernelConstraint: kernelConstraint as 'nonNeg' })).toThrow(
      expect.objectContaining({ name: 'ConfigError' }),
    )
})
