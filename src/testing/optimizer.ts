import { describe, expect, test } from 'vitest'
import { tensor } from '../ir/index.js'
import * as ops from '../ops/index.js'
import { minimizer, type Objective, type Progress } from '../optim/minimizer.js'
import type { Optimizer } from '../optim/optimizer.js'

export interface OptimizerSuiteOptions {
  /** Parts of the contract that do not hold, each with the reason. */
  skip?: readonly { readonly reason: string; readonly tests: readonly string[] }[]
}

/** The contract of an optimizer, as tests. `make` makes it anew each time, with a learning rate of 0.01 to 0.1. */
export function testOptimizer(make: () => Optimizer, { skip = [] }: OptimizerSuiteOptions = {}): void {
  const check = (name: string, run: () => Promise<void>) => {
    const exception = skip.find(entry => entry.tests.includes(name))
    if (exception !== undefined) test.skip(`${name} (${exception.reason})`, run)
    else test(name, run)
  }
  const start = { a: tensor(Float32Array.of(1, -2, 0.5), [3]), b: tensor(Float32Array.of(3), [1, 1]) }
  const bowl: Objective = ({ a, b }) =>
    ops.add(ops.reduceSumSquare(a!, { keepdims: 0 }), ops.reduceSumSquare(b!, { keepdims: 0 }))
  const run = async (updates: number, from?: Progress, objective = bowl) => {
    const at = await minimizer(make(), start, objective)
    const losses: number[] = []
    let now = from ?? at.begin
    for (let i = 0; i < updates; i++) {
      const result = await at.next(now)
      losses.push(result.loss)
      now = result
    }
    return { now, losses, at }
  }

  describe(`${make().name} ${JSON.stringify(make().config)} keeps the contract of an optimizer`, () => {
    check('goes down a bowl', async () => {
      const { losses } = await run(60)
      expect(losses[59]!).toBeLessThan(losses[0]! * 0.9)
      expect(losses.every(Number.isFinite)).toBe(true)
    })

    check('gives every slot it declares a new value, and no other', async () => {
      const { at } = await run(0)
      if (make().host === undefined) expect((await at.updatedIn(24)).sort()).toEqual([...at.declared].sort())
    })

    check('goes the same way twice, bit for bit', async () => {
      expect((await run(10)).now).toEqual((await run(10)).now)
    })

    check('goes on from parameters and slots as if it had not stopped', async () => {
      const half = await run(5)
      const resumed = await run(5, JSON.parse(JSON.stringify(half.now), revive) as Progress)
      expect(resumed.now).toEqual((await run(10)).now)
    })

    check('stays where it is when the learning rate is 0', async () => {
      const at = await minimizer({ ...make(), learningRate: 0 }, start, bowl)
      expect((await at.next(await at.next(at.begin))).parameters).toEqual(start)
    })

    check('survives gradients that are all zero', async () => {
      const flat: Objective = ({ a, b }) => ops.mul(bowl({ a: a!, b: b! }), 0)
      const { now } = await run(3, undefined, flat)
      for (const t of Object.values(now.parameters))
        expect(Array.from(t.data as Float32Array).every(Number.isFinite)).toBe(true)
    })

    check('follows a schedule of the number of updates', async () => {
      const seen: number[] = []
      const scheduled: Optimizer = {
        ...make(),
        learningRate: step => {
          seen.push(step)
          return step === 1 ? 0 : 0.01
        },
      }
      const at = await minimizer(scheduled, start, bowl)
      const first = await at.next(at.begin)
      const second = await at.next(first)
      expect(seen).toEqual([0, 1])
      expect(first.parameters).not.toEqual(start)
      if (make().config.momentum === undefined || make().config.momentum === 0)
        expect(second.parameters).toEqual(first.parameters)
    })
  })
}

/** Float32 arrays come back from JSON as records of numbers. */
const revive = (key: string, value: unknown): unknown =>
  key === 'data' ? Float32Array.from(Object.values(value as Record<string, number>)) : value
