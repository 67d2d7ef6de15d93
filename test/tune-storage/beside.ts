import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { build } from 'esbuild'
import { expect } from 'vitest'
import { findPostgres, startPostgres } from '../../src/testing/postgres.js'
import { distributionToJson } from '../../src/tune/distribution.js'
import type { FrozenTrial } from '../../src/tune/index.js'
import { type Json, parseJson } from '../../src/tune/json.js'

// Other processes on a study: ours, and Optuna's where ANNEAL_PYTHON names a Python that has it.
const run = promisify(execFile)
const python = process.env.ANNEAL_PYTHON
export const withoutPython = python === undefined
export const pythonNote = withoutPython ? ' (set ANNEAL_PYTHON to a Python with Optuna to run this)' : ''
const bin = findPostgres()
/** Milliseconds for a dozen processes of two languages on a machine that has other things to do. */
export const PATIENCE = 300_000

export const kinds = [
  { kind: 'sqlite', skip: false, note: '' },
  { kind: 'journal', skip: false, note: '' },
  { kind: 'postgresql', skip: bin === null, note: bin === null ? ' (no initdb and pg_ctl here)' : '' },
] as const
export type Kind = (typeof kinds)[number]['kind']

/** What a worker of either side is to do. */
export interface Plan {
  readonly objective: 'plain' | 'steps' | 'fronts' | 'hang'
  readonly sampler?: string | object
  readonly pruner?: string | object
  /** With signs of life, and so many repetitions of trials whose workers have died. */
  readonly retry?: number
}

/** Workers of both sides, and places for studies. */
export async function besides() {
  const root = join(import.meta.dirname, '..', '..')
  mkdirSync(join(root, 'runs'), { recursive: true })
  const folder = mkdtempSync(join(root, 'runs', 'storage-'))
  const script = join(folder, 'worker.mjs')
  await build({
    entryPoints: [join(import.meta.dirname, 'worker.ts')],
    outfile: script,
    bundle: true,
    platform: 'node',
    format: 'esm',
    external: ['libsql', 'pg', 'kysely', 'zod', 'onnxruntime-*', 'ml-matrix'],
  })
  const server = bin === null ? null : await startPostgres(bin)
  const side = join(import.meta.dirname, 'optuna_side.py')
  // Dates are UTC wherever a worker is.
  const env = { ...process.env, TZ: 'America/New_York' }
  let places = 0
  return {
    /** A new place; the PostgreSQL ones are there where a server is. */
    place: (kind: Kind): string =>
      kind === 'postgresql'
        ? server!.database()
        : kind === 'journal'
          ? `journal:///${join(folder, `${places++}.log`)}`
          : `sqlite:///${join(folder, `${places++}.db`)}`,
    /** One of our workers: the numbers of its trials. */
    worker: async (url: string, name: string, count: number, plan: object = {}): Promise<number[]> =>
      JSON.parse(
        (await run(process.execPath, [script, url, name, `${count}`, JSON.stringify(plan)])).stdout,
      ) as number[],
    /** A function of Optuna's side. */
    optuna: async (command: string, url: string, ...args: readonly string[]): Promise<Json> =>
      parseJson((await run(python!, [side, command, theirs(url), ...args], { maxBuffer: 1 << 28, env })).stdout),
    /** A worker of either side that hangs in its first trial, once it does. */
    hanging: async (by: 'node' | 'python', url: string, name: string, retry: number): Promise<ChildProcess> => {
      const plan = JSON.stringify({ objective: 'hang', retry } satisfies Plan)
      const child =
        by === 'node'
          ? spawn(process.execPath, [script, url, name, '1', plan], { env })
          : spawn(python!, [side, 'together', theirs(url), name, '1', plan], { env })
      let errors = ''
      child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text))
      await new Promise<void>((resolve, reject) => {
        child.stdout.setEncoding('utf8').on('data', (text: string) => text.includes('hangs') && resolve())
        child.once('close', () => reject(new Error(`ended: ${errors}`)))
      })
      return child
    },
    end: () => {
      server?.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Optuna reads PostgreSQL through a driver of its own. */
const theirs = (url: string): string => url.replace('postgresql://', 'postgresql+psycopg2://')

export const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i)
export const sorted = (numbers: readonly number[]): number[] => [...numbers].sort((a, b) => a - b)

/** A study as Optuna reads it. */
export interface Read {
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

/** Storages keep parameters as doubles, which Python writes as long integers. */
const asNumbers = (json: Json): Json =>
  typeof json === 'bigint'
    ? Number(json)
    : Array.isArray(json)
      ? json.map(asNumbers)
      : typeof json === 'object' && json !== null
        ? Object.fromEntries(Object.entries(json).map(([key, value]) => [key, asNumbers(value)]))
        : json

/** What Optuna reads beside what we read. */
export function compare(theirs: Read['trials'], ours: readonly FrozenTrial[]): void {
  expect(ours.map(trial => trial.number)).toEqual(theirs.map(trial => trial.number))
  for (const [i, trial] of ours.entries()) {
    const other = theirs[i]!
    expect(trial.state).toBe(other.state)
    expect(trial.values).toEqual(other.values)
    expect(trial.params).toEqual(asNumbers(other.params))
    expect(Object.keys(trial.params)).toEqual(Object.keys(other.distributions))
    for (const [name, distribution] of Object.entries(trial.distributions))
      expect(asNumbers(parseJson(distributionToJson(distribution)))).toEqual(asNumbers(other.distributions[name]!))
    expect([...trial.intermediateValues].sort((a, b) => a[0] - b[0])).toEqual(other.intermediate)
    expect(trial.userAttrs).toEqual(other.user)
    expect(trial.systemAttrs).toEqual(other.system)
    for (const when of ['start', 'complete'] as const)
      if (other[when] === null) expect(trial[when]).toBeNull()
      else expect(Math.abs(trial[when]!.getTime() / 1000 - other[when])).toBeLessThan(0.0011)
  }
}
