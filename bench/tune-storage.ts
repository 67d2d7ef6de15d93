import { type ChildProcess, fork, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { findPostgres, startPostgres } from '../src/testing/postgres.js'
import { createStudy, loadStudy, samplers, type Trial } from '../src/tune/index.js'

// Trials per second that storages keep up with: an objective that takes no time, the random sampler, one process and
// several; beside Optuna where ANNEAL_PYTHON has it. `npx tsx bench/tune-storage.ts [trials] [--memory]`
const objective = (trial: Trial): number => trial.suggestFloat('x', -10, 10) ** 2 + trial.suggestInt('n', 1, 9)

interface Share {
  readonly seconds: number
  /** Of this process alone. */
  readonly cpu: number
}

/** One worker: says when it is ready, makes its trials when it is told to. */
async function work(url: string, trials: number): Promise<void> {
  const study = await loadStudy({ name: 'bench', storage: url, sampler: samplers.random() })
  process.send!('ready')
  await new Promise(resolve => process.once('message', resolve))
  const share = await measured(() => study.optimize(objective, { trials }))
  await study.storage.close()
  process.send!(share)
  process.disconnect()
}

async function measured(run: () => Promise<void>): Promise<Share> {
  const began = performance.now()
  const before = process.cpuUsage()
  await run()
  const { user, system } = process.cpuUsage(before)
  return { seconds: (performance.now() - began) / 1000, cpu: (user + system) / 1e6 }
}

async function many(url: string, workers: number, trials: number): Promise<Share> {
  const study = await createStudy({ name: 'bench', storage: url })
  const next = <T>(child: ChildProcess) => new Promise<T>(resolve => child.once('message', resolve as () => void))
  const children = Array.from({ length: workers }, () =>
    fork(fileURLToPath(import.meta.url), ['--worker', url, `${trials / workers}`], { execArgv: process.execArgv }),
  )
  await Promise.all(children.map(child => next(child)))
  const began = performance.now()
  const shares = children.map(child => next<Share>(child))
  for (const child of children) child.send('go')
  const done = await Promise.all(shares)
  const seconds = (performance.now() - began) / 1000
  const numbers = (await study.trials()).map(trial => trial.number)
  if (new Set(numbers).size !== trials || Math.max(...numbers) !== trials - 1) throw new Error('numbers have gaps')
  await study.storage.close()
  return { seconds, cpu: done.reduce((sum, share) => sum + share.cpu, 0) }
}

async function one(url: string, trials: number): Promise<Share> {
  const study = await createStudy({ name: 'bench', storage: url, sampler: samplers.random() })
  await study.optimize(objective, { trials: 20 })
  const share = await measured(() => study.optimize(objective, { trials }))
  await study.storage.close()
  return share
}

/** Optuna's own, one process; null where it is not installed. */
function optuna(url: string, trials: number): Share | null {
  const python = process.env.ANNEAL_PYTHON
  if (python === undefined) return null
  const code = `
import json, sys, time, optuna
optuna.logging.set_verbosity(optuna.logging.ERROR)
url = sys.argv[1]
if url.startswith("journal:///"):
    url = optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(url[11:]))
study = optuna.create_study(storage=url, sampler=optuna.samplers.RandomSampler())
objective = lambda t: t.suggest_float("x", -10, 10) ** 2 + t.suggest_int("n", 1, 9)
study.optimize(objective, n_trials=5)
wall, cpu = time.perf_counter(), time.process_time()
study.optimize(objective, n_trials=int(sys.argv[2]))
print(json.dumps({"seconds": time.perf_counter() - wall, "cpu": time.process_time() - cpu}))`
  const { status, stdout } = spawnSync(python, ['-c', code, url, `${trials}`], { encoding: 'utf8' })
  return status === 0 ? (JSON.parse(stdout) as Share) : null
}

function show(name: string, trials: number, share: Share | null): void {
  const text =
    share === null
      ? 'not installed'
      : `${(trials / share.seconds).toFixed(0).padStart(6)} trials/s   ${((share.cpu / trials) * 1000).toFixed(2)} ms of processor each`
  process.stdout.write(`${name.padEnd(36)} ${text}   load ${loadavg()[0]!.toFixed(1)}\n`)
}

/** Memory over many trials, of a process of its own. */
async function grow(name: string, url: string, sampler: string): Promise<void> {
  process.stdout.write(`${name}, ${sampler}\n`)
  const child = fork(fileURLToPath(import.meta.url), ['--memory-of', url, sampler], {
    execArgv: [...process.execArgv, '--expose-gc'],
  })
  await new Promise(resolve => child.once('exit', resolve))
}

async function memoryOf(url: string, sampler: 'random' | 'tpe'): Promise<void> {
  const study = await createStudy({ storage: url, sampler: samplers[sampler]() })
  for (let made = 0; ; made += 4_000) {
    globalThis.gc!()
    const { heapUsed, rss, external } = process.memoryUsage()
    const sizes = [heapUsed, external, rss].map(size => (size / 1e6).toFixed(1))
    process.stdout.write(
      `${`${made}`.padStart(8)} trials: heap ${sizes[0]} MB, beside it ${sizes[1]} MB, process ${sizes[2]} MB\n`,
    )
    if (made >= 20_000) break
    await study.optimize(objective, { trials: 4_000 })
  }
  await study.storage.close()
  process.disconnect()
}

async function main(trials: number, memory: boolean): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'anneal-bench-'))
  const bin = findPostgres()
  const server = bin === null ? null : await startPostgres(bin, { durable: true })
  try {
    const sqlite = (name: string) => `sqlite:///${join(folder, name)}.db`
    show('memory', trials, await one('memory', trials))
    show('SQLite', trials, await one(sqlite('one'), trials))
    show('SQLite, 8 workers', trials, await many(sqlite('many'), 8, trials))
    show('journal', trials, await one(`journal:///${join(folder, 'one.log')}`, trials))
    if (server !== null) {
      show('PostgreSQL', trials, await one(server.database(), trials))
      show('PostgreSQL, 8 workers', trials, await many(server.database(), 8, trials))
    }
    const few = Math.min(trials, 200)
    show('Optuna, SQLite', few, optuna(sqlite('optuna'), few))
    show('Optuna, journal', few, optuna(`journal:///${join(folder, 'optuna.log')}`, few))
    if (server !== null)
      show('Optuna, PostgreSQL', few, optuna(server.database().replace('postgresql:', 'postgresql+psycopg2:'), few))
    if (memory)
      for (const sampler of ['random', 'tpe'] as const)
        for (const [name, url] of [
          ['SQLite', sqlite(`memory-${sampler}`)],
          ...(server === null ? [] : [['PostgreSQL', server.database()] as const]),
        ] as const)
          await grow(name, url, sampler)
  } finally {
    server?.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

const [first, ...rest] = process.argv.slice(2)
if (first === '--worker') await work(rest[0]!, Number(rest[1]))
else if (first === '--memory-of') await memoryOf(rest[0]!, rest[1] as 'random' | 'tpe')
else await main(Number(first ?? 1000) || 1000, process.argv.includes('--memory'))
