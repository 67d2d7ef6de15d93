import { describe, expect, expectTypeOf, test } from 'vitest'
import { numbersOf, type Tensor, tensor } from '../ir/index.js'
import { type Dataset, fromArrays, fromGenerator, fromIterable, fromTensors } from './index.js'

const x = tensor(
  Float32Array.from({ length: 12 }, (_, i) => i),
  [4, 3],
)

describe('fromTensors', () => {
  test('gives rows by number, of any dtype', async () => {
    const words: Tensor = { dtype: 'string', shape: [4], data: ['a', 'b', 'c', 'd'] }
    const [, second] = await fromTensors({ x, words, big: tensor(BigInt64Array.of(4n, 5n, 6n, 7n)) }).toArray()
    expect(second).toEqual({
      x: tensor([3, 4, 5]),
      words: { dtype: 'string', shape: [], data: ['b'] },
      big: tensor(BigInt64Array.of(5n), []),
    })
  })

  test('gathers strings as well as numbers', async () => {
    const words: Tensor = { dtype: 'string', shape: [4], data: ['a', 'b', 'c', 'd'] }
    const [batch] = await fromTensors({ x, words }).shuffle({ seed: 2 }).batch(4).toArray()
    const firsts = numbersOf(batch!.x).filter((_, i) => i % 3 === 0)
    expect(batch!.words.data).toEqual(firsts.map(value => 'abcd'[value / 3]))
  })

  test.each([[1], [5], [23], [24], [100]])('gathers rows of %i numbers, neighbours or not', async width => {
    const wide = tensor(
      Float32Array.from({ length: 7 * width }, (_, i) => i),
      [7, width],
    )
    for (const data of [fromTensors(wide), fromTensors(wide).shuffle({ seed: 1 })])
      expect((await data.batch(7).toArray())[0]!.data).toEqual(
        Float32Array.from((await data.toArray()).flatMap(numbersOf)),
      )
  })

  test('refuses tensors of different lengths, all at once', () => {
    expect(() => fromTensors({ x, y: tensor([1, 2, 3]), sampleWeight: tensor([1]) })).toThrow(
      expect.objectContaining({
        code: 'example-count',
        problems: [expect.objectContaining({ where: 'y' }), expect.objectContaining({ where: 'sampleWeight' })],
      }),
    )
  })

  test.each([
    ['no rows', { x: tensor(new Float32Array(0), [0, 3]) }, 'empty-dataset'],
    ['a scalar', { x: tensor(1) }, 'scalar-data'],
    ['no tensors', {}, 'no-data'],
    ['something else', { x: 3 as never }, 'not-a-tensor'],
  ])('refuses %s', (_, tensors, code) => {
    expect(() => fromTensors(tensors)).toThrow(expect.objectContaining({ code }))
  })

  test.each([[Number.NaN], [Number.POSITIVE_INFINITY]])('finds the first %s when asked', value => {
    const bad = tensor(Float32Array.of(0, 1, 2, 3, value, 5), [3, 2])
    expect(() => fromTensors({ x: bad }, { validate: true })).toThrow(
      expect.objectContaining({ code: 'not-finite', where: 'x, example 2, element 0' }),
    )
    expect(() => fromTensors({ x: bad })).not.toThrow()
  })
})

describe('fromArrays', () => {
  test('takes nested numbers, typed arrays, shaped arrays and tensors of other libraries', async () => {
    const foreign = { shape: [2, 2], dtype: 'bool', dataSync: () => Uint8Array.of(1, 0, 0, 1) }
    const data = fromArrays({
      x: {
        nested: [
          [1, 2],
          [3, 4],
        ],
        shaped: { data: Float64Array.of(5, 6), shape: [2, 1] },
        foreign,
      },
      y: Int32Array.of(7, 8),
      pixels: Uint8ClampedArray.of(9, 10),
      name: ['a', 'b'],
    })
    expectTypeOf(data).toEqualTypeOf<
      Dataset<{
        readonly x: { readonly nested: Tensor; readonly shaped: Tensor; readonly foreign: Tensor }
        readonly y: Tensor
        readonly pixels: Tensor
        readonly name: Tensor
      }>
    >()
    expect((await data.batch(2).toArray())[0]).toEqual({
      x: {
        nested: tensor([
          [1, 2],
          [3, 4],
        ]),
        shaped: tensor([[5], [6]]),
        foreign: tensor(Uint8Array.of(1, 0, 0, 1), [2, 2], 'bool'),
      },
      y: tensor(Int32Array.of(7, 8)),
      pixels: tensor(Uint8Array.of(9, 10)),
      name: { dtype: 'string', shape: [2], data: ['a', 'b'] },
    })
  })

  test('takes other dtypes by name', async () => {
    const [batch] = await fromArrays({ x: { age: [1, 2] }, y: [0, 1] }, { dtypes: { y: 'int32', 'x.age': 'float64' } })
      .batch(2)
      .toArray()
    expect([batch!.y.dtype, batch!.x.age.dtype]).toEqual(['int32', 'float64'])
  })

  test.each([
    ['ragged rows', { x: [[1, 2], [3]] }, 'ragged-array'],
    ['rows of different depth', { x: [[1], 2] }, 'ragged-array'],
    ['a number for a row', { x: [1, [2]] }, 'ragged-array'],
    ['texts among numbers', { x: [[1, 'a']] }, 'not-a-number'],
    ['nothing among numbers', { x: [1, null] }, 'not-a-number'],
    ['typed arrays in an array', { x: [Float32Array.of(1)] }, 'array-of-typed-arrays'],
    ['a function', { x: () => 1 }, 'not-an-array'],
    ['nothing', { x: null }, 'not-an-array'],
    ['a shape that does not fit', { x: { data: Float32Array.of(1, 2), shape: [3] } }, 'tensor-size'],
    ['an empty list', { x: [] }, 'empty-dataset'],
  ])('refuses %s', (_, arrays, code) => {
    expect(() => fromArrays(arrays as never)).toThrow(expect.objectContaining({ code }))
  })
})

describe('fromIterable and fromGenerator', () => {
  test('an iterator, which can run but once, is refused with the way out', () => {
    const once = (function* () {
      yield 1
    })()
    expect(() => fromIterable(once)).toThrow(
      expect.objectContaining({ code: 'one-pass-iterable', hint: expect.stringContaining('fromGenerator') }),
    )
  })

  test.each([[null], [3], [{}]])('%j is not iterable', async value => {
    expect(() => fromIterable(value as never)).toThrow(expect.objectContaining({ code: 'not-iterable' }))
    await expect(fromGenerator(() => value as never).toArray()).rejects.toMatchObject({ code: 'not-iterable' })
  })

  test.each([[2], [4]])('three elements are not the %i that were promised', async length => {
    await expect(fromGenerator(() => [1, 2, 3], { length }).toArray()).rejects.toMatchObject({
      code: 'length-mismatch',
    })
  })

  test('a million elements pass in flat memory', async () => {
    let live = 0
    let most = 0
    const data = fromGenerator(function* () {
      for (let i = 0; i < 1_000_000; i++) {
        most = Math.max(most, ++live)
        yield i
      }
    })
    for await (const _ of data.batch(10_000)) live -= 10_000
    expect(most).toBeLessThanOrEqual(10_000)
  })
})
