import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'libsql'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { distributionToJson } from '../../distribution.js'
import { createStudy, loadStudy } from '../../index.js'
import { parseJson } from '../../json.js'
import { openStorage } from '../index.js'
import { fromStamp, toStamp } from './parts.js'

const figure = (name: string) => readFileSync(new URL(`../figures/${name}`, import.meta.url), 'utf8')
const OPTUNA_5 = figure('optuna-5.sql')

let folder: string
let path: string
let url: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'anneal-sqlite-'))
  path = join(folder, 'study.db')
  url = `sqlite:///${path}`
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** Makes a database from SQL and gives back what a query finds in it. */
function sqlite(sql: string, query?: string): unknown[] {
  const db = new Database(path)
  if (sql !== '') db.exec(`PRAGMA foreign_keys = OFF; ${sql}`) // a dump is in alphabetical order
  const rows = query === undefined ? [] : db.prepare(query).raw().all([])
  db.close()
  return rows
}
/** Optuna 3.1's: the same tables, without the index. */
const asOf31 = (sql: string) =>
  sql
    .replace("'v3.2.0.a'", "'v3.0.0.d'")
    .replace(/^CREATE INDEX ix_trials_study_id.*$/m, '')
    .replace("'5.0.0'", "'3.1.0'")

describe("Optuna's databases", () => {
  for (const [version, sql] of [
    ['5.0', OPTUNA_5],
    ['3.1', asOf31(OPTUNA_5)],
  ] as const)
    test(`of ${version} are read as Optuna reads them, and gone on with`, async () => {
      sqlite(sql)
      // Made by the script beside it.
      const wanted = parseJson(figure('optuna-5.json')) as unknown as {
        readonly user: unknown
        readonly trials: readonly Readonly<Record<string, never>>[]
      }
      const study = await loadStudy({ name: 'rich', storage: url })
      expect(await study.userAttrs()).toEqual(wanted.user)
      const trials = await study.trials()
      expect(
        trials.map(trial => ({
          number: trial.number,
          state: trial.state,
          values: trial.values,
          params: trial.params,
          distributions: Object.fromEntries(
            Object.entries(trial.distributions).map(([name, d]) => [name, parseJson(distributionToJson(d))]),
          ),
          intermediate: [...trial.intermediateValues].sort((a, b) => a[0] - b[0]),
          user: trial.userAttrs,
          system: trial.systemAttrs,
        })),
      ).toEqual(wanted.trials.map(({ start: _, complete: __, ...rest }) => rest))
      for (const [i, trial] of trials.entries())
        for (const when of ['start', 'complete'] as const) {
          const seconds: number | null = wanted.trials[i]![when]!
          if (seconds === null) expect(trial[when]).toBeNull()
          else expect(Math.abs(trial[when]!.getTime() / 1000 - seconds)).toBeLessThan(0.0011)
        }
      await study.optimize(trial => trial.suggestFloat('x', -5, 5) ** 2, { trials: 3 })
      const after = await study.trials()
      expect(after.map(trial => trial.number)).toEqual(Array.from({ length: trials.length + 2 }, (_, i) => i))
      expect(after.slice(0, trials.length - 1)).toEqual(trials.slice(0, -1))
      expect(after[trials.length - 1]).toMatchObject({ state: 'COMPLETE', params: { x: 1.5 } })
      await study.storage.close()
      // Nobody's version is changed by our writing.
      expect(sqlite('', 'SELECT version_num FROM alembic_version')).toEqual([
        [version === '5.0' ? 'v3.2.0.a' : 'v3.0.0.d'],
      ])
    })

  test('are what we make, table by table and column by column', async () => {
    const columns = `SELECT m.name, p.name, p.type, p."notnull", p.pk FROM sqlite_master m, pragma_table_info(m.name) p
      WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' ORDER BY 1, p.cid`
    const indexes = `SELECT m.name, i."unique", group_concat(c.name) FROM sqlite_master m, pragma_index_list(m.name) i,
      pragma_index_info(i.name) c WHERE m.type = 'table' GROUP BY m.name, i.name ORDER BY 1, 2, 3`
    const foreign = `SELECT m.name, f."table", f."from", f."to" FROM sqlite_master m, pragma_foreign_key_list(m.name) f
      WHERE m.type = 'table' ORDER BY 1, 2`
    const theirs = [columns, indexes, foreign].map((query, i) => sqlite(i === 0 ? OPTUNA_5 : '', query))
    rmSync(path)
    await (await openStorage(url)).close()
    const ours = [columns, indexes, foreign].map(query => sqlite('', query))
    expect(ours).toEqual(theirs)
    expect(ours[0]!.length).toBeGreaterThan(40)
    expect(sqlite('', 'SELECT * FROM version_info')).toEqual([[1, 12, 'anneal']])
  })

  test('of a version nobody knows are refused, and left alone', async () => {
    sqlite(OPTUNA_5.replace("'v3.2.0.a'", "'v9.0.0.a'"))
    const before = sqlite('', "SELECT name, sql FROM sqlite_master UNION ALL SELECT 'trials', count(*) FROM trials")
    await expect(openStorage(url)).rejects.toMatchObject({
      name: 'FormatError',
      code: 'schema-version',
      hint: expect.stringContaining('newer'),
    })
    expect(sqlite('', "SELECT name, sql FROM sqlite_master UNION ALL SELECT 'trials', count(*) FROM trials")).toEqual(
      before,
    )
  })

  test('of old versions are refused with the way out', async () => {
    sqlite(OPTUNA_5.replace("'v3.2.0.a'", "'v2.6.0.a'"))
    await expect(openStorage(url)).rejects.toMatchObject({
      code: 'schema-version',
      hint: expect.stringContaining('optuna storage upgrade'),
    })
  })

  test('without a version are given the one that their tables have', async () => {
    sqlite(`${OPTUNA_5}; DELETE FROM alembic_version;`)
    await (await openStorage(url)).close()
    expect(sqlite('', 'SELECT version_num FROM alembic_version')).toEqual([['v3.2.0.a']])
  })
})

test('a database of something else is refused', async () => {
  sqlite('CREATE TABLE studies (id INTEGER)')
  await expect(openStorage(url)).rejects.toMatchObject({ code: 'schema' })
})

test('a file that is no database is refused', async () => {
  writeFileSync(path, '{"op_code": 0}\n'.repeat(100))
  await expect(openStorage(url)).rejects.toMatchObject({ name: 'FormatError', code: 'not-sqlite' })
})

test('a folder that is not there is named', async () => {
  await expect(openStorage(`sqlite:///${join(folder, 'nowhere', 'study.db')}`)).rejects.toMatchObject({
    name: 'ConfigError',
    code: 'storage-path',
  })
})

test.skipIf(process.getuid?.() === 0)('a file that may only be read is read', async () => {
  sqlite(OPTUNA_5)
  chmodSync(path, 0o400)
  const study = await loadStudy({ name: 'rich', storage: url })
  expect((await study.trials()).length).toBeGreaterThan(5)
  await expect(study.ask()).rejects.toMatchObject({ code: 'database-read-only' })
})

test('a lock that another process holds for a while is waited for, and the event loop goes on', async () => {
  const storage = await openStorage(url)
  const study = await createStudy({ storage, name: 'locked' })
  const other = new Database(path)
  other.exec('BEGIN IMMEDIATE')
  // It lets go after some turns, which it gets only while the one who waits leaves them.
  let turns = 0
  const ticking = setInterval(() => {
    if (++turns === 20) other.exec('COMMIT')
  }, 20)
  await study.ask()
  clearInterval(ticking)
  expect(turns).toBeGreaterThan(3)
  other.close()
  await storage.close()
  await storage.close()
  await expect(storage.studies()).rejects.toMatchObject({ code: 'storage-closed' })
})

test('trials share what is equal in them, so that thousands take little memory', async () => {
  const study = await createStudy({ storage: url })
  await study.optimize(trial => trial.suggestFloat('x', 0, 1) + trial.suggestInt('n', 1, 9), { trials: 30 })
  const trials = await study.trials()
  expect(new Set(trials.map(trial => trial.distributions.x)).size).toBe(1)
  expect(new Set(trials.map(trial => trial.userAttrs)).size).toBe(1)
  expect((await study.trials())[7]).toBe(trials[7]) // read once
  await study.storage.close()
})

test('dates keep their millisecond, with and without a fraction', () => {
  expect(toStamp(new Date('2024-02-29T01:02:03.004Z'), 56)).toBe('2024-02-29 01:02:03.004056')
  expect(fromStamp('2024-02-29 01:02:03.004056', '')!.toISOString()).toBe('2024-02-29T01:02:03.004Z')
  expect(fromStamp('2024-02-29 01:02:03', '')!.toISOString()).toBe('2024-02-29T01:02:03.000Z')
  expect(fromStamp('2024-02-29 01:02:03.5', '')!.toISOString()).toBe('2024-02-29T01:02:03.500Z')
  expect(fromStamp(null, '')).toBeNull()
  expect(() => fromStamp('yesterday', '')).toThrow(expect.objectContaining({ code: 'bad-row' }))
})
