import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { Command } from 'commander'
import { createStudy, samplers } from '../src/tune/index.js'
import { columns, median } from './harness.js'
import { optuna } from './peers/optuna.js'
import { type Problem, problems } from './problems.js'

/** How good is the best of some trials, by sampler, beside Optuna's? Medians over seeds. */
type Make = (seed: number, problem: Problem) => samplers.Sampler | null
const made: Readonly<Record<string, Make>> = {
  random: seed => samplers.random({ seed }),
  grid: (seed, { grid }) => (grid === undefined ? null : gridOf(seed, grid)),
  tpe: seed => samplers.tpe({ seed, multivariate: false }),
  'tpe multivariate': seed => samplers.tpe({ seed, multivariate: true }),
  gp: seed => samplers.gp({ seed }),
}

const program = new Command()
  .option('--seeds <n>', 'how many seeds', '30')
  .option('--problems <names>', `of ${Object.keys(problems).join(',')}`, Object.keys(problems).join(','))
  .option('--samplers <names>', `of ${Object.keys(made).join(',')}`, Object.keys(made).join(','))
  .option('--only <side>', 'anneal or optuna: fill the file of --keep with one side')
  .option('--keep <file>', 'results stand in this file, and those in it are not made again')
  .parse()
const options = program.opts<{ seeds: string; problems: string; samplers: string; only?: string; keep?: string }>()
const seeds = Number(options.seeds)
const kept: Record<string, number[]> =
  options.keep !== undefined && existsSync(options.keep) ? JSON.parse(readFileSync(options.keep, 'utf8')) : {}
const peer = options.only === 'anneal' ? null : optuna()

const notes: string[] = []
const lines = [['problem', 'trials', 'sampler', 'anneal: median', 'Optuna: median', 'p', 'seeds', '']]
for (const name of options.problems.split(',')) {
  const problem = problems[name]
  if (problem === undefined) throw new Error(`no problem ${name}`)
  if (problem.note !== undefined) notes.push(`${name}: ${await problem.note()}`)
  for (const sampler of options.samplers.split(',')) {
    const make = made[sampler]
    if (make === undefined) throw new Error(`no sampler ${sampler}`)
    if (make(0, problem) === null) continue
    const ours =
      options.only === 'optuna'
        ? []
        : await results(`anneal|${name}|${sampler}`, seed => best(problem, make(seed, problem)!))
    const theirs =
      options.only === 'anneal'
        ? []
        : await results(`optuna|${name}|${sampler}`, seed => peer?.best(problem, sampler, seed) ?? null)
    const p = ours.length > 1 && theirs.length > 1 ? rankSum(ours, theirs).toFixed(3) : ''
    const middle = (values: readonly number[]) => (values.length === 0 ? '' : median(values).toPrecision(4))
    lines.push([
      name,
      String(problem.trials),
      sampler,
      middle(ours),
      middle(theirs),
      p,
      `${ours.length}, ${theirs.length}`,
      '',
    ])
  }
}
console.log(columns(lines))
peer?.end()
for (const note of notes) console.log(note)
console.log('p: that both come from one distribution (two-sided rank sum test)')

async function results(key: string, run: (seed: number) => Promise<number> | number | null): Promise<number[]> {
  const values = (kept[key] ??= [])
  for (let seed = values.length; seed < seeds; seed++) {
    const value = await run(seed)
    if (value === null) break
    values.push(value)
    if (options.keep !== undefined) writeFileSync(options.keep, JSON.stringify(kept))
  }
  return values.slice(0, seeds)
}

async function best(problem: Problem, sampler: samplers.Sampler): Promise<number> {
  const study = await createStudy({ sampler })
  await study.optimize(problem.objective, { trials: problem.trials })
  return study.bestValue()
}

/** Every combination in a shuffled order. */
function gridOf(seed: number, grid: NonNullable<Problem['grid']>): samplers.Sampler {
  return samplers.grid(grid, { seed })
}

/** The two-sided p-value of the rank sum test (Mann & Whitney 1947), by its normal approximation. */
function rankSum(a: readonly number[], b: readonly number[]): number {
  const all = [...a.map(value => ({ value, first: true })), ...b.map(value => ({ value, first: false }))]
  all.sort((x, y) => x.value - y.value)
  let ranks = 0
  for (let i = 0; i < all.length; ) {
    let end = i
    while (end < all.length && all[end]!.value === all[i]!.value) end++
    for (let k = i; k < end; k++) if (all[k]!.first) ranks += (i + 1 + end) / 2
    i = end
  }
  const n = all.length
  const mean = (a.length * (n + 1)) / 2
  const z = Math.abs(ranks - mean) / Math.sqrt((a.length * b.length * (n + 1)) / 12)
  // Abramowitz & Stegun 26.2.17.
  const t = 1 / (1 + 0.2316419 * z)
  const tail = t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))))
  return Math.min(1, 2 * tail * (Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)))
}
