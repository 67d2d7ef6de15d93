import { z } from 'zod'
import { ConfigError, nearest } from '../../ir/index.js'
import { parseOptions } from '../../ir/options.js'
import { type FrozenTrial, samplers } from '../../tune/index.js'
import { braninProblem, digitsProblem, type Problem } from './problems.js'
import type { ProblemResult, SamplerComparison, SamplerResult } from './record.js'

export interface CompareSamplersOptions {
  /** First of the seeds. Default 0. */
  seed?: number
  /** Studies of each sampler. Default 3; 2 with `quick`. */
  seeds?: number
  /** Trials of each study, the same for all. Default 36; 16 with `quick`. */
  trials?: number
  /** Names of samplers; default all: grid, random, tpe, gp. */
  only?: readonly string[]
  /** The problems; default both: Branin and digits. */
  problems?: readonly ('Branin' | 'digits')[]
  /** Less of everything. */
  quick?: boolean
  /** Ends after the current study; what there is so far is thrown away. */
  signal?: AbortSignal
  onProgress?: (message: string) => void
}

const contestants = {
  grid: {
    what: 'every combination of a few values',
    make: (p: Problem, trials: number, seed: number) => samplers.grid(p.grid(trials), { seed }),
  },
  random: { what: 'drawn evenly', make: (_: Problem, __: number, seed: number) => samplers.random({ seed }) },
  tpe: {
    what: 'Bayesian: densities of good and bad trials (TPE)',
    make: (_: Problem, __: number, seed: number) => samplers.tpe({ seed, multivariate: true }),
  },
  gp: {
    what: 'Bayesian: a Gaussian process and expected improvement',
    make: (_: Problem, __: number, seed: number) => samplers.gp({ seed }),
  },
} as const
type Name = keyof typeof contestants

/** The samplers that can be compared. */
export const samplerNames = Object.keys(contestants) as readonly Name[]

const schema = z.strictObject({
  seed: z.int().min(0).default(0),
  seeds: z.int().min(1).max(100).optional(),
  trials: z.int().min(4).max(1000).optional(),
  only: z.array(z.string()).min(1).optional(),
  problems: z
    .array(z.enum(['Branin', 'digits']))
    .min(1)
    .default(['Branin', 'digits']),
  quick: z.boolean().default(false),
  signal: z.any().optional(),
  onProgress: z.any().optional(),
})

/**
 * Grid, random and Bayesian search side by side on the same budget: a function of two variables, and a small network on
 * digits; each with several seeds.
 * @throws ConfigError for options out of range, all at once; the signal's reason where it is aborted
 */
export async function compareSamplers(options: CompareSamplersOptions = {}): Promise<SamplerComparison> {
  const { seed, quick, ...given } = parseOptions(schema, options, 'compare samplers')
  const { trials = quick ? 16 : 36, seeds: count = quick ? 2 : 3 } = given
  const { signal, onProgress = () => {} } = options
  const names = namesOf(given.only)
  const seeds = Array.from({ length: count }, (_, i) => seed + i)
  const began = performance.now()
  const problems: ProblemResult[] = []
  for (const key of given.problems) {
    const problem = key === 'Branin' ? braninProblem() : await digitsProblem(quick)
    const { name, what, valueLabel, least, parameters, plane } = problem
    const results: SamplerResult[] = []
    for (const sampler of names) {
      onProgress(`${name}: ${sampler}, ${count} × ${trials} trials`)
      const runs: (readonly FrozenTrial[])[] = []
      for (const s of seeds) {
        signal?.throwIfAborted()
        runs.push(await problem.search(contestants[sampler].make(problem, trials, s), trials, s))
      }
      results.push({
        name: sampler,
        what: contestants[sampler].what,
        best: runs.map(run => bestSoFar(run, trials)),
        places: runs[0]!.map(trial => parameters.map(parameter => Number(trial.params[parameter]))),
      })
    }
    problems.push({ name, what, valueLabel, least, parameters, plane, samplers: results })
  }
  return { kind: 'samplers', trials, seeds, problems, seconds: (performance.now() - began) / 1000 }
}

function namesOf(only: readonly string[] | undefined): readonly Name[] {
  for (const name of only ?? [])
    if (!Object.hasOwn(contestants, name))
      throw new ConfigError({
        code: 'unknown-sampler',
        where: 'compare samplers: only',
        expected: `one of ${samplerNames.join(', ')}`,
        received: name,
        hint: `did you mean ${nearest(name, samplerNames, 1)[0]}?`,
      })
  return samplerNames.filter(name => only?.includes(name) ?? true)
}

/** The best value after each of the trials; a study that ended before (a grid) keeps its last. */
function bestSoFar(run: readonly FrozenTrial[], trials: number): (number | null)[] {
  let best: number | null = null
  return Array.from({ length: trials }, (_, i) => {
    const trial = run[i]
    const value = trial?.state === 'COMPLETE' ? (trial.values?.[0] ?? null) : null
    if (value !== null && (best === null || value < best)) best = value
    return best
  })
}
