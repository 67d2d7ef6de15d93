import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createStudy, loadStudy } from '../src/tune/index.js'
import {
  besides,
  compare,
  kinds,
  PATIENCE,
  pythonNote,
  type Read,
  sorted,
  upTo,
  withoutPython,
} from './tune-storage/beside.js'

// Several processes on one study: ours, and Optuna's where ANNEAL_PYTHON names a Python that has it.
let beside: Awaited<ReturnType<typeof besides>>
beforeAll(async () => {
  beside = await besides()
})
afterAll(() => beside.end())

for (const { kind, skip, note } of kinds)
  describe(`many processes on ${kind}${note}`, () => {
    test.skipIf(skip)(
      'number their trials without gaps, sixteen at a time',
      async () => {
        const url = beside.place(kind)
        const study = await createStudy({ name: 'sixteen', storage: url })
        for (let i = 0; i < 8; i++) await study.enqueueTrial({ x: i })
        const made = (await Promise.all(upTo(16).map(() => beside.worker(url, 'sixteen', 6)))).flat()
        expect(sorted(made)).toEqual(upTo(96))
        const trials = await study.trials()
        expect(trials.map(trial => [trial.number, trial.state])).toEqual(upTo(96).map(i => [i, 'COMPLETE']))
        expect(trials.slice(0, 8).map(trial => trial.params.x)).toEqual(upTo(8))
        expect(new Set(trials.map(trial => trial.id)).size).toBe(96)
        await study.storage.close()
      },
      PATIENCE,
    )

    describe.skipIf(withoutPython)(`beside Optuna${pythonNote}`, () => {
      test.skipIf(skip)(
        'Optuna reads our study, to the last bit',
        async () => {
          const url = beside.place(kind)
          const study = await createStudy({ name: 'ours ünï 漢字', storage: url, direction: 'maximize' })
          await study.setUserAttr('odd', [Number.NaN, -Infinity, 2n ** 70n, 'ü 🎉'])
          await study.setMetricNames(['accuracy'])
          await study.optimize(
            async trial => {
              const x = trial.suggestFloat('x', -5, 5)
              trial.suggestFloat('lr', 1e-5, 1e-1, { log: true })
              trial.suggestFloat('step', 0, 1, { step: 0.1 })
              trial.suggestInt('n', 1, 64, { log: true })
              trial.suggestInt('k', 0, 10, { step: 3 })
              trial.suggestCategorical('c', ['a', null, 3, 2.5, true])
              trial.setUserAttr('note', { nan: Number.NaN, text: 'hé' })
              await trial.report(Number.NaN, 0)
              await trial.report(-Infinity, 3)
              if (trial.number === 2) throw new Error('no')
              return trial.number === 3 ? Infinity : x
            },
            { trials: 6, catch: true },
          )
          await study.enqueueTrial({ x: 1.5 })
          const read = (await beside.optuna('read', url, study.name)) as unknown as Read
          expect(read).toMatchObject({ directions: ['MAXIMIZE'], best: Infinity })
          expect(read.user).toEqual(await study.userAttrs())
          compare(read.trials, await study.trials())
          await study.storage.close()
        },
        PATIENCE,
      )

      test.skipIf(skip)(
        'we read theirs, with all that their samplers leave',
        async () => {
          const url = beside.place(kind)
          const theirRead = (await beside.optuna(
            'rich',
            url,
            'rich',
            ...(kind === 'sqlite' ? ['all'] : []),
          )) as unknown as Read
          const study = await loadStudy({ name: 'rich', storage: url })
          const trials = await study.trials()
          compare(theirRead.trials, trials)
          expect(await study.userAttrs()).toEqual(theirRead.user)
          expect((await study.systemAttrs())['study:metric_names']).toEqual(['loss'])
          expect(trials.length).toBeGreaterThanOrEqual(10)
          // And we go on where they stopped: the queued trial first.
          const trial = await study.ask()
          expect(trial.number).toBe(trials.length - 1)
          expect(trial.suggestFloat('x', -5, 5)).toBe(1.5)
          await study.tell(trial, 0)
          const again = (await beside.optuna('read', url, 'rich')) as unknown as Read
          compare(again.trials, await study.trials())
          await study.storage.close()
        },
        PATIENCE,
      )

      test.skipIf(skip)(
        'both work on one study at a time, and nothing is lost or doubled',
        async () => {
          const url = beside.place(kind)
          const study = await createStudy({ name: 'both', storage: url })
          for (let i = 0; i < 10; i++) await study.enqueueTrial({ x: i })
          const each = 8
          const made = await Promise.all([
            ...upTo(4).map(() => beside.worker(url, 'both', each)),
            ...upTo(4).map(async () => (await beside.optuna('work', url, 'both', `${each}`)) as unknown as number[]),
          ])
          expect(sorted(made.flat())).toEqual(upTo(8 * each))
          const trials = await study.trials()
          expect(trials.map(trial => [trial.number, trial.state])).toEqual(upTo(8 * each).map(i => [i, 'COMPLETE']))
          expect(trials.slice(0, 10).map(trial => trial.params.x)).toEqual(upTo(10))
          expect(trials.filter(trial => trial.userAttrs.by === 'python')).toHaveLength(4 * each)
          for (const trial of trials)
            expect(trial.values).toEqual([((trial.params.x as number) - 2) ** 2 + (trial.params.kind === 'a' ? 0 : 1)])
          const read = (await beside.optuna('read', url, 'both')) as unknown as Read
          expect(read.best).toBe(await study.bestValue())
          compare(read.trials, trials)
          await study.storage.close()
        },
        PATIENCE,
      )
    })
  })
