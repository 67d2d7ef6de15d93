import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { createStudy, type Distribution, type Study, samplers } from '../src/tune/index.js'
import { columns, machine, median, minimum } from './harness.js'

/** What does one suggestion of six parameters cost, beside Optuna's, with as many finished trials? */
const rows = [
  ['TPE, plain', 'tpe', 1000, 60, () => samplers.tpe({ seed: 0, multivariate: false })],
  ['TPE, multivariate', 'tpe multivariate', 1000, 60, () => samplers.tpe({ seed: 0 })],
  ['GP', 'gp', 200, 8, () => samplers.gp({ seed: 0 })],
  ['GP', 'gp', 500, 8, () => samplers.gp({ seed: 0 })],
] as const

const AXES = 6
const distribution: Distribution = { type: 'float', low: 0, high: 1, log: false, step: null }
const value = (x: readonly number[]) => x.reduce((sum, v, i) => sum + (v - 0.3) ** 2 * (i + 1), 0)

console.log(
  `${machine()}\n\nms for one suggestion of ${AXES} parameters; the first, then the best and median of more (GP 7, TPE 59)`,
)
const lines = [
  [
    'sampler',
    'trials',
    'anneal: first',
    'best',
    'median',
    'best, processor',
    'Optuna: first',
    'best',
    'median',
    'best, processor',
    '',
  ],
]
for (const [name, peer, trials, asks, sampler] of rows)
  lines.push([
    name,
    String(trials),
    ...cells(await ours(await studyOf(trials, sampler()), asks)),
    ...cells(optuna(peer, trials, asks)),
    '',
  ])
console.log(columns(lines))
console.log('The processor does not count what other programs take, which the clock does.')

function cells(times: readonly (readonly [clock: number, processor: number])[] | null): string[] {
  if (times === null) return ['', '', '', '']
  const [first, ...later] = times
  const clock = later.map(([ms]) => ms)
  return [first![0], minimum(clock), median(clock), minimum(later.map(([, ms]) => ms))].map(ms => ms.toFixed(1))
}

async function studyOf(trials: number, sampler: ReturnType<typeof samplers.tpe>): Promise<Study> {
  const study = await createStudy({ sampler })
  let state = 1
  for (let t = 0; t < trials; t++) {
    const x = Array.from({ length: AXES }, () => {
      state = (state * 48271) % 2147483647
      return state / 2147483647
    })
    await study.addTrial({
      state: 'COMPLETE',
      values: [value(x)],
      params: Object.fromEntries(x.map((v, i) => [`x${i}`, v])),
      distributions: Object.fromEntries(x.map((_, i) => [`x${i}`, distribution])),
    })
  }
  return study
}

async function ours(study: Study, asks: number): Promise<(readonly [number, number])[]> {
  const times: (readonly [number, number])[] = []
  for (let ask = 0; ask < asks; ask++) {
    const [clock, processor] = [performance.now(), process.cpuUsage()]
    const trial = await study.ask()
    const x = Array.from({ length: AXES }, (_, i) => trial.suggestFloat(`x${i}`, 0, 1))
    const { user, system } = process.cpuUsage(processor)
    times.push([performance.now() - clock, (user + system) / 1000])
    await study.tell(trial, value(x))
  }
  return times
}

function optuna(sampler: string, trials: number, asks: number): (readonly [number, number])[] | null {
  const python = process.env.ANNEAL_BENCH_PYTHON ?? fileURLToPath(new URL('.venv/bin/python', import.meta.url))
  if (!existsSync(python)) return null
  const script = fileURLToPath(new URL('peers/optuna_samplers.py', import.meta.url))
  const job = JSON.stringify({ sampler, trials, asks })
  const env = { ...process.env, OMP_NUM_THREADS: '1', OPENBLAS_NUM_THREADS: '1' }
  return JSON.parse(execFileSync(python, [script, job], { encoding: 'utf8', env })) as [number, number][]
}
