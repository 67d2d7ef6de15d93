import { describe, expect, test } from 'vitest'
import { counterRandom } from '../ir/index.js'
import { createStudy, type Direction, type pruners, samplers, type Trial } from '../tune/index.js'

type Pruner = pruners.Pruner

export interface PrunerSuiteOptions {
  /** Parts of the contract that do not hold, each with the reason. */
  skip?: readonly { readonly reason: string; readonly tests: readonly string[] }[]
}

const TRIALS = 12
const STEPS = 9

/** What trial `number` reports at a step: a level that falls, with noise. */
const curve = (seed: number) => {
  const random = counterRandom(seed, 'curves')
  return (number: number, step: number): number =>
    random.uniform(number) + 0.4 / (1 + step) + 0.3 * random.uniform(1000 + 100 * number + step)
}

interface Course {
  readonly pruner: Pruner
  readonly directions?: readonly Direction[]
  /** What a trial reports; nothing at a step where it is null. */
  readonly report: (number: number, step: number) => number | readonly number[] | null
  /** Trials at the same time. */
  readonly side?: number
}

/** Runs a study and says for each trial at which step it was pruned; null where it went through. */
async function run({ pruner, directions = ['minimize'], report, side = 1 }: Course): Promise<(number | null)[]> {
  const study = await createStudy({ name: 'contract', directions, pruner, sampler: samplers.random({ seed: 1 }) })
  const ends: (number | null)[] = []
  const live: { trial: Trial; step: number; last: readonly number[] }[] = []
  for (let begun = 0; begun < TRIALS || live.length > 0; ) {
    while (begun < TRIALS && live.length < side) {
      live.push({ trial: await study.ask(), step: 0, last: directions.map(() => 0) })
      ends.push(null)
      begun++
    }
    for (const at of [...live]) {
      const { number } = at.trial
      const value = at.step < STEPS ? report(number, at.step) : null
      if (value !== null) {
        const values = typeof value === 'number' ? [value] : value
        at.last = directions.map((_, i) => (Number.isNaN(values[i] ?? Number.NaN) ? 0 : values[i]!))
        await at.trial.report(value, at.step)
        const prune = await at.trial.shouldPrune()
        expect(typeof prune).toBe('boolean')
        if (prune) ends[number] = at.step
        if (prune) await study.tell(at.trial, null, { state: 'PRUNED' })
      }
      if (at.step++ < STEPS && ends[number] === null) continue
      if (ends[number] === null) await study.tell(at.trial, at.last)
      live.splice(live.indexOf(at), 1)
    }
  }
  const states = (await study.trials()).map(trial => trial.state)
  expect(states).toEqual(ends.map(end => (end === null ? 'COMPLETE' : 'PRUNED')))
  return ends
}

/** The contract of a pruner, as tests. `make` makes it anew each time, with options under which it prunes early. */
export function testPruner(make: () => Pruner, { skip = [] }: PrunerSuiteOptions = {}): void {
  const check = (name: string, body: () => Promise<void>) => {
    const exception = skip.find(entry => entry.tests.includes(name))
    if (exception !== undefined) test.skip(`${name} (${exception.reason})`, body)
    else test(name, body)
  }
  const falling = curve(1)

  describe(`${make().name} keeps the contract of a pruner`, () => {
    check('leaves a trial alone that has reported nothing', async () => {
      const study = await createStudy({ pruner: make() })
      for (let i = 0; i < 6; i++) {
        const other = await study.ask()
        await other.report(i, 3)
        await study.tell(other, i)
      }
      expect(await (await study.ask()).shouldPrune()).toBe(false)
    })

    check('prunes some trials and not all', async () => {
      const ends = await run({ pruner: make(), report: falling })
      expect(ends.some(end => end !== null)).toBe(true)
      expect(ends.some(end => end === null)).toBe(true)
    })

    check('lets a trial go on that gets better at each step and is better than all before', async () => {
      const ends = await run({
        pruner: make(),
        report: (number, step) => (number === TRIALS - 1 ? -1 - step : falling(number, step)),
      })
      expect(ends[TRIALS - 1]).toBe(null)
    })

    check('decides the same from the same, and changes nothing it is given', async () => {
      const pruner = make()
      await run({
        report: falling,
        pruner: {
          ...pruner,
          prune: async context => {
            const before = structuredClone([context.study, context.trial])
            const first = await pruner.prune(context)
            expect([context.study, context.trial]).toEqual(before)
            expect(await pruner.prune(context)).toBe(first)
            return first
          },
        },
      })
    })

    check('holds no state: one made for each decision decides as one that saw the whole study', async () => {
      const fresh: Pruner = { ...make(), prune: context => make().prune(context) }
      // The first trials are short: what is estimated from them differs from what all would say.
      const report = (number: number, step: number) => (step > 2 + 2 * number ? null : falling(number, step))
      for (const side of [1, 3])
        expect(await run({ pruner: fresh, report, side })).toEqual(await run({ pruner: make(), report, side }))
    })

    check('maximizes as it minimizes', async () => {
      const least = await run({ pruner: make(), report: falling })
      const most = await run({ pruner: make(), directions: ['maximize'], report: (n, step) => -falling(n, step) })
      expect(most).toEqual(least)
    })

    check('takes reports that are not finite, steps left out, trials side by side', async () => {
      const odd = counterRandom(2, 'odd')
      const report = (number: number, step: number) => {
        const u = odd.uniform(number * 100 + step)
        return u < 0.3 ? null : u < 0.4 ? Number.NaN : u < 0.45 ? Infinity : u < 0.5 ? -Infinity : falling(number, step)
      }
      await run({ pruner: make(), report, side: 4 })
      await run({
        pruner: make(),
        report: (number, step) => {
          const [first, second] = [report(number, step), report(number + 50, step)]
          return first === null || second === null ? null : [first, second]
        },
        directions: ['minimize', 'maximize'],
        side: 4,
      })
    })

    check('takes one number in a study with several objectives for the first of them', async () => {
      for (const direction of ['minimize', 'maximize'] as const) {
        const one = await run({ pruner: make(), directions: [direction], report: falling })
        expect(await run({ pruner: make(), directions: [direction, 'maximize'], report: falling })).toEqual(one)
      }
    })

    check('with several objectives prunes trials that others dominate, and none that is better in all', async () => {
      const second = curve(9)
      const ends = await run({
        pruner: make(),
        directions: ['minimize', 'maximize'],
        report: (number, step) =>
          number === TRIALS - 1
            ? [-1 - step, 1 + step]
            : number === TRIALS - 2
              ? [9 + step, -9 - step]
              : [falling(number, step), -second(number, step)],
      })
      expect(ends[TRIALS - 1]).toBe(null)
      expect(ends[TRIALS - 2]).not.toBe(null)
    })

    check('where it parts trials, each is in its own part, and two parts are the same or share none', async () => {
      const pruner = make()
      if (pruner.filterTrials === undefined) return
      const study = await createStudy({ name: 'parts', pruner })
      for (let i = 0; i < 30; i++) {
        const trial = await study.ask()
        await trial.report(i, 8)
        await trial.shouldPrune()
        await study.tell(trial, i)
      }
      const view = {
        name: study.name,
        directions: study.directions,
        trials: await study.trials(),
        systemAttrs: await study.systemAttrs(),
      }
      const parts = view.trials.map(trial => pruner.filterTrials!(view, trial).map(other => other.number))
      for (const [number, part] of parts.entries()) {
        expect(part).toContain(number)
        for (const other of parts) if (other.includes(number)) expect(other).toEqual(part)
      }
    })
  })
}
