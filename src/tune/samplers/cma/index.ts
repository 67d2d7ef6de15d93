import { z } from 'zod'
import { counterRandom } from '../../../ir/index.js'
import { parseOptions } from '../../../ir/options.js'
import { type FloatDistribution, type IntDistribution, isSingle, snap } from '../../distribution.js'
import type { FrozenTrial } from '../../frozen-trial.js'
import { sign } from '../../pareto.js'
import { drawFrom } from '../random.js'
import { freshSeed, type Sampler, type SamplerContext, type SearchSpace } from '../sampler.js'
import { intersectionSpace } from '../space.js'
import {
  type CmaParameters,
  type CmaState,
  cmaDraw,
  cmaFinished,
  cmaParameters,
  cmaStart,
  cmaTell,
} from './strategy.js'

export interface CmaEsOptions {
  seed?: number
  /** Where to begin, by parameter; default: the middle of each range. */
  x0?: Readonly<Record<string, number>> | null
  /** First standard deviation, as a share of the ranges; default 1/6. */
  sigma0?: number | null
  /** Trials drawn evenly before; default 1. */
  nStartupTrials?: number
  /** Points of a generation; default 4 + ⌊3 · ln(parameters)⌋. */
  popsize?: number | null
  /** Begin anew where the strategy rests: with a population twice as large each time (`ipop`), or by turns large and small (`bipop`). Default none. */
  restartStrategy?: 'ipop' | 'bipop' | null
  /** Growth of the population at a restart; default 2. */
  incPopsize?: number
}

const schema = z.strictObject({
  seed: z.int().nonnegative().optional(),
  x0: z.record(z.string(), z.number()).nullable().default(null),
  sigma0: z.number().positive().nullable().default(null),
  nStartupTrials: z.int().nonnegative().default(1),
  popsize: z.int().min(2).nullable().default(null),
  restartStrategy: z.enum(['ipop', 'bipop']).nullable().default(null),
  incPopsize: z.int().min(2).default(2),
})

const KEY = 'anneal:cma'
interface Mark {
  readonly space: string
  readonly restart: number
  readonly generation: number
  readonly x: readonly number[]
}
type Numeric = FloatDistribution | IntDistribution
interface Run {
  readonly restart: number
  readonly parameters: CmaParameters
  readonly state: CmaState
}

/**
 * CMA-ES (Hansen & Ostermeier 2001): a normal distribution over all numeric parameters that learns from generations of
 * trials where to go and how wide; whole numbers are kept moving by a margin. Choices are drawn evenly. Each trial keeps
 * its point and generation, and the strategy's state is computed from the trials, so that workers share it. Options of
 * Optuna's CmaEsSampler.
 * @throws ConfigError for options out of range
 */
export function cmaEs(options: CmaEsOptions = {}): Sampler {
  const o = parseOptions(schema, options, 'samplers.cmaEs')
  const seed = o.seed ?? freshSeed()
  const sigma0 = o.sigma0 ?? 1 / 6
  // A memo: full generations do not change.
  const states = new Map<string, CmaState>()

  const run = (context: SamplerContext, space: SearchSpace): Run => {
    const names = Object.keys(space)
    const key = names.join()
    const steps = names.map(name => stepOf(space[name] as Numeric))
    const base = o.popsize ?? 4 + Math.floor(3 * Math.log(names.length))
    const better = sign(context.study.directions[0]!)
    const marked = context.study.trials.flatMap(trial => {
      const mark = markOf(trial)
      return mark?.space === key && trial.state === 'COMPLETE' && trial.values !== null
        ? [{ mark, value: better * trial.values[0]!, number: trial.number }]
        : []
    })
    for (let restart = 0; ; restart++) {
      const population = populationOf(base, restart)
      const parameters = cmaParameters(names.length, population, steps)
      let state = cmaStart(startOf(names, space, restart), sigma0)
      let rests = false
      for (;;) {
        const born = marked
          .filter(m => m.mark.restart === restart && m.mark.generation === state.generation)
          .slice(0, population)
        if (born.length < population) break
        const memo = `${context.study.name}/${key}/${restart}/${state.generation}/${born.map(m => m.number).join()}`
        const results = born.map(m => ({ x: m.mark.x, value: m.value }))
        state = states.get(memo) ?? cmaTell(state, parameters, results)
        states.set(memo, state)
        rests = o.restartStrategy !== null && cmaFinished(state, sigma0)
        if (rests) break
      }
      if (!rests) return { restart, parameters, state }
    }
  }

  const populationOf = (base: number, restart: number): number => {
    if (restart === 0 || o.restartStrategy === null) return base
    if (o.restartStrategy === 'ipop') return base * o.incPopsize ** restart
    // By turns: a large one that grows, and one between the base and half the large one.
    const large = base * o.incPopsize ** Math.ceil(restart / 2)
    if (restart % 2 === 1) return large
    const u = counterRandom(seed, 'cmaEs', 'population', restart).uniform(0)
    return Math.max(base, Math.floor(base * (large / (2 * base)) ** (u * u)))
  }

  const startOf = (names: readonly string[], space: SearchSpace, restart: number): number[] => {
    const random = counterRandom(seed, 'cmaEs', 'start', restart)
    return names.map((name, i) => {
      if (restart > 0) return random.uniform(i)
      const given = o.x0?.[name]
      return given === undefined ? 0.5 : Math.min(Math.max(toUnit(space[name] as Numeric, given), 0), 1)
    })
  }

  return {
    name: 'cmaEs',
    seed,
    searchSpace: context =>
      context.study.directions.length > 1
        ? {}
        : Object.fromEntries(
            Object.entries(intersectionSpace(context.study.trials)).filter(
              ([, d]) => d.type !== 'categorical' && !isSingle(d),
            ),
          ),
    sample: async (context, space) => {
      const names = Object.keys(space)
      const ended = context.study.trials.filter(t => t.state === 'COMPLETE').length
      if (names.length === 0 || ended < o.nStartupTrials) return {}
      const { restart, parameters, state } = run(context, space)
      const random = context.random('point')
      const n = parameters.dimensions
      let x: number[] = []
      // Points outside the ranges are drawn again; what does not succeed is put on the border.
      for (let attempt = 0; attempt < 100; attempt++) {
        x = cmaDraw(
          state,
          names.map((_, i) => random.normal(attempt * n + i)),
        )
        if (x.every(v => v >= 0 && v <= 1)) break
      }
      x = x.map(v => Math.min(Math.max(v, 0), 1))
      await context.setTrialSystemAttr(KEY, { space: names.join(), restart, generation: state.generation, x })
      return Object.fromEntries(names.map((name, i) => [name, fromUnitCube(space[name] as Numeric, x[i]!)]))
    },
    sampleIndependent: (context, name, distribution) => drawFrom(distribution, context.random(`even ${name}`)),
  }
}

function markOf(trial: FrozenTrial): Mark | null {
  const mark = trial.systemAttrs[KEY]
  if (typeof mark !== 'object' || mark === null || Array.isArray(mark)) return null
  const { space, restart, generation, x } = mark as Readonly<Record<string, unknown>>
  const whole = (v: unknown): v is number => typeof v === 'number' && Number.isInteger(v)
  return typeof space === 'string' && whole(restart) && whole(generation) && Array.isArray(x)
    ? { space, restart, generation, x: x as number[] }
    : null
}

/** Bounds in which a range is mapped to [0, 1]: half a step beyond a grid's outermost values, logarithms where it is one of `log`. */
function bounds(d: Numeric): readonly [number, number] {
  const half = d.step === null ? 0 : d.step / 2
  return d.log ? [Math.log(d.low - half), Math.log(d.high + half)] : [d.low - half, d.high + half]
}
const toUnit = (d: Numeric, value: number): number => {
  const [low, high] = bounds(d)
  return ((d.log ? Math.log(value) : value) - low) / (high - low)
}
const fromUnitCube = (d: Numeric, u: number): number => {
  const [low, high] = bounds(d)
  const x = low + u * (high - low)
  return snap(d, d.log ? Math.exp(x) : x)
}
/** The width of a grid's step in the unit cube; 0 for what is continuous, or uneven there. */
const stepOf = (d: Numeric): number => {
  if (d.step === null || d.log) return 0
  const [low, high] = bounds(d)
  return d.step / (high - low)
}
