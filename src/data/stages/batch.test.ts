import fc from 'fast-check'
import { expect, expectTypeOf, test } from 'vitest'
import { numbersOf, type Tensor, tensor } from '../../ir/index.js'
import { type Dataset, type Example, fromArrays, fromGenerator, fromIterable, fromTensors } from '../index.js'

const range = (n: number) => Array.from({ length: n }, (_, i) => i)

test.each([
  ['tensors', (n: number): Dataset<Tensor> => fromTensors(tensor(range(n)))],
  ['an array', (n: number): Dataset<number> => fromIterable(range(n))],
  ['a stream', (n: number): Dataset<number> => fromGenerator(() => range(n), { length: n })],
] as const)('batches of %s hold every element once, in order', async (_, make) => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 50 }),
      fc.integer({ min: 1, max: 60 }),
      fc.boolean(),
      async (n, size, dropRemainder) => {
        const data = (make(n) as Dataset<number>).batch(size, { dropRemainder })
        const batches = await data.toArray()
        expect(data.length).toBe(batches.length)
        const kept = dropRemainder ? n - (n % size) : n
        expect(batches.flatMap(numbersOf)).toEqual(range(kept))
        for (const [i, batch] of batches.entries()) expect(batch.shape).toEqual([Math.min(size, kept - i * size)])
      },
    ),
    { numRuns: 40 },
  )
})

test('shuffled batches carry each example whole', async () => {
  const x = tensor(
    Float32Array.from({ length: 300 }, (_, i) => i),
    [100, 3],
  )
  const y = tensor(Int32Array.from(range(100)))
  for await (const batch of fromTensors({ x, y }).shuffle({ seed: 4 }).batch(7)) {
    const [rows, labels] = [numbersOf(batch.x), numbersOf(batch.y)]
    expect(batch.x.shape).toEqual([labels.length, 3])
    expect(rows).toEqual(labels.flatMap(label => [3 * label, 3 * label + 1, 3 * label + 2]))
  }
})

test('structures keep their form: records, numbers, strings, arrays, typed arrays, absent parts', async () => {
  const data = fromIterable([0, 1]).map(i => ({
    x: { a: tensor([i, i]), b: [i + 0.5] },
    y: i,
    big: BigInt(i),
    is: i > 0,
    name: `n${i}`,
    bytes: Uint8Array.of(i, 9),
    absent: undefined,
  }))
  const [batch] = await data.batch(2).toArray()
  expect(batch).toEqual({
    x: {
      a: tensor([
        [0, 0],
        [1, 1],
      ]),
      b: tensor([[0.5], [1.5]]),
    },
    y: tensor([0, 1]),
    big: tensor(BigInt64Array.of(0n, 1n)),
    is: tensor([false, true]),
    name: { dtype: 'string', shape: [2], data: ['n0', 'n1'] },
    bytes: tensor(Uint8Array.of(0, 9, 1, 9), [2, 2]),
  })
  expectTypeOf(batch!.x.b).toEqualTypeOf<Tensor>()
  expectTypeOf(fromArrays({ x: [[1]], y: [1] }).batch(1)).toExtend<Dataset<Example>>()
})

test.each([
  ['shapes', [tensor([1, 2]), tensor([1])], 'ragged-batch'],
  ['dtypes', [tensor([1]), tensor(Int32Array.of(1))], 'ragged-batch'],
  ['keys', [{ x: 1 }, { x: 1, y: 2 }], 'batch-structure'],
  ['kinds', [{ x: 1 }, 3], 'batch-structure'],
  ['tensors and numbers', [tensor([1]), 3], 'batch-structure'],
  ['numbers and strings', [1, 'a'], 'ragged-batch'],
  ['functions', [() => 1], 'cannot-batch'],
  ['maps', [new Map()], 'cannot-batch'],
  ['nothing', [null], 'cannot-batch'],
])('different %s do not batch', async (_, elements, code) => {
  await expect(fromIterable<unknown>(elements).batch(2).toArray()).rejects.toMatchObject({ code })
})

test('the error of a ragged batch names the part and the element', async () => {
  const data = fromIterable([{ x: { a: [1, 2] } }, { x: { a: [1, 2, 3] } }]).batch(2)
  await expect(data.toArray()).rejects.toMatchObject({
    where: 'batch.x.a, element 1',
    expected: expect.stringContaining('[2]'),
    received: expect.stringContaining('[3]'),
  })
})

test.each([[0], [-1], [2.5], [Number.NaN]])('a size of %s is refused', size => {
  expect(() => fromIterable([1]).batch(size)).toThrow(
    expect.objectContaining({ code: 'bad-option', where: 'batch.size' }),
  )
})
