import { describe, expect, test } from 'vitest'
import { compile, type Dim, gradients, graph, numbersOf, type Value } from '../graph.js'
import * as ops from './index.js'

/** A graph with a symbolic input, and its shape as an int64 vector. */
function shaped(dims: readonly Dim[]) {
  const g = graph()
  const x = g.input('x', 'float32', dims)
  return { g, x, dims: ops.shape(x) }
}
const long = (like: Value, numbers: number[]): Value =>
  like.graph.constant({ dtype: 'int64', shape: [numbers.length], data: BigInt64Array.from(numbers, BigInt) })

// Exported transformers compute shapes in the graph; what can be known of them is known while it is built.
describe('shape arithmetic in int64', () => {
  test('an exported expand keeps the symbolic batch', () => {
    const { x, dims } = shaped(['batch', 1, 64])
    // torch: where(shape == −1, ones, shape), with −1 made as ConstantOfShape(1) · −1.
    const ones = ops.constantOfShape(ops.shape(dims), {
      value: { dtype: 'int64', shape: [1], data: BigInt64Array.of(1n) },
    })
    const asked = long(x, [-1, 12, -1])
    const target = ops.where(ops.equal(asked, ops.mul(ones, -1)), ones, asked)
    expect(ops.expand(x, target).shape).toEqual(['batch', 12, 64])
    expect(ops.where(ops.equal(dims, -1), ones, dims).content).toEqual(['batch', 1, 64])
  })

  test('comparisons are decided where every extent has the same answer', () => {
    const { dims } = shaped(['batch', 3])
    expect(ops.equal(dims, dims).content).toEqual([1, 1])
    expect(ops.greater(dims, -1).content).toEqual([1, 1])
    expect(ops.less(-1, dims).content).toEqual([1, 1])
    expect(ops.equal(dims, 1).content).toBeUndefined()
    expect(ops.greater(dims, 2).content).toBeUndefined()
    expect(ops.equal(ops.sub(dims, 2), -1).content).toBeUndefined()
  })

  test('logic, remainders, extremes and bounds of known numbers are known', () => {
    const { x } = shaped(['batch'])
    const a = long(x, [7, -7, 3])
    expect(ops.mod(a, 3).content).toEqual([1, 2, 0])
    expect(ops.mod(a, 3, { fmod: 1 }).content).toEqual([1, -1, 0])
    expect(ops.max([a, long(x, [5])]).content).toEqual([7, 5, 5])
    expect(ops.min([a, long(x, [5]), long(x, [0])]).content).toEqual([0, -7, 0])
    expect(ops.clip(a, -1, 5).content).toEqual([5, -1, 3])
    expect(ops.neg(a).content).toEqual([-7, 7, -3])
    expect(ops.pow(a, 2).content).toEqual([49, 49, 9])
    expect(ops.not(ops.greater(a, 0)).content).toEqual([0, 1, 0])
    expect(ops.cast(a, { to: 'bool' }).content).toEqual([1, 1, 1])
    expect(ops.cast(ops.and(ops.less(a, 5), ops.greater(a, 0)), { to: 'int64' }).content).toEqual([0, 0, 1])
  })

  test('a reduction over a shape multiplies names too', () => {
    const { dims } = shaped(['batch', 7, 7])
    expect(ops.reduceProd(dims, { keepdims: 0 }).content).toEqual(['((batch*7)*7)'])
    expect(ops.reduceSum(ops.slice(dims, [1], [3])).content).toEqual([14])
    expect(ops.reduceMax(dims).content).toBeUndefined()
  })

  test('a float quotient is not taken for a whole one', () => {
    const { x } = shaped(['batch'])
    const [seven, two] = [long(x, [7]), long(x, [2])].map(v => ops.cast(v, { to: 'float32' })) as [Value, Value]
    expect(ops.div(long(x, [7]), long(x, [2])).content).toEqual([3])
    expect(ops.div(seven, two).content).toBeUndefined()
  })

  test('a name that may be below zero is not decided', () => {
    const { dims } = shaped(['batch'])
    expect(ops.greater(ops.sub(dims, 5), -1).content).toBeUndefined()
    expect(ops.cast(dims, { to: 'bool' }).content).toBeUndefined()
  })
})

test('where stops the gradient of what is not chosen, even an infinite one', async () => {
  const g = graph()
  const x = g.input('x', 'float32', [3])
  // The slope of the square root is infinite where the 0 was chosen.
  const y = ops.sqrt(ops.where(ops.greater(x, 0), x, 0))
  const [dx] = gradients(y, [x])
  const result = await (await compile(g, { outputs: { dx: dx! } })).run({ x: Float32Array.of(4, 0, 1) })
  expect(numbersOf(result.dx!)).toEqual([0.25, 0, 0.5])
})
