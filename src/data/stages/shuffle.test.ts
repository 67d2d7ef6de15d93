import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Dataset, fromGenerator, fromIterable } from '../index.js'

const range = (n: number) => Array.from({ length: n }, (_, i) => i)
const stream = (n: number) => fromGenerator(() => range(n), { length: n })
const read = async (data: Dataset<number>, epoch = 0) => {
  const out: number[] = []
  const pass = data.iterate({ epoch })
  for (let item = await pass.next(); !item.done; item = await pass.next()) out.push(item.value)
  return out
}

test.each([
  ['an array', (n: number) => fromIterable(range(n))],
  ['a stream', stream],
])('%s of any length is permuted, whatever seed and buffer', async (_, make) => {
  await fc.assert(
    fc.asyncProperty(fc.nat(60), fc.nat(), fc.integer({ min: 1, max: 70 }), async (n, seed, buffer) => {
      const order = await read(make(n).shuffle({ seed, buffer }))
      expect([...order].sort((a, b) => a - b)).toEqual(range(n))
    }),
    { numRuns: 60 },
  )
})

test('seeds and epochs have orders of their own', async () => {
  for (const data of [fromIterable(range(50)), stream(50)]) {
    const orders = [
      await read(data.shuffle({ seed: 1 })),
      await read(data.shuffle({ seed: 2 })),
      await read(data.shuffle({ seed: 1 }), 1),
    ]
    expect(new Set([range(50), ...orders].map(String)).size).toBe(4)
  }
})

test('every epoch has the same order when not reshuffled', async () => {
  const data = fromIterable(range(50)).shuffle({ reshuffleEachIteration: false })
  expect(await read(data, 7)).toEqual(await read(data))
})

test('each element is as likely in each place', async () => {
  const counts = range(25).map(() => 0)
  const data = fromIterable(range(5)).shuffle()
  const epochs = 2000
  for (let epoch = 0; epoch < epochs; epoch++)
    for (const [place, x] of (await read(data, epoch)).entries()) counts[place * 5 + x]!++
  // 400 expected, standard deviation 18.
  for (const count of counts) expect(Math.abs(count - epochs / 5)).toBeLessThan(90)
})

test('a stream is mixed within its buffer, and never holds more', async () => {
  let ahead = 0
  let most = 0
  const data = fromGenerator(function* () {
    for (let i = 0; i < 200; i++) {
      most = Math.max(most, ++ahead)
      yield i
    }
  }).shuffle({ buffer: 10 })
  const order: number[] = []
  for await (const x of data) {
    ahead--
    order.push(x)
  }
  expect(most).toBeLessThanOrEqual(11)
  expect(order.every((x, place) => x <= place + 10)).toBe(true)
})

test.each([[0], [-3], [1.5]])('a buffer of %s is refused', buffer => {
  expect(() => stream(3).shuffle({ buffer })).toThrow(
    expect.objectContaining({ code: 'bad-option', where: 'shuffle.buffer' }),
  )
})

test('a seed that is no integer is refused at once', () => {
  expect(() => stream(3).shuffle({ seed: 0.5 })).toThrow(expect.objectContaining({ code: 'random-seed' }))
})
