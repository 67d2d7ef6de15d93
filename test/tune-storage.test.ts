import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { build } from 'esbuild'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { findPostgres, startPostgres, type TestPostgres } from '../src/testing/postgres.js'
import { distributionToJson } from '../src/tune/distribution.js'
import { createStudy, type FrozenTrial, loadStudy } from '../src/tune/index.js'
import { type Json, parseJson } from '../src/tune/json.js'

// Several processes on one study: ours, and Optuna's where ANNEAL_PYTHON names a Python that has it.
const run = promisify(execFile)
const root = join(import.meta.dirname, '..')
const python = process.env.ANNEAL_PYTHON
const bin = findPostgres()
const without = python === undefined ? ' (set ANNEAL_PYTHON to a Python with Optuna to run this)' : ''
let folder = ''
let script = ''
let server: TestPostgres | null = null

beforeAll(async () => {
  mkdirSync(join(root, 'runs'), { recursive: true })
  folder = mkdtempSync(join(root, 'runs', 'storage-'))
  script = join(folder, 'worker.mjs')
  await build({
    entryPoints: [join(import.meta.dirname, 'tune-storage', 'worker.ts')],
    outfile: script,
    bundle: true,
    platform: 'node',
    format: 'esm',
    external: ['libsql', 'pg', 'kysely', 'zod', 'onnxruntime-*', 'ml-matrix'],
  })
  if (bin !== null) server = await startPostgres(bin)
})
afterAll(() => {
  server?.stop()
  rmSync(folder, { recursive: true, force: true })
})

let places = 0
/** A new place of each kind; the PostgreSQL ones are there where a server is. */
const placeOf = {
  sqlite: () => `sqlite:///${join(folder, `${places++}.db`)}`,
  journal: () => `journal:///${join(folder, `${places++}.log`)}`,
  postgresql: () => server!.database(),
} as const
type Kind = keyof typeof placeOf
/** Milliseconds for a dozen processes of two languages on a machine that has other things to do. */
const PATIENCE = 300_000
const kinds: readonly { kind: Kind; skip: boolean; note: string }[] = [
  { kind: 'sqlite', skip: false, note: '' },
  { kind: 'journal', skip: false, note: '' },
  { kind: 'postgresql', skip: bin === null, note: bin === null ? ' (no initdb and pg_ctl here)' : '' },
]

const worker = async (url: string, name: string, count: number): Promise<number[]> =>
  JSON.parse((await run(process.execPath, [script, url, name, `${count}`])).stdout) as number[]
const optuna = async (command: string, ...args: string[]): Promise<Json> =>
  parseJson(
    (
      await run(python!, [join(import.meta.dirname, 'tune-storage', 'optuna_side.py'), command, ...args], {
        maxBuffer: 1 << 28,
        env: { ...process.env, TZ: 'America/New_York' }, // dates are UTC wherever a worker is
      })
    ).stdout,
  )
const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i)
const sorted = (numbers: readonly number[]): number[] => [...numbers].sort((a, b) => a - b)

for (const { kind, skip, note } of kinds)
  describe(`many processes on ${kind}${note}`, () => {
    test.skipIf(skip)(
      'number their trials without gaps, sixteen at a time',
      async () => {
        const url = placeOf[kind]()
        const study = await createStudy({ name: 'sixteen', storage: url })
        for (let i = 0; i < 8; i++) await study.enqueueTrial({ x: i })
        const made = (await Promise.all(upTo(16).map(() => worker(url, 'sixteen', 6)))).flat()
        expect(sorted(made)).toEqual(upTo(96))
        const trials = await study.trials()
        expect(trials.map(trial => [trial.number, trial.state])).toEqual(upTo(96).map(i => [i, 'COMPLETE']))
        expect(trials.slice(0, 8).map(trial => trial.params.x)).toEqual(upTo(8))
        expect(new Set(trials.map(trial => trial.id)).size).toBe(96)
        await study.storage.close()
      },
      PATIENCE,
    )

    describe.skipIf(python === undefined)(`beside Optuna${without}`, () => {
      /** Optuna reads a journal by its path, and PostgreSQL through a driver of its own. */
      const theirs = (url: string) => url.replace('postgresql://', 'postgresql+psycopg2://')

      test.skipIf(skip)(
        'Optuna reads our study, to the last bit',
        async () => {
          const url = placeOf[kind]()
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
          const read = (await optuna('read', theirs(url), study.name)) as unknown as Read
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
          const url = placeOf[kind]()
          const theirRead = (await optuna(
            'rich',
            theirs(url),
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
          const again = (await optuna('read', theirs(url), 'rich')) as unknown as Read
          compare(again.trials, await study.trials())
          await study.storage.close()
        },
        PATIENCE,
      )

      test.skipIf(skip)(
        'both work on one study at a time, and nothing is lost or doubled',
        async () => {
          const url = placeOf[kind]()
          const study = await createStudy({ name: 'both', storage: url })
          for (let i = 0; i < 10; i++) await study.enqueueTrial({ x: i })
          const each = 8
          const made = await Promise.all([
            ...upTo(4).map(() => worker(url, 'both', each)),
            ...upTo(4).map(async () => (await optuna('work', theirs(url), 'both', `${each}`)) as unknown as number[]),
          ])
          expect(sorted(made.flat())).toEqual(upTo(8 * each))
          const trials = await study.trials()
          expect(trials.map(trial => [trial.number, trial.state])).toEqual(upTo(8 * each).map(i => [i, 'COMPLETE']))
          expect(trials.slice(0, 10).map(trial => trial.params.x)).toEqual(upTo(10))
          expect(trials.filter(trial => trial.userAttrs.by === 'python')).toHaveLength(4 * each)
          for (const trial of trials)
            expect(trial.values).toEqual([((trial.params.x as number) - 2) ** 2 + (trial.params.kind === 'a' ? 0 : 1)])
          const read = (await optuna('read', theirs(url), 'both')) as unknown as Read
          expect(read.best).toBe(await study.bestValue())
          compare(read.trials, trials)
          await study.storage.close()
        },
        PATIENCE,
      )
    })
  })

interface Read {
  readonly directions: readonly string[]
  readonly best: number | null
  readonly user: Json
  readonly trials: readonly {
    readonly number: number
    readonly state: string
    readonly values: readonly number[] | null
    readonly params: Json
    readonly distributions: Readonly<Record<string, Json>>
    readonly intermediate: readonly (readonly [number, number])[]
    readonly user: Json
    readonly system: Json
    readonly start: number | null
    readonly complete: number | null
  }[]
}

/** What Optuna reads beside what we read. */
function compare(theirs: Read['trials'], ours: readonly FrozenTrial[]): void {
  expect(ours.map(trial => trial.number)).toEqual(theirs.map(trial => trial.number))
  for (const [i, trial] of ours.entries()) {
    const other = theirs[i]!
    expect(trial.state).toBe(other.state)
    expect(trial.values).toEqual(other.values)
    expect(trial.params).toEqual(other.params)
    expect(Object.keys(trial.params)).toEqual(Object.keys(other.distributions))
    for (const [name, distribution] of Object.entries(trial.distributions))
      expect(parseJson(distributionToJson(distribution))).toEqual(other.distributions[name])
    expect([...trial.intermediateValues].sort((a, b) => a[0] - b[0])).toEqual(other.intermediate)
    expect(trial.userAttrs).toEqual(other.user)
    expect(trial.systemAttrs).toEqual(other.system)
    for (const when of ['start', 'complete'] as const)
      if (other[when] === null) expect(trial[when]).toBeNull()
      else expect(Math.abs(trial[when]!.getTime() / 1000 - other[when])).toBeLessThan(0.0011)
  }
}
