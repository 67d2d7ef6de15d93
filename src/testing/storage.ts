import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  type Direction,
  type Distribution,
  freshTrial,
  type Json,
  type Storage,
  type TrialTemplate,
} from '../tune/storage/index.js'

export interface StorageSuiteOptions {
  /** Parts of the contract that do not hold, each with the reason. */
  skip?: readonly { readonly reason: string; readonly tests: readonly string[] }[]
}

/** Where one test's storages live: each `open` is another connection to the same place. */
export interface StoragePlace {
  open(): Promise<Storage> | Storage
  close?(): Promise<void> | void
}

const FLOAT = { type: 'float', low: -5, high: 5, log: false, step: null } as const satisfies Distribution
const LOG: Distribution = { type: 'float', low: 1e-9, high: 1, log: true, step: null }
const INT: Distribution = { type: 'int', low: 1, high: 64, log: false, step: 3 }
const CHOICE: Distribution = { type: 'categorical', choices: ['ä', null, 3, 2.5, true, Number.NaN] }

/** JSON that is hard to keep: what Python writes and JavaScript's own parser does not read, any letters, deep and long. */
const HARD: Readonly<Record<string, Json>> = {
  bare: [Number.NaN, Infinity, -Infinity, -0, 5e-324, 1.7976931348623157e308],
  big: [1152921504606846976n, -(10n ** 40n), 2 ** 53 - 1],
  letters: '\u0000\u001f"\\\u007f\u2028 ünïcödé 漢字 🎉 \ud800',
  deep: Array.from({ length: 60 }).reduce<Json>(inner => [{ inner }], null),
  empty: [{}, [], '', null, false],
  ['__proto__']: { constructor: 1, ['__proto__']: 2 },
  'a key with "quotes" and 漢字': 1,
}

/**
 * The contract of a storage, as tests. `make` gives a place that is empty at the beginning; it is opened more than once in
 * some tests, and what one connection writes the others must see.
 */
export function testStorage(
  make: () => StoragePlace | Promise<StoragePlace>,
  { skip = [] }: StorageSuiteOptions = {},
): void {
  let place: StoragePlace
  let storage: Storage
  let opened: Storage[] = []
  const open = async (): Promise<Storage> => {
    const another = await place.open()
    opened.push(another)
    return another
  }
  const check = (name: string, run: () => Promise<void>) => {
    const exception = skip.find(entry => entry.tests.includes(name))
    if (exception !== undefined) test.skip(`${name} (${exception.reason})`, run)
    else test(name, run)
  }
  const newStudy = (name = 'study', directions: readonly Direction[] = ['minimize']) =>
    storage.createStudy(name, directions)
  const refused = (work: Promise<unknown>, code: string) => expect(work).rejects.toMatchObject({ code })
  const template = (fields: Partial<TrialTemplate>): TrialTemplate => ({ ...freshTrial(), ...fields })

  describe('keeps the contract of a storage', () => {
    beforeEach(async () => {
      place = await make()
      opened = []
      storage = await open()
    })
    afterEach(async () => {
      for (const one of opened) await one.close()
      await place.close?.()
    })

    check('keeps studies by name, with directions in order', async () => {
      const names = ['a', "b'; DROP TABLE studies; --", 'ünïcödé 漢字 🎉', 'x'.repeat(512)]
      const ids: number[] = []
      for (const name of names) ids.push(await newStudy(name, ['maximize', 'minimize', 'maximize']))
      expect(new Set(ids).size).toBe(names.length)
      for (const [i, name] of names.entries()) {
        expect(await storage.findStudy(name)).toBe(ids[i])
        expect(await storage.study(ids[i]!)).toEqual({
          id: ids[i],
          name,
          directions: ['maximize', 'minimize', 'maximize'],
          userAttrs: {},
          systemAttrs: {},
        })
      }
      expect((await storage.studies()).map(study => study.name)).toEqual(names)
      expect(await storage.findStudy('c')).toBeNull()
    })

    check('refuses a name that is taken, and what is no name', async () => {
      await newStudy('a')
      await refused(newStudy('a'), 'duplicate-study')
      await refused(newStudy('x'.repeat(513)), 'bad-name')
      await refused(newStudy('a\u0000b'), 'bad-name')
      expect(await storage.studies()).toHaveLength(1)
    })

    check('gives a name to one of several who want it at once', async () => {
      const others = [storage, await open(), await open()]
      const results = await Promise.allSettled(others.map(one => one.createStudy('a', ['minimize'])))
      expect(results.filter(result => result.status === 'fulfilled')).toHaveLength(1)
      for (const result of results)
        if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'duplicate-study' })
      expect(await storage.studies()).toHaveLength(1)
    })

    check('says what it does not have', async () => {
      const id = await newStudy()
      const none = id + 1000
      await refused(storage.study(none), 'unknown-study')
      await refused(storage.trials(none), 'unknown-study')
      await refused(storage.snapshot(none), 'unknown-study')
      await refused(storage.createTrial(none), 'unknown-study')
      await refused(storage.beginTrial(none), 'unknown-study')
      await refused(storage.deleteStudy(none), 'unknown-study')
      await refused(storage.setStudyUserAttr(none, 'a', 1), 'unknown-study')
      await refused(storage.setStudySystemAttr(none, 'a', 1), 'unknown-study')
      await refused(storage.trial(none), 'unknown-trial')
      await refused(storage.setTrialState(none, 'RUNNING'), 'unknown-trial')
      await refused(storage.finishTrial(none, 'COMPLETE', [1]), 'unknown-trial')
      await refused(storage.setTrialParam(none, 'x', 1, FLOAT), 'unknown-trial')
      await refused(storage.setTrialUserAttr(none, 'x', 1), 'unknown-trial')
      await refused(storage.failTrial(none, null), 'unknown-trial')
    })

    check('keeps attributes of studies, the last value of each, whatever JSON they are', async () => {
      const id = await newStudy()
      for (const [key, value] of Object.entries(HARD)) {
        await storage.setStudyUserAttr(id, key, 'before')
        await storage.setStudyUserAttr(id, key, value)
        await storage.setStudySystemAttr(id, key, value)
      }
      const study = await (await open()).study(id)
      expect(study.userAttrs).toEqual(HARD)
      expect(study.systemAttrs).toEqual(HARD)
      expect(Object.is((study.userAttrs.bare as number[])[3], -0)).toBe(true)
    })

    check('keeps a trial as it was written', async () => {
      const id = await newStudy('study', ['minimize', 'maximize'])
      const before = Date.now()
      const { trial } = await storage.beginTrial(id)
      expect(trial).toMatchObject({ number: 0, state: 'RUNNING', values: null, complete: null, params: {} })
      expect(trial.start!.getTime()).toBeGreaterThanOrEqual(before - 1000)
      expect(trial.start!.getTime()).toBeLessThanOrEqual(Date.now() + 1000)
      await storage.setTrialParam(trial.id, 'z', 1 / 3, FLOAT)
      await storage.writeTrial(trial.id, [
        { kind: 'param', name: 'a', internal: 1e-9, distribution: LOG },
        { kind: 'param', name: 'ünïcödé 漢字', internal: 4, distribution: INT },
        { kind: 'param', name: 'choice', internal: 5, distribution: CHOICE },
        { kind: 'intermediate', step: 7, value: 0.1 + 0.2 },
        { kind: 'intermediate', step: 0, value: -Infinity },
        { kind: 'intermediate', step: 2, value: Number.NaN },
        ...Object.entries(HARD).map(([key, value]) => ({ kind: 'userAttr' as const, key, value })),
      ])
      await storage.setTrialSystemAttr(trial.id, 'constraints', [0, -1])
      await storage.finishTrial(trial.id, 'COMPLETE', [Infinity, 1e-300], [{ kind: 'systemAttr', key: 'b', value: 1 }])
      for (const one of [storage, await open()]) {
        const kept = await one.trial(trial.id)
        expect(kept).toMatchObject({ id: trial.id, number: 0, state: 'COMPLETE', values: [Infinity, 1e-300] })
        expect(Object.entries(kept.params)).toEqual([
          ['z', 1 / 3],
          ['a', 1e-9],
          ['ünïcödé 漢字', 4],
          ['choice', Number.NaN],
        ])
        expect(kept.internalParams).toEqual({ z: 1 / 3, a: 1e-9, 'ünïcödé 漢字': 4, choice: 5 })
        expect(kept.distributions).toEqual({ z: FLOAT, a: LOG, 'ünïcödé 漢字': INT, choice: CHOICE })
        expect(new Map(kept.intermediateValues)).toEqual(
          new Map([
            [7, 0.1 + 0.2],
            [0, -Infinity],
            [2, Number.NaN],
          ]),
        )
        expect(kept.userAttrs).toEqual(HARD)
        expect(kept.systemAttrs).toEqual({ constraints: [0, -1], b: 1 })
        expect(kept.start!.getTime()).toBe(trial.start!.getTime())
        expect(kept.complete!.getTime()).toBeGreaterThanOrEqual(kept.start!.getTime())
        expect(await one.trials(id)).toEqual([kept])
      }
    })

    check('keeps a trial that was made elsewhere', async () => {
      const id = await newStudy()
      const whole = template({
        state: 'PRUNED',
        values: [-Infinity],
        params: { x: 1.5, c: null },
        internalParams: { x: 1.5, c: 1 },
        distributions: { x: FLOAT, c: CHOICE },
        intermediateValues: new Map([[3, Number.NaN]]),
        userAttrs: { note: HARD.letters! },
        systemAttrs: { grid_id: 4 },
        start: new Date('2020-02-29T23:59:59.001Z'),
        complete: new Date('2020-03-01T00:00:00.000Z'),
      })
      const { id: trialId, number } = await storage.createTrial(id, whole)
      expect(number).toBe(0)
      expect(await (await open()).trial(trialId)).toEqual({ ...whole, id: trialId, number: 0 })
      await refused(storage.createTrial(id, template({ values: [Number.NaN] })), 'bad-values')
      const other = template({ distributions: { x: INT }, internalParams: { x: 4 }, params: { x: 4 } })
      await refused(storage.createTrial(id, other), 'incompatible-distribution')
      expect(await storage.trials(id)).toHaveLength(1)
    })

    check('overwrites a step, an attribute and a parameter that is written again', async () => {
      const id = await newStudy()
      const { trial } = await storage.beginTrial(id)
      for (const value of [1, 2]) {
        await storage.setIntermediateValue(trial.id, 5, value)
        await storage.setTrialUserAttr(trial.id, 'k', value)
        await storage.setTrialParam(trial.id, 'x', value, FLOAT)
      }
      const now = await storage.trial(trial.id)
      expect([...now.intermediateValues]).toEqual([[5, 2]])
      expect(now.userAttrs).toEqual({ k: 2 })
      expect(now.params).toEqual({ x: 2 })
    })

    check('never changes a trial that has ended', async () => {
      const id = await newStudy()
      for (const state of ['COMPLETE', 'PRUNED', 'FAIL'] as const) {
        const { trial } = await storage.beginTrial(id)
        const ended = await storage.finishTrial(trial.id, state, state === 'COMPLETE' ? [1] : null)
        for (const one of [storage, await open()]) {
          await refused(one.setTrialParam(trial.id, 'x', 1, FLOAT), 'finished-trial')
          await refused(one.setIntermediateValue(trial.id, 1, 1), 'finished-trial')
          await refused(one.setTrialUserAttr(trial.id, 'x', 1), 'finished-trial')
          await refused(one.setTrialSystemAttr(trial.id, 'x', 1), 'finished-trial')
          for (const to of ['RUNNING', 'COMPLETE', 'FAIL', 'WAITING'] as const)
            await refused(one.setTrialState(trial.id, to), 'finished-trial')
          await refused(
            one.finishTrial(trial.id, 'COMPLETE', [2], [{ kind: 'userAttr', key: 'x', value: 1 }]),
            'finished-trial',
          )
          expect(await one.failTrial(trial.id, template({ state: 'WAITING' }))).toBe(false)
          expect(await one.trial(trial.id)).toEqual(ended)
        }
      }
      expect(await storage.trials(id)).toHaveLength(3)
    })

    check('writes all or nothing, and nothing of a parameter of another kind', async () => {
      const id = await newStudy()
      const first = (await storage.beginTrial(id)).trial
      await storage.setTrialParam(first.id, 'x', 1, FLOAT)
      const { trial } = await (await open()).beginTrial(id)
      await refused(
        storage.writeTrial(trial.id, [
          { kind: 'userAttr', key: 'k', value: 1 },
          { kind: 'param', name: 'x', internal: 1, distribution: { ...FLOAT, low: 1e-3, log: true } },
        ]),
        'incompatible-distribution',
      )
      await refused(storage.writeTrial(trial.id, [{ kind: 'userAttr', key: 'k'.repeat(513), value: 1 }]), 'bad-name')
      await refused(storage.setIntermediateValue(trial.id, -1, 1), 'bad-step')
      await refused(storage.setIntermediateValue(trial.id, 2 ** 40, 1), 'bad-step')
      await refused(storage.finishTrial(trial.id, 'COMPLETE', [Number.NaN]), 'bad-values')
      expect(await storage.trial(trial.id)).toMatchObject({ state: 'RUNNING', userAttrs: {}, params: {} })
      await storage.setTrialParam(trial.id, 'x', 2, { ...FLOAT, high: 100 }) // ranges may change
      expect((await storage.trial(trial.id)).params).toEqual({ x: 2 })
    })

    check('lets one connection see what another writes', async () => {
      const id = await newStudy()
      const other = await open()
      expect(await other.trials(id)).toEqual([])
      const a = (await storage.beginTrial(id)).trial
      const b = (await other.beginTrial(id)).trial
      expect([a.number, b.number]).toEqual([0, 1])
      await storage.setTrialParam(a.id, 'x', 1, FLOAT)
      expect((await other.trials(id)).map(trial => trial.params)).toEqual([{ x: 1 }, {}])
      await other.setIntermediateValue(b.id, 0, 3)
      // The later one ends first; the earlier one goes on changing.
      await other.finishTrial(b.id, 'COMPLETE', [3])
      expect((await storage.trials(id)).map(trial => trial.state)).toEqual(['RUNNING', 'COMPLETE'])
      await storage.setTrialUserAttr(a.id, 'k', 'v')
      expect((await other.trials(id)).map(trial => trial.userAttrs)).toEqual([{ k: 'v' }, {}])
      await storage.finishTrial(a.id, 'FAIL', null)
      for (const one of [storage, other]) {
        const snapshot = await one.snapshot(id)
        expect(snapshot.trials.map(trial => [trial.number, trial.state, trial.values])).toEqual([
          [0, 'FAIL', null],
          [1, 'COMPLETE', [3]],
        ])
        expect(snapshot.study.name).toBe('study')
      }
    })

    check('gives a snapshot that does not change', async () => {
      const id = await newStudy()
      const { trial } = await storage.beginTrial(id)
      const trials = await storage.trials(id)
      await storage.finishTrial(trial.id, 'COMPLETE', [1])
      await storage.beginTrial(id)
      expect(trials.map(({ state }) => state)).toEqual(['RUNNING'])
    })

    check('numbers trials without gaps under many hands', async () => {
      const id = await newStudy()
      const other = await newStudy('other')
      const hands = [storage, await open(), await open(), await open()]
      const begun = await Promise.all(
        Array.from({ length: 60 }, async (_, i) => {
          const hand = hands[i % hands.length]!
          if (i % 7 === 0) await hand.beginTrial(other)
          if (i % 5 === 0)
            return hand.createTrial(id, template({ state: 'COMPLETE', values: [i], complete: new Date() }))
          const { trial, trials } = await hand.beginTrial(id)
          expect(trials[trial.number]).toEqual(trial)
          if (i % 3 === 0) await hand.finishTrial(trial.id, 'COMPLETE', [i])
          return trial
        }),
      )
      expect(begun.map(trial => trial.number).sort((a, b) => a - b)).toEqual(Array.from({ length: 60 }, (_, i) => i))
      for (const hand of hands) {
        const trials = await hand.trials(id)
        expect(trials.map(trial => trial.number)).toEqual(Array.from({ length: 60 }, (_, i) => i))
        expect(new Set(trials.map(trial => trial.id)).size).toBe(60)
      }
    })

    check('gives a trial that waits to one of many', async () => {
      const id = await newStudy()
      const queued: number[] = []
      for (let i = 0; i < 6; i++)
        queued.push(
          (
            await storage.createTrial(
              id,
              template({ state: 'WAITING', start: null, systemAttrs: { fixed_params: { i } } }),
            )
          ).number,
        )
      expect((await storage.trials(id)).map(trial => [trial.state, trial.start])).toEqual(
        queued.map(() => ['WAITING', null]),
      )
      const hands = [storage, await open(), await open(), await open()]
      const begun = await Promise.all(Array.from({ length: 12 }, (_, i) => hands[i % 4]!.beginTrial(id)))
      const numbers = begun.map(({ trial }) => trial.number)
      expect([...numbers].sort((a, b) => a - b)).toEqual(Array.from({ length: 12 }, (_, i) => i))
      for (const { trial } of begun) {
        expect(trial.state).toBe('RUNNING')
        expect(trial.start).not.toBeNull()
        expect(trial.systemAttrs).toEqual(trial.number < 6 ? { fixed_params: { i: trial.number } } : {})
      }
    })

    check('turns a waiting trial RUNNING once', async () => {
      const id = await newStudy()
      const hands = [storage, await open(), await open()]
      for (let i = 0; i < 4; i++) {
        const { id: trialId } = await storage.createTrial(id, template({ state: 'WAITING', start: null }))
        const won = await Promise.all(hands.map(hand => hand.setTrialState(trialId, 'RUNNING')))
        expect(won.filter(Boolean)).toHaveLength(1)
        expect(await storage.setTrialState(trialId, 'RUNNING')).toBe(false)
      }
    })

    check('ends a trial once, whoever wants to', async () => {
      const id = await newStudy()
      const hands = [storage, await open(), await open()]
      for (let i = 0; i < 4; i++) {
        const { trial } = await storage.beginTrial(id)
        const results = await Promise.allSettled(hands.map((hand, k) => hand.finishTrial(trial.id, 'COMPLETE', [k])))
        const winner = results.findIndex(result => result.status === 'fulfilled')
        expect(results.filter(result => result.status === 'fulfilled')).toHaveLength(1)
        for (const result of results)
          if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'finished-trial' })
        expect((await storage.trial(trial.id)).values).toEqual([winner])
      }
    })

    check('ends a trial and begins the next in one, where it has that', async () => {
      if (storage.nextTrial === undefined) return
      const id = await newStudy()
      const other = await open()
      const first = (await storage.beginTrial(id)).trial
      const x = { kind: 'param', name: 'x', internal: 1, distribution: FLOAT } as const
      const { ended, next } = await storage.nextTrial(first, 'COMPLETE', [2], [x], id)
      expect(ended).toMatchObject({ id: first.id, number: 0, state: 'COMPLETE', values: [2], params: { x: 1 } })
      expect(next!.trial).toMatchObject({ number: 1, state: 'RUNNING', start: ended.complete })
      expect(next!.trials).toEqual([ended, next!.trial])
      expect(await other.trials(id)).toEqual(next!.trials)
      // All or nothing.
      for (const one of [storage, other])
        await refused(one.nextTrial!(first, 'COMPLETE', [3], [], id), 'finished-trial')
      await refused(storage.nextTrial(next!.trial, 'COMPLETE', [Number.NaN], [], id), 'bad-values')
      const log = { ...x, distribution: LOG }
      await refused(storage.nextTrial(next!.trial, 'COMPLETE', [3], [log], id), 'incompatible-distribution')
      expect(await other.trials(id)).toEqual(next!.trials)
      // What waits in line comes first.
      await other.createTrial(id, template({ state: 'WAITING', start: null }))
      expect(await storage.nextTrial(next!.trial, 'FAIL', null, [], id)).toMatchObject({
        ended: { number: 1, state: 'FAIL', values: null },
        next: null,
      })
      expect((await storage.beginTrial(id)).trial.number).toBe(2)
    })

    check('numbers without gaps what many hands end and begin', async () => {
      if (storage.nextTrial === undefined) return
      const id = await newStudy()
      const hands = [storage, await open(), await open(), await open()]
      await Promise.all(
        hands.map(async hand => {
          let { trial } = await hand.beginTrial(id)
          for (let i = 0; i < 10; i++) trial = (await hand.nextTrial!(trial, 'COMPLETE', [i], [], id)).next!.trial
        }),
      )
      for (const hand of hands) {
        const trials = await hand.trials(id)
        expect(trials.map(trial => trial.number)).toEqual(Array.from({ length: 44 }, (_, i) => i))
        expect(trials.filter(trial => trial.state === 'COMPLETE')).toHaveLength(40)
      }
    })

    check('tells silent trials from those that beat and those that never did', async () => {
      const id = await newStudy()
      const silent = (await storage.beginTrial(id, { beat: true })).trial
      const never = (await storage.beginTrial(id)).trial
      const ended = (await storage.beginTrial(id, { beat: true })).trial
      await storage.finishTrial(ended.id, 'COMPLETE', [1])
      await storage.beat(ended.id)
      expect(await storage.staleTrials(id, 30)).toEqual([])
      await new Promise(resolve => setTimeout(resolve, 2200)) // databases may count whole seconds
      const other = await open()
      expect(await other.staleTrials(id, 0.5)).toEqual([silent.id])
      await storage.beat(silent.id)
      expect(await other.staleTrials(id, 1.9)).toEqual([])
      expect(await other.staleTrials(id, 1000)).toEqual([])
      expect((await storage.trial(never.id)).state).toBe('RUNNING')
    })

    check('fails a silent trial and puts it in line again, once', async () => {
      const id = await newStudy()
      const { trial } = await storage.beginTrial(id, { beat: true })
      await storage.setTrialParam(trial.id, 'x', 1, FLOAT)
      const { id: _, number: __, ...rest } = await storage.trial(trial.id)
      const retry = template({ ...rest, state: 'WAITING', start: null, systemAttrs: { retry_history: [0] } })
      const hands = [storage, await open(), await open()]
      const done = await Promise.all(hands.map(hand => hand.failTrial(trial.id, retry)))
      expect(done.filter(Boolean)).toHaveLength(1)
      const trials = await storage.trials(id)
      expect(trials.map(({ number, state }) => [number, state])).toEqual([
        [0, 'FAIL'],
        [1, 'WAITING'],
      ])
      expect(trials[1]).toMatchObject({ params: { x: 1 }, start: null, systemAttrs: { retry_history: [0] } })
      const again = (await storage.beginTrial(id, { beat: true })).trial
      expect(again).toMatchObject({ number: 1, params: { x: 1 } })
      expect(await storage.failTrial(again.id, null)).toBe(true)
      expect(await storage.trials(id)).toHaveLength(2)
    })

    check('deletes a study with all it had, and nothing else', async () => {
      const id = await newStudy('a')
      const other = await newStudy('b')
      const hand = await open()
      for (const study of [id, other]) {
        await storage.setStudyUserAttr(study, 'k', 1)
        await storage.setStudySystemAttr(study, 'k', 1)
        const { trial } = await storage.beginTrial(study, { beat: true })
        await storage.writeTrial(trial.id, [
          { kind: 'param', name: 'x', internal: 1, distribution: FLOAT },
          { kind: 'intermediate', step: 1, value: 1 },
          { kind: 'userAttr', key: 'k', value: 1 },
        ])
        await storage.finishTrial(trial.id, 'COMPLETE', [1])
      }
      const [gone] = await hand.trials(id)
      const [kept] = await hand.trials(other)
      await storage.deleteStudy(id)
      for (const one of [storage, hand]) {
        expect(await one.findStudy('a')).toBeNull()
        await refused(one.trials(id), 'unknown-study')
        await refused(one.trial(gone!.id), 'unknown-trial')
        await refused(one.beginTrial(id), 'unknown-study')
        expect(await one.trials(other)).toEqual([kept])
        expect((await one.studies()).map(study => study.name)).toEqual(['b'])
      }
      const again = await newStudy('a')
      expect(await hand.trials(again)).toEqual([])
      expect((await hand.beginTrial(again)).trial.number).toBe(0)
    })

    check('keeps a text of a million letters', async () => {
      const id = await newStudy()
      const { trial } = await storage.beginTrial(id)
      const long = 'ä漢🎉x'.repeat(200_000)
      await storage.setTrialUserAttr(trial.id, 'long', long)
      expect((await (await open()).trial(trial.id)).userAttrs.long === long).toBe(true)
    })
  })
}
