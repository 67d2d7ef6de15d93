import { z } from 'zod'
import type { CounterRandom } from '../../../ir/index.js'
import { cardinality, isSingle, type ParamValue, sameChoice, snap, toExternal, toInternal } from '../../distribution.js'
import type { FrozenTrial } from '../../frozen-trial.js'
import { drawFrom } from '../random.js'
import { freshSeed, type Sampler, type SamplerContext, type SearchSpace } from '../sampler.js'
import { intersectionSpace } from '../space.js'
import { beats, type Individual, individual } from './population.js'

export interface GeneticOptions {
  seed?: number
  /** Trials of one generation; default 50, at least 2. */
  populationSize?: number
  /** Chance that a child's parameter is drawn anew; default 1 / number of parameters. */
  mutationProb?: number | null
  /** Chance that a child has two parents; default 0.9. */
  crossoverProb?: number
  /** With uniform crossover, chance that a parameter comes from the second parent; default 0.5. */
  swappingProb?: number
  /** How numbers are crossed: chosen from either parent, or by simulated binary crossover (Deb & Agrawal 1995). Default uniform. */
  crossover?: 'uniform' | 'sbx'
}

export const geneticSchema = {
  seed: z.int().nonnegative().optional(),
  populationSize: z.int().min(2).default(50),
  mutationProb: z.number().min(0).max(1).nullable().default(null),
  crossoverProb: z.number().min(0).max(1).default(0.9),
  swappingProb: z.number().min(0).max(1).default(0.5),
  crossover: z.enum(['uniform', 'sbx']).default('uniform'),
}

type Resolved = Required<Omit<GeneticOptions, 'seed'>> & { readonly seed?: number | undefined }

/**
 * A genetic sampler: generations of trials, of which the fittest are the parents of the next. `select` says who survives.
 * A trial's generation stands with it, under Optuna's name, so that workers of either kind share the generations.
 */
export function genetic(
  name: string,
  attribute: string,
  o: Resolved,
  select: (population: readonly Individual[], size: number, random: CounterRandom) => Individual[],
): Sampler {
  const seed = o.seed ?? freshSeed()
  // A memo of who survived each generation: once a generation is full, it does not change.
  const parents = new Map<string, readonly Individual[]>()

  const generationOf = (trial: FrozenTrial): number => {
    const value = trial.systemAttrs[attribute]
    return typeof value === 'number' ? value : -1
  }
  /** The newest full generation and its survivors; −1 where none is full. */
  const parentsOf = (context: SamplerContext): { generation: number; population: readonly Individual[] } => {
    const { trials, directions } = context.study
    const complete = trials.filter(t => t.state === 'COMPLETE' && t.values !== null)
    let population: readonly Individual[] = []
    for (let generation = 0; ; generation++) {
      const born = complete.filter(t => generationOf(t) === generation)
      if (born.length < o.populationSize) return { generation: generation - 1, population }
      const key = `${context.study.name}/${generation}/${born.map(t => t.number).join()}`
      const known = parents.get(key)
      population =
        known ??
        select(
          [...population, ...born.map(t => individual(t, directions))],
          o.populationSize,
          context.random(`survivors ${generation}`),
        )
      parents.set(key, population)
    }
  }

  const tournament = (population: readonly Individual[], random: CounterRandom, i: number): Individual => {
    const a = population[random.below(2 * i, population.length)]!
    const b = population[random.below(2 * i + 1, population.length)]!
    return beats(b, a) ? b : a
  }

  const child = (context: SamplerContext, space: SearchSpace, population: readonly Individual[]) => {
    const random = context.random('child')
    const choices = context.random('parents')
    const names = Object.keys(space)
    const able = population.filter(p => names.every(name => name in p.trial.internalParams))
    if (able.length === 0) return {}
    const first = tournament(able, choices, 0)
    let second = tournament(able, choices, 1)
    for (let i = 2; i < 12 && second === first; i++) second = tournament(able, choices, i)
    const cross = random.uniform(0) < o.crossoverProb
    const mutation = o.mutationProb ?? 1 / Math.max(1, names.length)
    const values: Record<string, ParamValue> = {}
    names.forEach((parameter, k) => {
      const at = 1 + 4 * k
      const d = space[parameter]!
      // A mutated parameter is left open: it is drawn anew when it is asked for.
      if (random.uniform(at) < mutation) return
      const [a, b] = [first, second].map(p => toInternal(d, p.trial.params[parameter]!)) as [number, number]
      if (Number.isNaN(a) || Number.isNaN(b)) return
      let internal = cross && random.uniform(at + 1) < o.swappingProb ? b : a
      if (cross && o.crossover === 'sbx' && d.type !== 'categorical') {
        const scale = (x: number) => (d.log ? Math.log(x) : x)
        const [x, y] = [scale(a), scale(b)]
        const u = random.uniform(at + 2)
        // Distribution index 2, as in Optuna.
        const beta = u <= 0.5 ? (2 * u) ** (1 / 3) : (1 / (2 * (1 - u))) ** (1 / 3)
        const side = random.uniform(at + 3) < 0.5 ? 1 : -1
        const crossed = 0.5 * ((1 + side * beta) * x + (1 - side * beta) * y)
        internal = snap(d, d.log ? Math.exp(crossed) : crossed)
      }
      values[parameter] = toExternal(d, internal)
    })
    // A copy of what was tried tells nothing new, nor one whose open parameters may come out the same, nor what another
    // trial that has just begun may be: a real number is drawn anew, or where there is none any parameter (which then gets
    // an answer that is left).
    const real = names.filter(parameter => cardinality(space[parameter]!) === Infinity)
    const mayBe = ({ number, state, params }: FrozenTrial): boolean => {
      if (number === context.trial.number) return false
      const begun = state === 'RUNNING' ? names.filter(parameter => parameter in params) : names
      return begun.every(
        parameter =>
          parameter in params && (!(parameter in values) || sameChoice(params[parameter]!, values[parameter]!)),
      )
    }
    const isCopy = context.study.trials.some(mayBe)
    if (isCopy && real.every(parameter => parameter in values)) {
      const free = real.length > 0 ? real : names
      delete values[free[random.below(0, free.length)]!]
    }
    return values
  }

  return {
    name,
    seed,
    searchSpace: context =>
      Object.fromEntries(Object.entries(intersectionSpace(context.study.trials)).filter(([, d]) => !isSingle(d))),
    beforeTrial: async context => {
      await context.setTrialSystemAttr(attribute, parentsOf(context).generation + 1)
    },
    sample: (context, space) => {
      const { generation, population } = parentsOf(context)
      return generation < 0 ? {} : child(context, space, population)
    },
    sampleIndependent: (context, parameter, distribution) =>
      drawFrom(distribution, context.random(`even ${parameter}`)),
  }
}
