import { expect, test } from 'vitest'
import { fromGenerator, fromIterable } from '../index.js'

const range = (n: number) => Array.from({ length: n }, (_, i) => i)
const sources = [
  ['an array', () => fromIterable(range(20))],
  ['a stream', () => fromGenerator(() => range(20))],
] as const

test.each(sources)('over %s, as many calls run at once as asked, and results keep their order', async (_, make) => {
  let running = 0
  let most = 0
  const data = make().map(
    async x => {
      most = Math.max(most, ++running)
      await new Promise(resolve => setTimeout(resolve, (20 - x) / 4))
      running--
      return x
    },
    { concurrency: 5 },
  )
  expect(await data.toArray()).toEqual(range(20))
  expect(most).toBe(5)
})

test.each(sources)('over %s, the function learns epoch and index, also after going on', async (_, make) => {
  const data = make().map((x, context) => ({ x, ...context }))
  const pass = data.iterate({ epoch: 2 })
  await pass.next()
  const after = data.iterate({ position: pass.position() })
  expect((await after.next()).value).toEqual({ x: 1, epoch: 2, index: 1 })
})

test('what lies before the position is not made again', async () => {
  const made: number[] = []
  const data = fromGenerator(() => range(20)).map(x => {
    made.push(x)
    return x
  })
  const pass = data.iterate({ position: { epoch: 0, at: { at: 15, index: 15 } } })
  expect((await pass.next()).value).toBe(15)
  expect(made).toEqual([15])
})

test('an error waits for its turn: the elements before it arrive', async () => {
  const data = fromIterable(range(9)).map(
    async x => {
      if (x === 4) throw new RangeError('four')
      await new Promise(resolve => setTimeout(resolve, 3))
      return x
    },
    { concurrency: 8 },
  )
  const seen: number[] = []
  const run = async () => {
    for await (const x of data) seen.push(x)
  }
  await expect(run()).rejects.toThrow('four')
  expect(seen).toEqual([0, 1, 2, 3])
})

test('no concurrency is refused', () => {
  expect(() => fromIterable([1]).map(x => x, { concurrency: 0 })).toThrow(
    expect.objectContaining({ code: 'bad-option', where: 'map.concurrency' }),
  )
})
