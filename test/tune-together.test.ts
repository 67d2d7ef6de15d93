import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  createStudy,
  loadStudy,
  type ParamValue,
  paramImportances,
  pruners,
  type Study,
  samplers,
} from '../src/tune/index.js'
import {
  besides,
  compare,
  kinds,
  PATIENCE,
  type Plan,
  pythonNote,
  type Read,
  sorted,
  upTo,
  withoutPython,
} from './tune-storage/beside.js'

// Python's Optuna and this package at work on one study at the same time.
let beside: Awaited<ReturnType<typeof besides>>
beforeAll(async () => {
  if (!withoutPython) beside = await besides()
})
afterAll(() => beside?.end())

const pause = (seconds: number) => new Promise(resolve => setTimeout(resolve, 1000 * seconds))
const HYPERBAND = { name: 'hyperband', minResource: 1, maxResource: 9, reductionFactor: 3 }
const HALVING = { name: 'successiveHalving', minResource: 1, reductionFactor: 3 }

/** Two workers of each side, as one plan for ours and one for theirs says. */
async function workTogether(url: string, name: string, each: number, ours: Plan, theirs: Plan): Promise<void> {
  const made = await Promise.all(
    [0, 1].flatMap(() => [
      beside.worker(url, name, each, ours),
      beside.optuna('together', url, name, `${each}`, JSON.stringify(theirs)) as Promise<unknown> as Promise<number[]>,
    ]),
  )
  expect(sorted(made.flat())).toEqual(upTo(4 * each))
}
const bySide = async (study: Study) => {
  const trials = await study.trials()
  const by = (side: string) => trials.filter(trial => trial.userAttrs.by === side)
  return { node: by('node'), python: by('python') }
}

for (const { kind, skip, note } of kinds)
  describe.skipIf(withoutPython || skip)(`Optuna and we on ${kind}${note}${pythonNote}`, () => {
    test(
      'with TPE and Hyperband: trials are in the same brackets, and pruned at their rungs',
      async () => {
        const url = beside.place(kind)
        const name = "gemeinsam ünï 漢字 'q'"
        const study = await createStudy({ name, storage: url })
        const sampler = { name: 'tpe', multivariate: true, constantLiar: true, nStartupTrials: 3 }
        await workTogether(
          url,
          name,
          8,
          { objective: 'steps', sampler, pruner: HYPERBAND },
          { objective: 'steps', sampler: 'tpe', pruner: 'hyperband' },
        )
        const view = await study.snapshot()
        const theirs = (await beside.optuna('brackets', url, name)) as readonly number[]
        const { name: _, ...options } = HYPERBAND
        const pruner = pruners.hyperband(options)
        for (const trial of view.trials)
          expect(pruner.filterTrials!(view, trial).map(other => other.number)).toEqual(
            upTo(32).filter(number => theirs[number] === theirs[trial.number]),
          )
        expect(new Set(theirs).size).toBe(3)
        const { node, python } = await bySide(study)
        expect([node.length, python.length]).toEqual([16, 16])
        for (const trial of view.trials.filter(({ state }) => state === 'PRUNED')) {
          const rungs = Object.keys(trial.systemAttrs).filter(key => key.startsWith('completed_rung_')).length
          expect(Math.max(...trial.intermediateValues.keys())).toBe(3 ** (theirs[trial.number]! + rungs - 1))
        }
        compare(((await beside.optuna('read', url, name)) as unknown as Read).trials, view.trials)
        await study.storage.close()
      },
      PATIENCE,
    )

    test(
      'with successive halving: rungs of both count on both sides',
      async () => {
        const url = beside.place(kind)
        const study = await createStudy({ name: 'halving', storage: url })
        await workTogether(
          url,
          'halving',
          8,
          { objective: 'steps', pruner: HALVING },
          { objective: 'steps', pruner: 'successiveHalving' },
        )
        const { node, python } = await bySide(study)
        for (const side of [node, python]) {
          for (const trial of side) expect(trial.systemAttrs.completed_rung_0).toBe(trial.intermediateValues.get(1))
          // Who is alone at a rung goes on; among 32, no side has only such.
          expect(side.filter(({ state }) => state === 'PRUNED').length).toBeGreaterThan(0)
        }
        await study.storage.close()
      },
      PATIENCE,
    )

    test(
      'what either side puts in line, the other takes, once and as it is',
      async () => {
        const url = beside.place(kind)
        const study = await createStudy({ name: 'line', storage: url })
        const odd: readonly Record<string, ParamValue>[] = [
          { kind: null, x: 1 },
          { kind: false, 'η rate': 0.01 },
          { kind: 7, n: 3 },
          { kind: 'ä' },
        ]
        for (const params of odd) await study.enqueueTrial(params, { userAttrs: { queued: 'node' } })
        await beside.optuna('together', url, 'line', '4', JSON.stringify({ objective: 'steps' } satisfies Plan))
        await beside.optuna('enqueue', url, 'line', JSON.stringify(odd))
        await beside.worker(url, 'line', 4, { objective: 'steps' } satisfies Plan)
        const trials = await study.trials()
        expect(trials.map(trial => [trial.state, trial.userAttrs.queued, trial.userAttrs.by])).toEqual([
          ...odd.map(() => ['COMPLETE', 'node', 'python']),
          ...odd.map(() => ['COMPLETE', 'python', 'node']),
        ])
        for (const [i, { params }] of trials.entries()) expect(params).toMatchObject(odd[i % 4]!)
        // Both queue at once, both work at once.
        await Promise.all([
          beside.optuna('enqueue', url, 'line', JSON.stringify(upTo(6).map(i => ({ x: i / 2 - 5 })))),
          ...upTo(6).map(i => study.enqueueTrial({ x: i / 2 })),
        ])
        await Promise.all([
          beside.worker(url, 'line', 6, { objective: 'steps' } satisfies Plan),
          beside.optuna('together', url, 'line', '6', JSON.stringify({ objective: 'steps' } satisfies Plan)),
        ])
        const later = (await study.trials()).slice(8)
        expect(later.map(trial => trial.state)).toEqual(upTo(12).map(() => 'COMPLETE'))
        expect(sorted(later.map(trial => trial.params.x as number))).toEqual(
          sorted([...upTo(6).map(i => i / 2 - 5), ...upTo(6).map(i => i / 2)]),
        )
        await study.storage.close()
      },
      PATIENCE,
    )

    // Optuna's journal knows no signs of life.
    test.skipIf(kind === 'journal')(
      'a worker killed on either side is noticed by the other, and its trial tried again there',
      async () => {
        const url = beside.place(kind)
        const study = await createStudy({
          name: 'killed',
          storage: url,
          heartbeat: { interval: 1, grace: 3, retry: 1 },
        })
        const both = [
          await beside.hanging('python', url, 'killed', 1),
          await beside.hanging('node', url, 'killed', 1),
        ] as const
        // They live on, longer than the grace period: neither side takes the other's for dead.
        await pause(4.5)
        await study.optimize(trial => trial.suggestFloat('x', -5, 5), { trials: 1 })
        await beside.optuna('together', url, 'killed', '1', JSON.stringify({ objective: 'plain2', retry: 1 }))
        expect((await study.trials()).map(trial => trial.state)).toEqual(['RUNNING', 'RUNNING', 'COMPLETE', 'COMPLETE'])
        both[0].kill('SIGKILL')
        await pause(4.5)
        await study.optimize(trial => trial.suggestFloat('x', -5, 5), { trials: 1 })
        both[1].kill('SIGKILL')
        await pause(4.5)
        await beside.optuna('together', url, 'killed', '1', JSON.stringify({ objective: 'plain2', retry: 1 }))
        const trials = await study.trials()
        expect(trials.map(trial => [trial.state, trial.systemAttrs.failed_trial ?? null])).toEqual([
          ['FAIL', null],
          ['FAIL', null],
          ['COMPLETE', null],
          ['COMPLETE', null],
          ['COMPLETE', 0],
          ['COMPLETE', 1],
        ])
        for (const [failed, repeat] of [
          [0, 4],
          [1, 5],
        ] as const) {
          expect(trials[repeat]!.systemAttrs.retry_history).toEqual([failed])
          expect(trials[repeat]!.params).toEqual(trials[failed]!.params)
        }
        compare(((await beside.optuna('read', url, 'killed')) as unknown as Read).trials, trials)
        await study.storage.close()
      },
      PATIENCE,
    )

    test(
      'with several objectives and constraints: one Pareto front',
      async () => {
        const url = beside.place(kind)
        const study = await createStudy({ name: 'fronts', storage: url, directions: ['minimize', 'maximize'] })
        await workTogether(
          url,
          'fronts',
          8,
          { objective: 'fronts', sampler: { name: 'tpe', nStartupTrials: 4 } },
          { objective: 'fronts', sampler: 'nsga2' },
        )
        const theirs = (await beside.optuna('fronts_of', url, 'fronts')) as {
          best: number[]
          constraints: { sum: number }[]
        }
        const trials = await study.trials()
        expect(theirs.constraints).toEqual(
          trials.map(({ params }) => ({ sum: 1 - (params.x as number) - (params.y as number) })),
        )
        expect(sorted((await study.bestTrials()).map(trial => trial.number))).toEqual(theirs.best)
        expect(theirs.best.length).toBeGreaterThan(0)
        await study.storage.close()
      },
      PATIENCE,
    )

    test(
      'the oddest of parameters and values are the same on both sides',
      async () => {
        const url = beside.place(kind)
        const theirs = (await beside.optuna('odd', url, 'odd')) as unknown as Read
        const study = await loadStudy({ name: 'odd', storage: url, sampler: samplers.random({ seed: 2 }) })
        compare(theirs.trials, await study.trials())
        await study.optimize(
          async trial => {
            const before = (await study.trials())[0]!
            for (const [name, distribution] of Object.entries(before.distributions)) trial.suggest(name, distribution)
            for (const [step, value] of before.intermediateValues) await trial.report(value, step)
            trial.setUserAttr('big', before.userAttrs.big!)
            return 1
          },
          { trials: 3 },
        )
        compare(((await beside.optuna('read', url, 'odd')) as unknown as Read).trials, await study.trials())
        await study.storage.close()
      },
      PATIENCE,
    )
  })

test.skipIf(withoutPython)(
  `importances are near each other${pythonNote}`,
  async () => {
    const url = beside.place('sqlite')
    const study = await createStudy({ name: 'matter', storage: url, sampler: samplers.random({ seed: 3 }) })
    await study.optimize(
      trial => {
        const x = trial.suggestFloat('x', -5, 5)
        const y = trial.suggestFloat('y', 1e-4, 1, { log: true })
        const c = trial.suggestCategorical('c', ['a', 'b', null])
        const n = trial.suggestInt('n', 1, 10)
        return x * x + 4 * Math.abs(Math.log10(y) + 2) + (c === 'b' ? 5 : 0) + 0.01 * n
      },
      { trials: 150 },
    )
    const theirs = (await beside.optuna('importances', url, 'matter')) as Record<string, Record<string, number>>
    const ped = await paramImportances(study)
    expect(Object.keys(ped)).toEqual(Object.keys(theirs.pedAnova!))
    for (const [name, share] of Object.entries(ped)) expect(share).toBeCloseTo(theirs.pedAnova![name]!, 9)
    const forest = await paramImportances(study, { evaluator: 'fanova' })
    for (const [name, share] of Object.entries(forest))
      expect(Math.abs(share - theirs.fanova![name]!), name).toBeLessThan(0.06)
    await study.storage.close()
  },
  PATIENCE,
)
