import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { findPostgres, startPostgres, type TestPostgres } from '../../src/testing/postgres.js'
import { loadExperiment } from '../../src/tune/experiment/index.js'
import type { FrozenTrial } from '../../src/tune/frozen-trial.js'
import { local } from '../../src/tune/launch/index.js'
import { runExperiment } from '../../src/tune/run.js'
import { openStorage } from '../../src/tune/storage/index.js'
import { bundledCli, sphere } from './cli.js'

// Workers are killed, kill -9, at random: while they start, in the middle of a trial, between two. KILLS and TRIALS set how
// often and how many trials.
const kills = Number(process.env.KILLS ?? 4)
const trials = Number(process.env.TRIALS ?? 40)
const workers = 3
const retry = 2
const pause = (ms: number) => new Promise(resolve => setTimeout(resolve, ms))

let cli: Awaited<ReturnType<typeof bundledCli>>
const bin = findPostgres()
let server: TestPostgres | null = null
beforeAll(async () => {
  cli = await bundledCli()
})
afterAll(() => {
  cli.remove()
  server?.stop()
})

async function checkKilled(storage: string): Promise<void> {
  const experiment = await loadExperiment(sphere, {
    name: 'killed',
    storage,
    trials,
    workers,
    heartbeat: { interval: 0.4, grace: 2.5, retry },
  })
  const alive = new Map<number, number>()
  let [killed, done, over] = [0, 0, false]
  const kill = async () => {
    while (!over && killed < kills) {
      // Most in the middle of things, some as soon as they are there.
      if (killed % 5 === 4) await pause(Math.random() * 300)
      else {
        const before = done
        const share = ((trials - 1) * killed) / kills
        while (!over && (done === before || done < share)) await pause(5)
        await pause(Math.random() * 60)
      }
      const pids = [...alive.values()]
      try {
        process.kill(pids[Math.floor(Math.random() * pids.length)]!, 'SIGKILL')
        killed++
      } catch {
        // It has just ended by itself.
      }
    }
  }
  const killing = kill()
  const began = performance.now()
  const result = await runExperiment(experiment, {
    launcher: local({ script: cli.script, onStart: (worker, pid) => alive.set(worker, pid) }),
    request: {
      file: sphere,
      directory: cli.folder,
      command: '',
      options: ['--heartbeat', '0.4', '--grace', '2.5', '--retry', `${retry}`],
    },
    interval: 0.03,
    onProgress: progress => {
      done = progress.done
    },
  })
  over = true
  await killing
  const seconds = (performance.now() - began) / 1000
  expect(result).toMatchObject({ reason: 'done', progress: { total: trials, done: trials } })
  const store = await openStorage(storage)
  const all = await store.trials((await store.findStudy('killed'))!)
  await store.close()
  const { COMPLETE, FAIL } = result.progress.states
  if (process.env.KILLS !== undefined)
    process.stdout.write(
      `${killed} kills, ${all.length} trials: ${COMPLETE} complete, ${FAIL} failed, ${result.progress.repeats} of them tried again; ${seconds.toFixed(1)} s\n`,
    )
  expect(killed).toBeGreaterThan(kills / 2)
  checkTrials(all)
}

function checkTrials(all: readonly FrozenTrial[]): void {
  // None twice, none left out, none stuck.
  expect(all.map(trial => trial.number)).toEqual(all.map((_, i) => i))
  expect(all.filter(trial => !['COMPLETE', 'FAIL'].includes(trial.state))).toEqual([])
  const history = (trial: FrozenTrial) => (trial.systemAttrs.retry_history ?? []) as readonly number[]
  expect(all.filter(trial => history(trial).length === 0)).toHaveLength(trials)
  for (const trial of all) {
    const repeats = all.filter(other => history(other).at(-1) === trial.number)
    // Each that failed was tried again as often as allowed, and nothing else was.
    expect(repeats).toHaveLength(trial.state === 'FAIL' && history(trial).length < retry ? 1 : 0)
    for (const repeat of repeats) expect(repeat.params).toMatchObject(trial.params)
    if (trial.state === 'COMPLETE') {
      const { x, y } = trial.params as { x: number; y: number }
      expect(trial.values).toEqual([x * x + y * y])
    }
  }
}

describe(`${kills} kills of workers during ${trials} trials leave none stuck, lost or counted twice`, () => {
  test('SQLite', () => checkKilled(`sqlite:///${join(cli.folder, 'killed.db')}`), 300_000)

  test.skipIf(bin === null)(
    `PostgreSQL${bin === null ? ' (no initdb and pg_ctl here)' : ''}`,
    async () => {
      server = await startPostgres(bin!)
      await checkKilled(server.database())
    },
    300_000,
  )
})
