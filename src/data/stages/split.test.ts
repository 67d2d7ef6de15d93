import fc from 'fast-check'
import { expect, test } from 'vitest'
import { fromGenerator, fromIterable } from '../index.js'

const range = (n: number) => Array.from({ length: n }, (_, i) => i)

test('any split of an array is disjoint, complete, in order, and of the size asked for', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 80 }),
      fc.double({ min: 0.01, max: 0.99, noNaN: true }),
      fc.nat(),
      async (n, fraction, seed) => {
        const [first, rest] = fromIterable(range(n)).split(fraction, { seed })
        const [a, b] = [await first.toArray(), await rest.toArray()]
        expect([...a, ...b].sort((x, y) => x - y)).toEqual(range(n))
        expect(a.length).toBe(Math.round(n * fraction))
        expect(a).toEqual([...a].sort((x, y) => x - y))
        expect([first.length, rest.length]).toEqual([a.length, b.length])
      },
    ),
    { numRuns: 60 },
  )
})

test('a stream of unknown length is split about as asked', async () => {
  const [first, rest] = fromGenerator(() => range(4000)).split(0.8)
  const [a, b] = [await first.toArray(), await rest.toArray()]
  expect(a.length / 4000).toBeCloseTo(0.8, 1)
  expect(new Set([...a, ...b]).size).toBe(4000)
})

test('the parts stay apart in every epoch, even when the whole was shuffled first', async () => {
  const [first, rest] = fromIterable(range(20)).shuffle({ seed: 1 }).split(0.5)
  const seen = new Set<number>()
  for (let epoch = 0; epoch < 4; epoch++)
    for await (const x of { [Symbol.asyncIterator]: () => first.iterate({ epoch }) }) seen.add(x)
  expect(seen.size).toBe(10)
  for (const x of await rest.toArray()) expect(seen.has(x)).toBe(false)
})

test('seeds choose differently', async () => {
  const parts = await Promise.all([1, 2].map(seed => fromIterable(range(50)).split(0.5, { seed })[0].toArray()))
  expect(parts[0]).not.toEqual(parts[1])
})

test.each([[0], [1], [-0.2], [80], [Number.NaN]])('a fraction of %s is refused', fraction => {
  expect(() => fromIterable([1, 2]).split(fraction)).toThrow(
    expect.objectContaining({ code: 'bad-option', where: 'split.fraction' }),
  )
})
