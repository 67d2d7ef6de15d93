import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { findPostgres, startPostgres, type TestPostgres } from '../../../testing/postgres.js'
import { testStorage } from '../../../testing/storage.js'
import { createStudy } from '../../index.js'
import { openStorage } from '../index.js'
import { openPostgres } from './open.js'

const bin = findPostgres()

async function withClient(url: string, work: (client: Client) => Promise<unknown>): Promise<void> {
  const client = new Client(url)
  await client.connect()
  try {
    await work(client)
  } finally {
    await client.end()
  }
}

describe.skipIf(bin === null)(`PostgreSQL${bin === null ? ' (no initdb and pg_ctl here)' : ''}`, () => {
  let server: TestPostgres
  beforeAll(async () => {
    server = await startPostgres(bin!)
  })
  afterAll(() => server.stop())

  testStorage(() => {
    const url = server.database()
    return { open: () => openStorage(url) }
  })

  test('shows no password, in whatever form the URL came', async () => {
    const url = server.database()
    const storage = await openStorage(url.replace('postgresql://', 'postgresql+psycopg2://'))
    expect(storage.url).toMatch(/^postgresql\+psycopg2:\/\/anneal:\*\*\*@127\.0\.0\.1:\d+\/anneal_\d+$/)
    await storage.close()
    await expect(storage.studies()).rejects.toMatchObject({ code: 'storage-closed' })
    const error = await openStorage(url.replace(/anneal_\d+$/, 'nowhere')).catch((e: unknown) => e)
    expect(error).toMatchObject({ code: 'database-access' })
    expect(String(error)).not.toContain('s3cr3t')
  })

  test('goes on where a server falls and comes up again, and loses and doubles nothing', async () => {
    const url = server.database()
    const storage = await openStorage(url)
    const study = await createStudy({ storage, name: 'falls' })
    let made = 0
    const falls = (async () => {
      for (const mode of ['fast', 'immediate', 'immediate'] as const) {
        const before = made
        while (made < before + 15) await new Promise(resolve => setTimeout(resolve, 10))
        server.restart(mode)
      }
    })()
    await study.optimize(
      async trial => {
        const x = trial.suggestFloat('x', 0, 1)
        await trial.report(x, 0)
        made++
        return x
      },
      { trials: 80, concurrency: 4 },
    )
    await falls
    const trials = await study.trials()
    expect(trials.map(trial => [trial.number, trial.state])).toEqual(
      Array.from({ length: 80 }, (_, i) => [i, 'COMPLETE']),
    )
    for (const trial of trials) expect(trial.values).toEqual([trial.params.x])
    await storage.close()
  })

  test('goes by the indices, so that a trial of a large study costs what one of a small study does', async () => {
    const url = server.database()
    const study = await createStudy({ storage: url })
    await study.optimize(trial => trial.suggestFloat('x', 0, 1), { trials: 60 })
    await study.storage.close()
    await withClient(url, async client => {
      // The server counts up when a session has ended.
      for (let i = 0; i < 100; i++) {
        const { rows } = await client.query(
          `SELECT sum(seq_tup_read)::int AS passed, sum(n_tup_ins)::int AS made FROM pg_stat_user_tables
          WHERE relname IN ('trials', 'trial_params', 'trial_values')`,
        )
        if (rows[0].made >= 180) {
          expect(rows[0].passed).toBe(0)
          break
        }
        expect(i).toBeLessThan(99)
        await new Promise(resolve => setTimeout(resolve, 50))
      }
      const { rows } = await client.query(
        `SELECT idx_tup_read::int AS passed FROM pg_stat_user_indexes WHERE indexrelname = 'ix_trials_study_id'`,
      )
      expect(rows[0].passed).toBe(0)
    })
  })

  test('follows an old study where the ids of others have gone far ahead', async () => {
    const url = server.database()
    const [one, other] = [await openStorage(url), await openStorage(url)]
    const study = await one.createStudy('old', ['minimize'])
    const begun = (await one.beginTrial(study)).trial
    await one.finishTrial((await one.beginTrial(study)).trial.id, 'COMPLETE', [1])
    expect(await other.trials(study)).toHaveLength(2)
    await withClient(url, client => client.query(`SELECT setval('trials_trial_id_seq', 100000)`))
    await one.beginTrial(await one.createStudy('new', ['minimize']))
    await one.finishTrial(begun.id, 'COMPLETE', [2])
    expect((await other.trials(study)).map(trial => trial.values)).toEqual([[2], [1]])
    const next = (await one.beginTrial(study)).trial
    expect(next.number).toBe(2)
    expect((await other.trials(study)).map(trial => trial.state)).toEqual(['COMPLETE', 'COMPLETE', 'RUNNING'])
    await one.finishTrial(next.id, 'COMPLETE', [3])
    expect((await other.beginTrial(study)).trial.number).toBe(3)
    for (const storage of [one, other]) await storage.close()
  })

  test('gives up on a server that stays away, and says so', async () => {
    const error = await openPostgres('postgresql://u:s3cr3t@127.0.0.1:1/x', 'postgresql://u:***@127.0.0.1:1/x', {
      tries: 3,
      first: 5,
      most: 10,
    }).catch((e: unknown) => e)
    expect(error).toMatchObject({ name: 'RuntimeError', code: 'database-lost' })
    expect(String(error)).toMatch(/tried 3 times/i)
    expect(String(error)).not.toContain('s3cr3t')
  })
})
