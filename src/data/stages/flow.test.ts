import { expect, test } from 'vitest'
import { fromGenerator, fromIterable, zip } from '../index.js'

const range = (n: number) => Array.from({ length: n }, (_, i) => i)

test('prefetch makes elements while the reader is busy, and no more than asked', async () => {
  let made = 0
  const data = fromGenerator(function* () {
    for (;;) yield made++
  }).prefetch(3)
  const pass = data.iterate()
  await pass.next()
  await new Promise(resolve => setTimeout(resolve, 5))
  expect(made).toBe(4)
  await pass.return()
  await new Promise(resolve => setTimeout(resolve, 5))
  expect(made).toBe(4)
})

test('prefetch reports an error after the elements before it', async () => {
  const data = fromGenerator(function* () {
    yield 1
    yield 2
    throw new RangeError('third')
  }).prefetch(8)
  const seen: number[] = []
  const run = async () => {
    for await (const x of data) seen.push(x)
  }
  await expect(run()).rejects.toThrow('third')
  expect(seen).toEqual([1, 2])
})

test('cache makes each element once, over all passes and orders', async () => {
  for (const source of [fromIterable(range(9)), fromGenerator(() => range(9))]) {
    let made = 0
    const data = source
      .map(x => {
        made++
        return x
      })
      .cache()
    const both = data.shuffle()
    await Promise.all([data.toArray(), both.toArray(), both.batch(2).toArray()])
    expect(made).toBe(9)
    expect(data.length).toBe(9)
  }
})

test('cache tries again what failed', async () => {
  let broken = true
  const data = fromGenerator(function* () {
    yield 1
    if (broken) throw new RangeError('offline')
    yield 2
  }).cache()
  await expect(data.toArray()).rejects.toThrow('offline')
  broken = false
  expect(await data.toArray()).toEqual([1, 2])
})

test('an endless source is not cached', () => {
  expect(() => fromIterable([1]).repeat().cache()).toThrow(expect.objectContaining({ code: 'endless-cache' }))
})

test('repeat gives each round an epoch of its own, other ones in the next epoch', async () => {
  const data = fromIterable(['x']).map((_, { epoch }) => epoch)
  expect(await data.repeat(3).toArray()).toEqual([0, 1, 2])
  expect((await data.repeat(3).iterate({ epoch: 2 }).next()).value).toBe(6)
  expect(data.repeat().length).toBe(Number.POSITIVE_INFINITY)
})

test('an empty source repeated for ever ends', async () => {
  expect(
    await fromGenerator(() => [])
      .repeat()
      .take(3)
      .toArray(),
  ).toEqual([])
})

test('zip refuses lengths that differ, known or found out', async () => {
  expect(() => zip({ a: fromIterable(range(3)), b: fromIterable(range(4)) })).toThrow(
    expect.objectContaining({ code: 'zip-length', received: { a: 3, b: 4 } }),
  )
  const late = zip({ a: fromGenerator(() => range(3)), b: fromGenerator(() => range(4)) })
  await expect(late.toArray()).rejects.toMatchObject({ code: 'zip-length' })
  expect(() => zip({})).toThrow(expect.objectContaining({ code: 'nothing-to-zip' }))
})

test('batches and single elements are not put one after the other', () => {
  const data = fromIterable([1, 2])
  expect(() => data.batch(1).concat(data as never)).toThrow(expect.objectContaining({ code: 'mixed-batches' }))
})

test.each([
  ['take', -1],
  ['skip', 0.5],
  ['prefetch', -1],
  ['repeat', -2],
] as const)('%s(%s) is refused', (stage, count) => {
  expect(() => fromIterable([1])[stage](count)).toThrow(
    expect.objectContaining({ code: 'bad-option', received: count }),
  )
})
