import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createStudy } from '../create.js'
import { dominates } from '../pareto.js'
import type { Study } from '../study.js'
import { hyperband, median, type Pruner, patient, percentile, successiveHalving, threshold, wilcoxon } from './index.js'
import { REPORTS, rankOrder } from './reports.js'

const two = (pruner: Pruner) => createStudy({ directions: ['minimize', 'maximize'], pruner })

/** Runs trials to the end: for each what it reports at steps 0, 1, … */
async function complete(study: Study, trials: readonly (readonly (readonly number[])[])[]) {
  for (const reports of trials) {
    const trial = await study.ask()
    for (const [step, values] of reports.entries()) await trial.report(values, step)
    await study.tell(trial, reports.at(-1)!)
  }
}

/** Reports one trial's values and says at which step it is pruned; null for never. */
async function prunedAt(study: Study, reports: readonly (readonly number[])[]): Promise<number | null> {
  const trial = await study.ask()
  for (const [step, values] of reports.entries()) {
    await trial.report(values, step)
    if (await trial.shouldPrune()) return step
  }
  return null
}

describe('reports of several objectives', () => {
  test('keep all values with the trial, and the first where Optuna reads it', async () => {
    const study = await two(median())
    const trial = await study.ask()
    await trial.report([1, 2], 0)
    await trial.report([3, Number.NaN], 4)
    await trial.report([9, 9], 4)
    const stored = (await study.trials())[0]!
    expect([...stored.intermediateValues]).toEqual([
      [0, 1],
      [4, 3],
    ])
    expect(stored.systemAttrs[REPORTS]).toEqual({ 0: [1, 2], 4: [3, Number.NaN] })
  })

  test('have one value for each objective, and a study with one takes a list of one', async () => {
    const study = await two(median())
    const trial = await study.ask()
    await expect(trial.report([1, 2, 3], 0)).rejects.toMatchObject({ code: 'bad-report' })
    await expect(trial.report(['1', 2] as never, 0)).rejects.toMatchObject({ code: 'bad-report' })
    await expect(trial.report([1], 0)).rejects.toMatchObject({ code: 'bad-report' })
    const single = await (await createStudy()).ask()
    await single.report([0.5], 0)
    expect(single.lastReport()).toBe(0.5)
  })

  test('a trial that is pruned has no values', async () => {
    const study = await two(threshold({ upper: 1 }))
    await study.optimize(trial => trial.reportOrPrune([5, 5], 0).then(() => [0, 0]), { trials: 2 })
    expect((await study.trials()).map(({ state, values }) => [state, values])).toEqual([
      ['PRUNED', null],
      ['PRUNED', null],
    ])
  })

  test('of the trial it repeats do not count for one that is tried again', async () => {
    const study = await two(threshold({ upper: [null, 1] }))
    await study.addTrial({ state: 'WAITING', systemAttrs: { [REPORTS]: { 0: [0, 9], 1: [0, 9] } } })
    const trial = await study.ask()
    await trial.report(0, 0)
    expect(await trial.shouldPrune()).toBe(false)
    await trial.report([0, 0], 1)
    expect(await trial.shouldPrune()).toBe(false)
  })
})

test('median prunes what lies behind the middle of the others, and never what none of them dominates', async () => {
  // Four on the front (first small, second large), four behind.
  const front = [0, 1, 2, 3].map(i => [[i, i]])
  const behind = [0, 1, 2, 3].map(i => [[i + 2, i - 2]])
  const study = await two(median({ nStartupTrials: 1 }))
  await complete(study, [...front, ...behind])
  expect(await prunedAt(study, [[1.5, 1.5]])).toBe(null)
  expect(await prunedAt(study, [[-1, 9]])).toBe(null)
  expect(await prunedAt(study, [[1.5, 1.2]])).toBe(null)
  expect(await prunedAt(study, [[9, -9]])).toBe(0)
})

test('a trial is measured by the best of what it reported', async () => {
  const study = await two(percentile(50, { nStartupTrials: 1, nWarmupSteps: 1 }))
  await complete(
    study,
    [0, 1, 2, 3, 4, 5].map(i => [
      [i, -i],
      [i, -i],
    ]),
  )
  expect(
    await prunedAt(study, [
      [0.5, -0.5],
      [9, -9],
    ]),
  ).toBe(null)
  expect(
    await prunedAt(study, [
      [9, -9],
      [8, -8],
    ]),
  ).toBe(1)
  expect(
    await prunedAt(study, [
      [Number.NaN, 0],
      [0, Number.NaN],
    ]),
  ).toBe(1)
})

test.each([
  ['successive halving', () => successiveHalving({ minResource: 1, reductionFactor: 3 })],
  ['hyperband', () => hyperband({ maxResource: 9 })],
  ['patient', () => patient(null, { patience: 1, minDelta: 0.1 })],
] as const)('%s with objectives that agree decides as with one', async (_, make) => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(fc.integer({ min: 0, max: 20 }), { minLength: 4, maxLength: 9 }), {
        minLength: 3,
        maxLength: 12,
      }),
      async trials => {
        const one = await createStudy({ name: 'agree', direction: 'minimize', pruner: make() })
        const several = await createStudy({ name: 'agree', directions: ['minimize', 'maximize'], pruner: make() })
        for (const reports of trials) {
          const [a, b] = [await one.ask(), await several.ask()]
          let pruned = false
          for (const [step, value] of reports.entries()) {
            await a.report(value, step)
            await b.report([value, -value], step)
            pruned = await a.shouldPrune()
            expect(await b.shouldPrune()).toBe(pruned)
            if (pruned) break
          }
          const last = reports.at(-1)!
          await one.tell(a, pruned ? null : last, pruned ? { state: 'PRUNED' } : {})
          await several.tell(b, pruned ? null : [last, -last], pruned ? { state: 'PRUNED' } : {})
        }
      },
    ),
    { numRuns: 25 },
  )
})

test('successive halving keeps the vectors at a rung, and of one front those with the most room', async () => {
  const study = await two(successiveHalving({ minResource: 1, reductionFactor: 2 }))
  const trials = []
  for (const values of [
    [0, 0],
    [4, 4],
    [1, 1],
    [1.1, 1.1],
    [1.2, 1.2],
  ]) {
    const trial = await study.ask()
    await trial.report(values, 1)
    trials.push(await trial.shouldPrune())
  }
  expect(trials).toEqual([false, false, true, true, true])
  expect((await study.trials())[1]!.systemAttrs.completed_rung_0).toEqual([4, 4])
})

test('threshold has bounds for each objective; one number is the first one’s', async () => {
  const list = await two(threshold({ lower: [null, 0.5], upper: [2] }))
  expect(await prunedAt(list, [[1, 0.4]])).toBe(0)
  expect(await prunedAt(list, [[1, 0.6]])).toBe(null)
  expect(await prunedAt(list, [[3, 0.6]])).toBe(0)
  expect(await prunedAt(list, [[1, Number.NaN]])).toBe(0)
  expect(await prunedAt(await two(threshold({ upper: 2 })), [[1, 99]])).toBe(null)
})

test('wilcoxon prunes what a trial of the front beats in each objective over the instances', async () => {
  const study = await two(wilcoxon())
  const instances = [0, 1, 2, 3, 4, 5]
  await complete(study, [instances.map(i => [i, i])])
  expect(
    await prunedAt(
      study,
      instances.map(i => [i + 1, i - 1]),
    ),
  ).toBe(4)
  expect(
    await prunedAt(
      study,
      instances.map(i => [i + 1, i + 1]),
    ),
  ).toBe(null)
})

describe('rankOrder', () => {
  const points = fc.array(fc.tuple(fc.integer({ min: 0, max: 6 }), fc.integer({ min: 0, max: 6 })), {
    minLength: 1,
    maxLength: 20,
  })
  test('puts a point behind every one that dominates it, and equal points at one place', () => {
    fc.assert(
      fc.property(points, list => {
        const places = rankOrder(list)
        for (const [i, a] of list.entries())
          for (const [k, b] of list.entries()) {
            if (dominates(a, b)) expect(places[i]!).toBeLessThan(places[k]!)
            if (String(a) === String(b)) expect(places[i]).toBe(places[k])
          }
      }),
    )
  })
  test('does not depend on the order the points come in', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.tuple(fc.integer(), fc.integer()), { minLength: 1, selector: String }), list => {
        expect(rankOrder([...list].reverse()).reverse()).toEqual(rankOrder(list))
      }),
    )
  })
})
