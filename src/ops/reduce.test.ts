import { describe, expect, test } from 'vitest'
import { compile, gradients, graph, numbersOf, tensor, type Value } from '../graph.js'
import * as ops from './index.js'

const reductions = {
  reduceSum: ops.reduceSum,
  reduceMean: ops.reduceMean,
  reduceMax: ops.reduceMax,
  reduceMin: ops.reduceMin,
  reduceProd: ops.reduceProd,
  reduceL1: ops.reduceL1,
  reduceL2: ops.reduceL2,
  reduceLogSum: ops.reduceLogSum,
  reduceLogSumExp: ops.reduceLogSumExp,
  reduceSumSquare: ops.reduceSumSquare,
}
type Reduce = (typeof reductions)['reduceSum']

async function gradientOf(build: (x: Value) => Value, shape: (number | string)[], data: number[], dims: number[]) {
  const g = graph()
  const x = g.input('x', 'float64', shape)
  const y = build(x)
  const [dx] = gradients(y, [x])
  const result = await (await compile(g, { outputs: { y, dx: dx! } })).run({ x: tensor(data, dims, 'float64') })
  return { y: result.y!, dx: result.dx! }
}

describe.each(Object.entries(reductions))('%s', (name, reduce: Reduce) => {
  const data = Array.from({ length: 24 }, (_, i) => 0.5 + ((i * 7) % 24) / 8)
  test.each([
    [[2], 0],
    [[2], 1],
    [[1, 2], 0],
    ...(name === 'reduceProd'
      ? []
      : ([
          [[0], 0],
          [[0, 2], 0],
          [[0, 1, 2], 0],
        ] as const)),
  ] as [number[], 0 | 1][])('gives the same for symbolic extents, over %j with keepdims %i', async (axes, keepdims) => {
    const build = (x: Value) => ops.square(reduce(x, axes, { keepdims }))
    const known = await gradientOf(build, [2, 3, 4], data, [2, 3, 4])
    const open = await gradientOf(build, ['batch', 3, 4], data, [2, 3, 4])
    expect(open.y.shape).toEqual(known.y.shape)
    expect(numbersOf(open.y)).toEqual(numbersOf(known.y))
    expect(open.dx.shape).toEqual([2, 3, 4])
    numbersOf(open.dx).forEach((d, i) => {
      expect(d).toBeCloseTo(numbersOf(known.dx)[i]!, 9)
    })
  })

  test('refuses an axis that is not there, and axes that are only known later', () => {
    const g = graph()
    const x = g.input('x', 'float32', [2, 3])
    expect(() => reduce(x, [2])).toThrow(/axis-out-of-range/)
    expect(() => reduce(x, g.input('axes', 'int64', [1]))).toThrow(/dynamic-axes/)
    expect(() => reduce(g.input('flags', 'bool', [2]))).toThrow(/dtype/)
  })
})

describe('the gradient of a product', () => {
  /** For each element the product of the others, one by one. */
  const others = (row: number[]) => row.map((_, i) => row.reduce((p, x, k) => (k === i ? p : p * x), 1))

  test.each([1, 2, 3, 4, 5, 7, 8, 13])('is the product of the others, of %i elements', async count => {
    const row = Array.from({ length: count }, (_, i) => ((i * 5) % 7) / 4 - 0.75 || 1.5)
    const { dx } = await gradientOf(x => ops.reduceProd(x), [count], row, [count])
    others(row).forEach((want, i) => {
      expect(numbersOf(dx)[i]).toBeCloseTo(want, 10)
    })
  })

  test.each([
    ['one zero', [2, 0, 3, 5, 7]],
    ['two zeros', [2, 0, 3, 0, 7]],
  ])('is exact with %s, and so is its own gradient', async (_, row) => {
    const g = graph()
    const x = g.input('x', 'float64', [5])
    const [dx] = gradients(ops.reduceProd(x), [x])
    const [curvature] = gradients(ops.reduceSum(dx!), [x])
    const result = await (await compile(g, { outputs: { dx: dx!, curvature: curvature! } })).run({
      x: tensor(row, [5], 'float64'),
    })
    expect(numbersOf(result.dx!)).toEqual(others(row))
    // Σᵢ ∂²p/∂xᵢ∂xⱼ: the products without i and j.
    const without = row.map((_x, j) =>
      row.reduce(
        (sum, _y, i) => (i === j ? sum : sum + row.reduce((p, x, k) => (k === i || k === j ? p : p * x), 1)),
        0,
      ),
    )
    expect(numbersOf(result.curvature!)).toEqual(without)
  })

  test('over a symbolic extent is refused with what to write instead', () => {
    const g = graph()
    const x = g.input('x', 'float32', ['batch', 2])
    expect(() => gradients(ops.reduceProd(x, [0]), [x])).toThrow(/dynamic-product.*static extent of axis 0/)
  })
})

test('the largest of three equals gives each a third', async () => {
  const { dx } = await gradientOf(x => ops.reduceMax(x), [4], [2, 2, 1, 2], [4])
  expect(numbersOf(dx).map(x => Math.round(x * 3) / 3)).toEqual([1 / 3, 1 / 3, 0, 1 / 3])
})

test('a logarithm of a sum of exponentials is neither infinite nor lost for large numbers', async () => {
  const { y, dx } = await gradientOf(x => ops.reduceLogSumExp(x, [0], { keepdims: 0 }), [3], [1000, 1000, -1000], [3])
  expect(numbersOf(y)[0]).toBeCloseTo(1000 + Math.LN2, 9)
  expect(numbersOf(dx)).toEqual([0.5, 0.5, 0])
})
