import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { findPostgres, startPostgres, type TestPostgres } from '../../../testing/postgres.js'
import { testStorage } from '../../../testing/storage.js'
import { createStudy } from '../../index.js'
import { openStorage } from '../index.js'
import { openPostgres } from './open.js'

const bin = findPostgres()

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
