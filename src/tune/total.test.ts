import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { createStudy, loadStudy } from './create.js'
import { openStorage } from './storage/index.js'
import type { Storage } from './storage/storage.js'
import { type Trial, TrialPruned } from './trial.js'

const folder = mkdtempSync(join(tmpdir(), 'anneal-total-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const urls = { memory: 'memory', SQLite: `sqlite:///${folder}/a.db`, journal: `journal:///${folder}/a.log` }

describe.each(Object.entries(urls))('a total number of trials (%s)', (_kind, url) => {
  /** Connections of several workers; memory has one. */
  const connections = async (count: number): Promise<Storage[]> => {
    const first = await openStorage(url)
    const others = await Promise.all(
      Array.from({ length: count - 1 }, () => (url === 'memory' ? first : openStorage(url))),
    )
    return [first, ...others]
  }

  test('is kept exactly by workers that begin at the same time, and is gone on to later', async () => {
    const storages = await connections(4)
    const studies = []
    for (const storage of storages)
      studies.push(await createStudy({ name: 'together', storage, loadIfExists: true, heartbeat: { interval: 5 } }))
    for (const total of [21, 33]) {
      await Promise.all(
        studies.map(study => study.optimize(trial => trial.suggestFloat('x', 0, 1), { total, concurrency: 3 })),
      )
      const trials = await studies[0]!.trials()
      expect(trials.map(trial => [trial.number, trial.state])).toEqual(
        Array.from({ length: total }, (_, i) => [i, 'COMPLETE']),
      )
    }
    for (const storage of new Set(storages)) await storage.close()
  })

  test('counts a trial and its repetition once, and waits for workers until they are silent', async () => {
    const [storage] = await connections(1)
    const options = { name: 'silent', storage: storage!, heartbeat: { interval: 0.3, grace: 1.2, retry: 1 } }
    await (await createStudy(options)).ask() // a worker that dies at once
    const study = await loadStudy(options)
    await study.optimize(trial => trial.suggestFloat('x', 0, 1), { total: 3 })
    const trials = await study.trials()
    expect(trials.map(trial => trial.state)).toEqual(['FAIL', 'COMPLETE', 'COMPLETE', 'COMPLETE'])
    expect(trials.flatMap(trial => trial.systemAttrs.retry_history ?? [])).toEqual([0])
    await storage!.close()
  })

  test('makes as many as asked for, whatever becomes of them, and those in line first', async () => {
    const [storage] = await connections(1)
    const study = await createStudy({ name: 'counted', storage: storage! })
    let run = 0
    const objective = async (trial: Trial) => {
      const x = trial.suggestFloat('x', 0, 1)
      run++
      if (run === 3) await study.enqueueTrial({ x: 0.25 })
      if (run === 5) throw new Error('no')
      if (run === 6) throw new TrialPruned()
      if (run === 7) return Number.NaN
      return x
    }
    await study.optimize(objective, { trials: 9, catch: true })
    await study.optimize(objective, { trials: 5, concurrency: 3 })
    const states = (await study.trials()).map(trial => trial.state)
    expect(states).toEqual([...'CCCCFPF', ...'CCCCCCC'].map(c => ({ C: 'COMPLETE', F: 'FAIL', P: 'PRUNED' })[c]))
    expect((await study.trials())[3]!.params).toEqual({ x: 0.25 })
    await study.optimize(
      () => {
        study.stop()
        return 1
      },
      { trials: 5 },
    )
    expect(await study.trials()).toHaveLength(15)
    expect(await study.trials(['RUNNING'])).toEqual([])
    await storage!.close()
  })

  test('takes trials that wait in line even where there are enough', async () => {
    const [storage] = await connections(1)
    const study = await createStudy({ name: 'line', storage: storage! })
    for (const x of [0.1, 0.2, 0.3]) await study.enqueueTrial({ x })
    await study.optimize(trial => trial.suggestFloat('x', 0, 1), { total: 2 })
    expect((await study.trials()).map(trial => trial.values?.[0])).toEqual([0.1, 0.2, 0.3])
    await storage!.close()
  })
})
