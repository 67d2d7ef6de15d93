import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { findPostgres, startPostgres, type TestPostgres } from '../../src/testing/postgres.js'
import { failStale } from '../../src/tune/heartbeat.js'
import { createStudy, type FrozenTrial, type Study } from '../../src/tune/index.js'

// Objectives that keep their thread busy for longer than the grace, in a process of their own, while this one looks for
// trials whose workers are silent.
const bin = findPostgres()
let folder = ''
let server: TestPostgres | null = null
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'anneal-busy-'))
  if (bin !== null) server = await startPostgres(bin)
})
afterAll(() => {
  server?.stop()
  rmSync(folder, { recursive: true, force: true })
})

const grace = 2
const pause = (ms: number) => new Promise(resolve => setTimeout(resolve, ms))

async function busy(study: Study, url: string, seconds: number) {
  const child = spawn(process.execPath, ['--import', 'tsx', join(import.meta.dirname, 'busy.ts'), url, `${seconds}`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exit = once(child, 'exit') as Promise<[number | null]>
  const begun = once(child.stdout, 'data')
  await Promise.race([begun, exit])
  /** Ends silent trials until something holds. */
  const watch = async (holds: (trials: readonly FrozenTrial[]) => boolean): Promise<readonly FrozenTrial[]> => {
    for (;;) {
      await failStale(study.storage, study.id, { interval: 0.25, grace, retry: 1 })
      const trials = await study.trials()
      if (holds(trials)) return trials
      await pause(50)
    }
  }
  return { child, exit, watch }
}

const places = [
  { name: 'SQLite', url: () => `sqlite:///${join(folder, 'busy.db')}`, skip: false },
  { name: 'a journal', url: () => `journal:///${join(folder, 'busy.log')}`, skip: false },
  {
    name: bin === null ? 'PostgreSQL (no initdb and pg_ctl here)' : 'PostgreSQL',
    url: () => server!.database(),
    skip: bin === null,
  },
]
describe.each(places)('on $name', ({ url: make, skip }) => {
  test.skipIf(skip)('a worker that is busy is alive, and one that is killed is not', async () => {
    const url = make()
    const study = await createStudy({ name: 'busy', storage: url })
    const lives = await busy(study, url, 2 * grace)
    const [kept] = await lives.watch(([trial]) => trial!.state !== 'RUNNING')
    expect(kept).toMatchObject({ number: 0, state: 'COMPLETE', values: [1] })
    // The thread that beats keeps no process from ending.
    expect((await lives.exit)[0]).toBe(0)

    const dies = await busy(study, url, 600)
    dies.child.kill('SIGKILL')
    const trials = await dies.watch(all => all.length > 2)
    expect(trials.map(trial => trial.state)).toEqual(['COMPLETE', 'FAIL', 'WAITING'])
    expect(trials[2]!.systemAttrs).toMatchObject({ failed_trial: 1, retry_history: [1] })
    await study.storage.close()
  })
})
