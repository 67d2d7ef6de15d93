import { describe, expect, test } from 'vitest'
import { failStale } from './heartbeat.js'
import { createStudy, loadStudy, samplers, type Trial, TrialPruned } from './index.js'
import { memoryStorage } from './storage/index.js'

const study = (options: Parameters<typeof createStudy>[0] = {}) =>
  createStudy({ sampler: samplers.random({ seed: 1 }), ...options })
const refused = (work: Promise<unknown>, code: string) =>
  expect(work).rejects.toMatchObject({ name: 'ConfigError', code })

test('where the sampler fails, its trial has failed too', async () => {
  const broken = {
    ...samplers.random({ seed: 1 }),
    searchSpace: () => {
      throw new Error('no space')
    },
  }
  const s = await study({ sampler: broken })
  await expect(s.ask()).rejects.toThrow('no space')
  expect((await s.trials()).map(trial => trial.state)).toEqual(['FAIL'])
})

test('processes that create a study at once share it', async () => {
  const storage = memoryStorage()
  // As if another process had made it between the look and the creation.
  let looks = 0
  const late = { ...storage, findStudy: async (name: string) => (looks++ === 0 ? null : storage.findStudy(name)) }
  const first = await study({ storage, name: 'shared' })
  expect((await study({ storage: late, name: 'shared', loadIfExists: true })).id).toBe(first.id)
  await refused(study({ storage, name: 'shared' }), 'duplicate-study')
})

describe('tell', () => {
  // What Optuna makes of it: state and values.
  test.each<
    [string, Parameters<Awaited<ReturnType<typeof study>>['tell']>[1], 'COMPLETE' | 'FAIL', readonly number[] | null]
  >([
    ['a number', 1.5, 'COMPLETE', [1.5]],
    ['a list of one', [2], 'COMPLETE', [2]],
    ['an infinite number', Infinity, 'COMPLETE', [Infinity]],
    ['nothing', undefined, 'FAIL', null],
    ['NaN', Number.NaN, 'FAIL', null],
    ['too many', [1, 2], 'FAIL', null],
    ['an empty list', [], 'FAIL', null],
    ['what is no number', 'a' as unknown as number, 'FAIL', null],
  ])('of %s', async (_, values, state, kept) => {
    const s = await study()
    expect(await s.tell(await s.ask(), values)).toMatchObject({ state, values: kept })
  })

  test.each<[string, number | null, readonly number[] | null]>([
    ['its last report', 3, [3]],
    ['its last report, infinite', -Infinity, [-Infinity]],
    ['nothing where that is NaN', Number.NaN, null],
    ['nothing where there is none', null, null],
  ])('of PRUNED keeps %s', async (_, report, values) => {
    for (const fromElsewhere of [false, true]) {
      const storage = memoryStorage()
      const s = await study({ storage, name: 's' })
      const trial = await s.ask()
      await trial.report(7, 0)
      if (report !== null) await trial.report(report, 5)
      const teller = fromElsewhere ? await loadStudy({ storage, name: 's' }) : s
      const told = await teller.tell(trial.number, null, { state: 'PRUNED' })
      expect(told).toMatchObject({ state: 'PRUNED', values: report === null ? [7] : values })
    }
    const bare = await study()
    expect(await bare.tell(await bare.ask(), null, { state: 'PRUNED' })).toMatchObject({ values: null })
  })

  test('refuses what contradicts itself, and leaves the trial running', async () => {
    const s = await study()
    const trial = await s.ask()
    await refused(s.tell(trial, 1, { state: 'FAIL' }), 'values-of-failure')
    await refused(s.tell(trial, 1, { state: 'PRUNED' }), 'values-of-failure')
    await refused(s.tell(trial, null, { state: 'COMPLETE' }), 'bad-values')
    await refused(s.tell(trial, Number.NaN, { state: 'COMPLETE' }), 'bad-values')
    expect((await s.trials())[0]!.state).toBe('RUNNING')
    await s.tell(trial, 1)
  })

  test('is done once, by trial or number', async () => {
    const s = await study()
    const trial = await s.ask()
    await s.tell(trial.number, 1)
    await refused(s.tell(trial, 2), 'finished-trial')
    await refused(s.tell(trial.number, 2), 'finished-trial')
    await refused(s.tell(99, 2), 'unknown-trial')
    expect(await s.tell(trial, 2, { skipIfFinished: true })).toMatchObject({ values: [1] })
  })

  test('with several objectives wants a value for each', async () => {
    const s = await study({ directions: ['minimize', 'maximize'] })
    expect(await s.tell(await s.ask(), 1)).toMatchObject({ state: 'FAIL', values: null })
    expect(await s.tell(await s.ask(), [1, 2])).toMatchObject({ state: 'COMPLETE', values: [1, 2] })
    await refused(s.bestTrial(), 'several-objectives')
  })
})

describe('ask', () => {
  test('asks for distributions at once, and writes them', async () => {
    const s = await study()
    const trial = await s.ask({ x: { type: 'float', low: 0, high: 1, log: false, step: null } })
    expect((await s.trials())[0]!.params).toEqual(trial.params)
  })

  test('takes trials in line first, in their order, with the values they were given', async () => {
    const s = await study()
    await s.enqueueTrial({ x: 0.25 }, { userAttrs: { who: 'me' } })
    await s.enqueueTrial({ x: 0.5, y: 100 })
    await s.enqueueTrial({ x: 0.25 }, { skipIfExists: true })
    const [a, b, c] = [await s.ask(), await s.ask(), await s.ask()]
    expect([a.number, b.number, c.number]).toEqual([0, 1, 2])
    expect([a, b].map(trial => trial.suggestFloat('x', 0, 1))).toEqual([0.25, 0.5])
    expect(a.userAttrs).toEqual({ who: 'me' })
    expect(b.suggestInt('y', 0, 9)).toBe(100) // even outside the range
    expect(c.systemAttrs).toEqual({})
  })

  test('refuses a queued value that is no choice', async () => {
    const s = await study()
    await s.enqueueTrial({ c: 'z' })
    const trial = await s.ask()
    expect(() => trial.suggestCategorical('c', ['a', 'b'])).toThrow(
      expect.objectContaining({ code: 'bad-fixed-value' }),
    )
  })

  test('gives the same value for the same name, and refuses another kind', async () => {
    const s = await study()
    const trial = await s.ask()
    const x = trial.suggestFloat('x', 0, 1)
    expect(trial.suggestFloat('x', 0, 1)).toBe(x)
    expect(trial.suggestFloat('x', 5, 6)).toBe(x) // ranges may change
    expect(() => trial.suggestInt('x', 0, 1)).toThrow(expect.objectContaining({ code: 'incompatible-distribution' }))
    expect(() => trial.suggestFloat('x', 1, 2, { log: true })).toThrow(
      expect.objectContaining({ code: 'incompatible-distribution' }),
    )
    await s.tell(trial, x)
    const next = await s.ask()
    expect(() => next.suggestCategorical('x', [1])).toThrow(
      expect.objectContaining({ code: 'incompatible-distribution' }),
    )
  })
})

test('what one turn of an objective writes is one transaction, and its end takes what is left', async () => {
  const storage = memoryStorage()
  const calls: string[] = []
  const spied = new Proxy(storage, {
    get: (target, name: keyof typeof storage) =>
      typeof target[name] === 'function'
        ? (...args: never[]) => {
            calls.push(name)
            return (target[name] as (...args: never[]) => unknown)(...args)
          }
        : target[name],
  })
  const s = await study({ storage: spied })
  calls.length = 0
  await s.optimize(trial => trial.suggestFloat('x', 0, 1) + trial.suggestInt('n', 0, 9), { trials: 2 })
  expect(calls).toEqual(['beginTrial', 'finishTrial', 'beginTrial', 'finishTrial'])
  calls.length = 0
  await s.optimize(
    async trial => {
      trial.suggestFloat('x', 0, 1)
      trial.setUserAttr('k', 1)
      await trial.report(1, 0)
      trial.setUserAttr('l', 1)
      await new Promise(resolve => setTimeout(resolve, 20))
      expect((await s.trials()).at(-1)!.userAttrs).toEqual({ k: 1, l: 1 }) // not only at the end
      return 1
    },
    { trials: 1 },
  )
  expect(calls.filter(call => call !== 'trials')).toEqual(['beginTrial', 'writeTrial', 'writeTrial', 'finishTrial'])
})

describe('optimize', () => {
  test('ends with an error of the objective, its trial failed', async () => {
    const s = await study()
    const objective = (trial: Trial) => {
      if (trial.number === 2) throw new TypeError('no')
      return trial.number
    }
    await expect(s.optimize(objective, { trials: 5 })).rejects.toThrow('no')
    expect((await s.trials()).map(trial => trial.state)).toEqual(['COMPLETE', 'COMPLETE', 'FAIL'])
    expect((await s.trials())[2]!.systemAttrs).toEqual({ fail_reason: 'TypeError: no' })
  })

  test('goes on after errors that are caught, and no others', async () => {
    const s = await study()
    const objective = (trial: Trial) => {
      if (trial.number % 2 === 1) throw new TypeError('no')
      if (trial.number === 4) throw new RangeError('not at all')
      return trial.number
    }
    const options = { trials: 9, catch: (error: unknown) => error instanceof TypeError }
    await expect(s.optimize(objective, options)).rejects.toThrow('not at all')
    expect((await s.trials()).map(trial => trial.state)).toEqual(['COMPLETE', 'FAIL', 'COMPLETE', 'FAIL', 'FAIL'])
  })

  test('prunes by TrialPruned', async () => {
    const s = await study()
    await s.optimize(
      async trial => {
        await trial.report(trial.number, 1)
        throw new TrialPruned()
      },
      { trials: 2 },
    )
    expect((await s.trials()).map(trial => [trial.state, trial.values])).toEqual([
      ['PRUNED', [0]],
      ['PRUNED', [1]],
    ])
  })

  test('stops when told to, by signal and after a time, with no trial left running', async () => {
    for (const how of ['stop', 'signal', 'timeout'] as const) {
      const s = await study()
      const controller = new AbortController()
      await s.optimize(
        async trial => {
          await new Promise(resolve => setTimeout(resolve, 20))
          if (trial.number === 3 && how === 'stop') s.stop()
          if (trial.number === 3 && how === 'signal') controller.abort()
          return 1
        },
        { concurrency: 2, signal: controller.signal, ...(how === 'timeout' ? { timeout: 0.1 } : {}) },
      )
      const trials = await s.trials()
      expect(trials.length, how).toBeGreaterThanOrEqual(how === 'timeout' ? 1 : 4)
      expect(trials.every(trial => trial.state === 'COMPLETE')).toBe(true)
    }
  })

  test('leaves timers their turns, where neither objective nor storage waits for anything', async () => {
    const s = await study()
    const controller = new AbortController()
    setTimeout(() => controller.abort(), 50)
    await s.optimize(() => 1, { signal: controller.signal, trials: 20_000 })
    expect((await s.trials()).length).toBeLessThan(20_000)
  })

  test('calls back after each trial, one at a time, also where several run', async () => {
    const s = await study()
    let at = 0
    const seen: number[] = []
    await s.optimize(async trial => trial.number, {
      trials: 12,
      concurrency: 4,
      callbacks: [
        async (of, trial) => {
          expect(of).toBe(s)
          expect(++at).toBe(1)
          await new Promise(resolve => setTimeout(resolve, 1))
          at--
          seen.push(trial.number)
          expect(trial.state).toBe('COMPLETE')
        },
      ],
    })
    expect(seen.sort((a, b) => a - b)).toEqual(Array.from({ length: 12 }, (_, i) => i))
  })

  test('runs one at a time in a study', async () => {
    const s = await study()
    await refused(
      s.optimize(
        async () => {
          await s.optimize(() => 1, { trials: 1 })
          return 1
        },
        { trials: 1 },
      ),
      'nested-optimize',
    )
    await s.optimize(() => 1, { trials: 1 })
  })
})

test('a trial whose worker went silent is failed, and tried again as often as allowed', async () => {
  const s = await study()
  const heartbeat = { interval: 60, grace: 0.001, retry: 2 }
  for (let life = 0; life < 5; life++) {
    const { trial } = await s.storage.beginTrial(s.id, { beat: true })
    if (life === 0) await s.storage.setTrialUserAttr(trial.id, 'k', 'v')
    await new Promise(resolve => setTimeout(resolve, 5))
    await Promise.all([failStale(s.storage, s.id, heartbeat), failStale(s.storage, s.id, heartbeat)])
  }
  const trials = await s.trials()
  expect(trials.map(trial => [trial.state, trial.systemAttrs.retry_history ?? null])).toEqual([
    ['FAIL', null],
    ['FAIL', [0]],
    ['FAIL', [0, 1]],
    ['FAIL', null],
    ['FAIL', [3]],
    ['WAITING', [3, 4]],
  ])
  expect(trials.slice(0, 3).map(trial => trial.userAttrs.k)).toEqual(['v', 'v', 'v'])
  expect(trials[2]!.systemAttrs.failed_trial).toBe(0)
})

test('studies are found by name, and the nearest names are told', async () => {
  const storage = memoryStorage()
  await study({ storage, name: 'digits' })
  await refused(study({ storage, name: 'digits' }), 'duplicate-study')
  expect((await study({ storage, name: 'digits', loadIfExists: true })).name).toBe('digits')
  await expect(loadStudy({ storage, name: 'digit' })).rejects.toThrow(/digits/)
  await refused(createStudy({ direction: 'up' as 'minimize' }), 'directions')
  await refused(createStudy({ directions: [] }), 'directions')
  await refused(createStudy({ sampelr: 1 } as object), 'unknown-option')
})
