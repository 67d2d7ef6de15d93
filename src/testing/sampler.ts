import { describe, expect, test } from 'vitest'
import { contains, type Distribution, toInternal } from '../tune/distribution.js'
import type { FrozenTrial } from '../tune/frozen-trial.js'
import { createStudy, type Study } from '../tune/index.js'
import type { Sampler } from '../tune/samplers/sampler.js'
import { memoryStorage } from '../tune/storage/memory.js'
import type { Storage } from '../tune/storage/storage.js'
import type { Trial } from '../tune/trial.js'

export interface SamplerSuiteOptions {
  /** Parts of the contract that do not hold, each with the reason. */
  skip?: readonly { readonly reason: string; readonly tests: readonly string[] }[]
  /** Trials of the longer runs; more than a sampler's random beginning. Default 30. */
  trials?: number
}

/** Every kind of parameter at once. */
const everything = (trial: Trial): number => {
  const x = trial.suggestFloat('x', -2, 3)
  const lr = trial.suggestFloat('lr', 1e-5, 1e-1, { log: true })
  const share = trial.suggestFloat('share', 0, 1, { step: 0.25 })
  const units = trial.suggestInt('units', 1, 128, { log: true })
  const even = trial.suggestInt('even', 2, 10, { step: 2 })
  const kind = trial.suggestCategorical('kind', ['a', 'b', null, true])
  trial.suggestFloat('fixed', 1, 1)
  trial.suggestCategorical('only', ['this'])
  return (
    (x - 1) ** 2 +
    (Math.log10(lr) + 3) ** 2 +
    share +
    Math.abs(Math.log2(units) - 4) +
    even / 10 +
    (kind === 'b' ? 0 : 1)
  )
}

/** The contract of a sampler, as tests. `make` makes it anew each time, with the seed given. */
export function testSampler(
  make: (seed: number) => Sampler,
  { skip = [], trials = 30 }: SamplerSuiteOptions = {},
): void {
  const check = (name: string, run: () => Promise<void>) => {
    const exception = skip.find(entry => entry.tests.includes(name))
    if (exception !== undefined) test.skip(`${name} (${exception.reason})`, run)
    else test(name, run)
  }
  const study = (seed: number, storage: Storage = memoryStorage(), more: object = {}): Promise<Study> =>
    createStudy({ name: 's', storage, sampler: make(seed), loadIfExists: true, ...more })
  const params = (list: readonly FrozenTrial[]) => list.map(trial => trial.params)

  describe(`${make(0).name} keeps the contract of a sampler`, () => {
    check('gives values that lie in their distributions', async () => {
      const s = await study(1)
      await s.optimize(everything, { trials })
      for (const trial of await s.trials())
        for (const [name, distribution] of Object.entries(trial.distributions) as [string, Distribution][])
          expect(
            contains(distribution, toInternal(distribution, trial.params[name]!)),
            `${name} = ${trial.params[name]}`,
          ).toBe(true)
    })

    check('goes the same way with the same seed, another way with another', async () => {
      const run = async (seed: number) => {
        const s = await study(seed)
        await s.optimize(everything, { trials })
        return params(await s.trials())
      }
      const first = await run(3)
      expect(await run(3)).toEqual(first)
      expect(await run(4)).not.toEqual(first)
    })

    check('goes on in a new process as if it had not stopped', async () => {
      const storage = memoryStorage()
      await (await study(5, storage)).optimize(everything, { trials: trials - 7 })
      await (await study(5, storage)).optimize(everything, { trials: 7 })
      const whole = await study(5)
      await whole.optimize(everything, { trials })
      expect(params(await (await study(5, storage)).trials())).toEqual(params(await whole.trials()))
    })

    check('lives with trials that fail, are pruned, or return infinity', async () => {
      const s = await study(6)
      await s.optimize(
        trial => {
          const value = everything(trial)
          if (trial.number % 5 === 1) throw new Error('no')
          return trial.number % 5 === 2 ? Number.POSITIVE_INFINITY : trial.number % 5 === 3 ? Number.NaN : value
        },
        { trials, catch: true },
      )
      expect((await s.trials()).length).toBe(trials)
    })

    check('follows questions that depend on answers, and ranges that change', async () => {
      const s = await study(7)
      await s.optimize(
        trial => {
          const high = trial.number < trials / 2 ? 10 : 20
          const x = trial.suggestFloat('x', 0, high)
          if (trial.suggestCategorical('more', [true, false])) return x + trial.suggestInt('n', 1, high)
          return x + trial.suggestFloat('y', -1, 0)
        },
        { trials },
      )
      expect((await s.trials(['COMPLETE'])).length).toBe(trials)
    })

    check('gives trials side by side', async () => {
      const s = await study(8)
      await s.optimize(
        async trial => {
          const value = everything(trial)
          await new Promise(resolve => setTimeout(resolve, 1))
          return value
        },
        { trials, concurrency: 4 },
      )
      const seen = new Set(params(await s.trials()).map(p => JSON.stringify(p)))
      expect(seen.size).toBe(trials)
    })

    check('takes what is enqueued', async () => {
      const s = await study(9)
      await s.enqueueTrial({ x: 2.5, kind: 'b' })
      await s.optimize(everything, { trials: 2 })
      expect(params(await s.trials())[0]).toMatchObject({ x: 2.5, kind: 'b' })
    })

    check('serves several objectives', async () => {
      const s = await study(10, memoryStorage(), { directions: ['minimize', 'maximize'] })
      await s.optimize(trial => [everything(trial), trial.params.x as number], { trials })
      expect((await s.bestTrials()).length).toBeGreaterThan(0)
    })
  })
}
