import { describe, expect, test } from 'vitest'
import type { Dataset } from '../data/index.js'

export interface DatasetSuiteOptions {
  /** Parts of the contract that do not hold, each with the reason. */
  skip?: readonly { readonly reason: string; readonly tests: readonly string[] }[]
}

/** An unfinished pass: its elements so far, and the position after them. */
async function read<T>(iterator: AsyncIterator<T>, count = Number.POSITIVE_INFINITY): Promise<T[]> {
  const elements: T[] = []
  while (elements.length < count) {
    const item = await iterator.next()
    if (item.done) break
    elements.push(item.value)
  }
  return elements
}

/**
 * The contract of a dataset, as tests. `make` builds the same finite dataset anew each time, of at least 4 elements
 * that are all different; they are compared by value.
 */
export function testDataset<T>(make: () => Dataset<T>, { skip = [] }: DatasetSuiteOptions = {}): void {
  const check = (name: string, run: () => Promise<void>) => {
    const exception = skip.find(entry => entry.tests.includes(name))
    if (exception !== undefined) test.skip(`${name} (${exception.reason})`, run)
    else test(name, run)
  }
  const keys = (elements: readonly unknown[]) => elements.map(element => keyOf(element))

  describe('keeps the contract of a dataset', () => {
    check('gives the same elements in every pass', async () => {
      const data = make()
      const first = await read(data.iterate())
      expect(first.length).toBeGreaterThanOrEqual(4)
      expect(new Set(keys(first)).size).toBe(first.length)
      expect(keys(await read(data.iterate()))).toEqual(keys(first))
      expect(keys(await data.toArray())).toEqual(keys(first))
    })

    check('gives the same from the same recipe, in every epoch', async () => {
      for (const epoch of [0, 3])
        expect(keys(await read(make().iterate({ epoch })))).toEqual(keys(await read(make().iterate({ epoch }))))
    })

    check('goes on from a saved position exactly as if it had not stopped', async () => {
      for (const epoch of [0, 2]) {
        const whole = await read(make().iterate({ epoch }))
        for (const stop of [0, 1, Math.floor(whole.length / 2), whole.length - 1, whole.length]) {
          const before = make().iterate({ epoch })
          const seen = await read(before, stop)
          const position = JSON.parse(JSON.stringify(before.position()))
          await before.return()
          const after = make().iterate({ position })
          const rest = await read(after)
          expect(keys([...seen, ...rest]), `stopped after ${stop}`).toEqual(keys(whole))
          expect(after.position().epoch).toBe(epoch)
        }
      }
    })

    check('says its true length', async () => {
      const data = make()
      const before = data.length
      const count = (await read(data.iterate())).length
      if (before !== undefined) expect(before).toBe(count)
      expect([undefined, count]).toContain(data.length)
    })

    check('two passes at once do not disturb each other', async () => {
      const data = make()
      const whole = keys(await read(data.iterate()))
      const [a, b] = [data.iterate(), data.iterate()]
      const seen: unknown[][] = [[], []]
      for (let i = 0; i < whole.length; i++)
        for (const [side, pass] of [a, b].entries()) seen[side]!.push((await pass.next()).value)
      expect(keys(seen[0]!)).toEqual(whole)
      expect(keys(seen[1]!)).toEqual(whole)
    })

    check('shuffles to a permutation, by seed and epoch', async () => {
      const mixed = make().shuffle({ seed: 5 })
      for (const epoch of [0, 1]) {
        const order = keys(await read(mixed.iterate({ epoch })))
        expect([...order].sort()).toEqual(keys(await read(make().iterate({ epoch }))).sort())
        expect(keys(await read(make().shuffle({ seed: 5 }).iterate({ epoch })))).toEqual(order)
      }
    })

    check('splits into disjoint parts that make up the whole', async () => {
      const [first, rest] = make().split(0.5, { seed: 2 })
      const parts = [keys(await read(first.iterate())), keys(await read(rest.iterate({ epoch: 4 })))]
      expect([...parts[0]!, ...parts[1]!].sort()).toEqual(keys(await read(make().iterate())).sort())
    })

    check('prefetching changes neither order nor positions', async () => {
      const whole = keys(await read(make().iterate()))
      const ahead = make().prefetch(3).iterate()
      const seen = await read(ahead, 2)
      const position = ahead.position()
      await ahead.return()
      const rest = await read(make().prefetch(3).iterate({ position }))
      expect(keys([...seen, ...rest])).toEqual(whole)
    })

    check('take and skip part it without loss', async () => {
      const whole = keys(await read(make().iterate()))
      const parts = [...(await make().take(3).toArray()), ...(await make().skip(3).toArray())]
      expect(keys(parts)).toEqual(whole)
    })

    check('a pass that ended, or was ended, stays ended', async () => {
      const pass = make().iterate()
      await read(pass, 1)
      await pass.return()
      expect((await pass.next()).done).toBe(true)
      const full = make().iterate()
      await read(full)
      expect((await full.next()).done).toBe(true)
    })

    check('passes the error of a stage on and ends', async () => {
      const failing = make().map((element, { index }) => {
        if (index === 2) throw new RangeError('the third')
        return element
      })
      const pass = failing.iterate()
      await expect(read(pass)).rejects.toThrow('the third')
      expect((await pass.next()).done).toBe(true)
    })

    check('refuses a position that is not its own', async () => {
      const foreign = { epoch: 0, at: { never: -1 } }
      await expect((async () => read(make().iterate({ position: foreign })))()).rejects.toMatchObject({
        code: 'foreign-position',
      })
    })
  })
}

/** An element as text: equal elements, equal text. */
function keyOf(element: unknown): string {
  return JSON.stringify(element, (_, value: unknown) => {
    if (typeof value === 'bigint') return `${value}n`
    if (ArrayBuffer.isView(value)) return [value.constructor.name, ...Array.from(value as Float32Array, String)]
    return value
  })
}
