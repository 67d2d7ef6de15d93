import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { numbersOf, tensor } from '../ir/index.js'
import { testDataset } from '../testing/dataset.js'
import { type Dataset, dataset, fromArrays, fromGenerator, fromIterable, fromTensors, zip } from './index.js'

const list = (n = 11): Dataset<number> => fromIterable(Array.from({ length: n }, (_, i) => i))
const stream = (n = 11): Dataset<number> =>
  fromGenerator(async function* ({ epoch }) {
    for (let i = 0; i < n; i++) yield i + 1000 * epoch
  })
const examples = () =>
  fromTensors({
    x: {
      a: tensor(
        Float32Array.from({ length: 22 }, (_, i) => i),
        [11, 2],
      ),
      b: tensor(Int32Array.from({ length: 11 }, (_, i) => i)),
    },
    y: tensor(BigInt64Array.from({ length: 11 }, (_, i) => BigInt(i))),
  })
const later = async (x: number) => {
  await new Promise(resolve => setTimeout(resolve, x % 3))
  return x * 2
}

const chains: Record<string, () => Dataset<unknown>> = {
  'an array': () => list(),
  'a generator': () => stream(),
  'a Set': () => fromIterable(new Set([5, 3, 8, 1, 9])),
  tensors: examples,
  'nested numbers': () =>
    fromArrays({
      x: [
        [1, 2],
        [3, 4],
        [5, 6],
        [7, 8],
      ],
      y: [0, 1, 2, 3],
    }),
  'tensors, shuffled and batched': () => examples().shuffle({ seed: 3 }).batch(3),
  'a generator, shuffled and batched': () =>
    stream(40).shuffle({ buffer: 6, seed: 3 }).batch(3, { dropRemainder: true }),
  'map, four at once, of an array': () => list().map(later, { concurrency: 4 }),
  'map, four at once, of a generator': () => stream().map(later, { concurrency: 4 }),
  'map then batch': () => list().map(later, { concurrency: 3 }).batch(2),
  'a filtered array': () => list().filter(x => x % 2 === 0),
  'a filtered generator, then map by index': () =>
    stream(15)
      .filter(x => x % 2 === 0)
      .map((x, { index, epoch }) => [x, index, epoch]),
  'a window of an array': () => list(20).skip(4).take(9),
  'a window of a generator': () => stream(20).skip(4).take(9),
  'a part of an array': () => list(20).split(0.4, { seed: 1 })[0],
  'a part of a generator': () => stream(30).split(0.5, { seed: 1 })[1],
  'a cached array': () => list().map(later).cache().shuffle({ seed: 1 }),
  'a cached generator': () => stream().cache().shuffle({ seed: 1 }),
  'an array and an array': () =>
    list(5)
      .concat(list(3).map(x => x + 10))
      .shuffle({ seed: 9 }),
  'a generator and an array': () => stream(5).concat(list(3).map(x => x - 10)),
  'tensors after tensors, batched across the seam': () =>
    fromArrays({ x: [1, 2, 3] })
      .concat(fromArrays({ x: [4, 5, 6, 7] }))
      .batch(2),
  'a shuffled generator, three times': () =>
    stream(4)
      .map((x, { epoch, index }) => `${x} ${epoch} ${index}`)
      .shuffle({ buffer: 3 })
      .repeat(3),
  'an endless one, cut': () =>
    list(3)
      .map((x, { epoch }) => [x, epoch])
      .repeat()
      .take(8),
  'arrays side by side': () => zip({ x: list().shuffle({ seed: 1 }), y: list().map(x => -x) }),
  'generators side by side': () => zip({ x: stream(), y: list().filter(() => true) }),
  'elements made ahead': () => stream().prefetch(4),
  'batches of batches': () =>
    list(12)
      .batch(2)
      .batch(3)
      .concat(
        list(6)
          .map(x => x + 20)
          .batch(2)
          .batch(3),
      )
      .repeat(2)
      .map((x, { index }) => [x, index]),
}
for (const [name, make] of Object.entries(chains)) describe(name, () => testDataset(make))

describe('reading', () => {
  test('nothing is read before iteration, and no further than asked', async () => {
    let read = 0
    const data = fromGenerator(function* () {
      for (;;) yield read++
    }).map(x => x)
    expect(read).toBe(0)
    const seen: number[] = []
    for await (const x of data) if (seen.push(x) === 3) break
    expect(seen).toEqual([0, 1, 2])
    expect(read).toBe(3)
  })

  const watched = (log: string[], failAt = Number.POSITIVE_INFINITY) =>
    fromGenerator(async function* () {
      log.push('opened')
      try {
        for (let i = 0; i < 100; i++) {
          if (i === failAt) throw new RangeError('broken disk')
          yield i
        }
      } finally {
        log.push('closed')
      }
    })
  const stages: Record<string, (d: Dataset<number>) => Dataset<unknown>> = {
    nothing: d => d,
    map: d => d.map(x => x, { concurrency: 3 }),
    filter: d => d.filter(x => x > 1),
    shuffle: d => d.shuffle({ buffer: 4 }),
    batch: d => d.batch(3),
    prefetch: d => d.prefetch(5),
    take: d => d.take(50),
    skip: d => d.skip(5),
    split: d => d.split(0.5)[0],
    repeat: d => d.repeat(2),
    concat: d => d.concat(list()),
    zip: d => zip({ a: d, b: d }),
    cache: d => d.cache(),
  }
  test.each(Object.keys(stages))('%s closes its source on break, at the end, and after an error', async name => {
    for (const way of ['break', 'end', 'error'] as const) {
      const log: string[] = []
      const data = stages[name]!(watched(log, way === 'error' ? 20 : undefined))
      const run = async () => {
        for await (const _ of data) if (way === 'break') break
      }
      if (way === 'error') await expect(run()).rejects.toThrow('broken disk')
      else await run()
      expect(log.length, way).toBeGreaterThan(0)
      expect(log.filter(entry => entry === 'closed').length, way).toBe(log.length / 2)
    }
  })

  test('a position of another epoch is refused', () => {
    expect(() => list().iterate({ epoch: 1, position: { epoch: 2, at: 3 } })).toThrow(
      expect.objectContaining({ code: 'epoch-mismatch' }),
    )
  })

  test.each([[-1], [1.5], [Number.NaN]])('epoch %s is refused', epoch => {
    expect(() => list().iterate({ epoch })).toThrow(
      expect.objectContaining({ code: 'bad-option', where: 'iterate.epoch' }),
    )
  })

  test.each([[null], ['x'], [{ epoch: 0 }], [{ at: 3 }], [3]])('%j is no position', position => {
    expect(() => list().iterate({ position: position as never })).toThrow(
      expect.objectContaining({ code: 'foreign-position' }),
    )
  })

  test('a position beyond the end is refused', async () => {
    await expect(
      list(4)
        .iterate({ position: { epoch: 0, at: 5 } })
        .next(),
    ).rejects.toMatchObject({ code: 'foreign-position' })
  })

  test('an endless dataset does not become an array', async () => {
    await expect(list().repeat().toArray()).rejects.toMatchObject({ code: 'endless-array' })
  })

  test('a source of your own has all methods', async () => {
    const squares = dataset<number>({
      length: 5,
      batched: false,
      open: (_, position) => {
        let i = typeof position === 'number' ? position : 0
        return {
          next: async () => (i < 5 ? { done: false, value: (i++) ** 2 } : { done: true, value: undefined }),
          position: () => i,
          close: async () => {},
        }
      },
    })
    expect(numbersOf((await squares.batch(5).toArray())[0]!)).toEqual([0, 1, 4, 9, 16])
  })
})

// Any chain of stages: what holds for each must hold for all together.
const stage = fc.oneof(
  fc.record({ kind: fc.constant('shuffle' as const), buffer: fc.integer({ min: 1, max: 9 }), seed: fc.nat(5) }),
  fc.record({ kind: fc.constant('take' as const), n: fc.nat(30) }),
  fc.record({ kind: fc.constant('skip' as const), n: fc.nat(8) }),
  fc.record({ kind: fc.constant('map' as const), concurrency: fc.integer({ min: 1, max: 4 }) }),
  fc.record({ kind: fc.constant('filter' as const), modulus: fc.integer({ min: 2, max: 5 }) }),
  fc.record({ kind: fc.constant('prefetch' as const), n: fc.nat(4) }),
  fc.record({
    kind: fc.constant('split' as const),
    fraction: fc.double({ min: 0.05, max: 0.95, noNaN: true }),
    side: fc.nat(1),
  }),
  fc.record({ kind: fc.constant('repeat' as const), n: fc.nat(3) }),
  fc.record({ kind: fc.constant('cache' as const) }),
)
type Stage = typeof stage extends fc.Arbitrary<infer S> ? S : never
const applied = (data: Dataset<number>, s: Stage): Dataset<number> => {
  switch (s.kind) {
    case 'shuffle':
      return data.shuffle(s)
    case 'take':
      return data.take(s.n)
    case 'skip':
      return data.skip(s.n)
    case 'map':
      return data.map((x, { epoch }) => x + 1000 * epoch, s)
    case 'filter':
      return data.filter(x => x % s.modulus !== 0)
    case 'prefetch':
      return data.prefetch(s.n)
    case 'split':
      return data.split(s.fraction)[s.side]!
    case 'repeat':
      return data.repeat(s.n)
    case 'cache':
      return data.cache()
  }
}

test('any chain of stages can stop and go on, and says its true length', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(stage, { maxLength: 5 }),
      fc.boolean(),
      fc.nat(25),
      fc.nat(3),
      fc.nat(60),
      async (stages, random, n, epoch, stop) => {
        const make = () => stages.reduce(applied, random ? list(n) : stream(n))
        const whole: number[] = []
        const full = make()
        const { length } = full
        for await (const x of { [Symbol.asyncIterator]: () => full.iterate({ epoch }) }) whole.push(x)
        if (length !== undefined) expect(length).toBe(whole.length)
        const first = make().iterate({ epoch })
        const seen: number[] = []
        while (seen.length < stop) {
          const item = await first.next()
          if (item.done) break
          seen.push(item.value)
        }
        const position = JSON.parse(JSON.stringify(first.position()))
        await first.return()
        for await (const x of { [Symbol.asyncIterator]: () => make().iterate({ position }) }) seen.push(x)
        expect(seen).toEqual(whole)
      },
    ),
    { numRuns: 300 },
  )
})
