import { z } from 'zod'
import { ConfigError } from '../../../ir/index.js'
import { parseOptions } from '../../../ir/options.js'
import { type Distribution, isSingle, type ParamValue, toExternal } from '../../distribution.js'
import type { FrozenTrial } from '../../frozen-trial.js'
import { drawFrom } from '../random.js'
import { internalParams, shareRelative } from '../relative.js'
import { freshSeed, type Sampler, type SamplerContext, type SearchSpace } from '../sampler.js'
import { groupSpaces, intersectionSpace } from '../space.js'
import { drawMixture, logMixture, type MixtureWeights, mixtureWeights, parzen } from './parzen.js'
import { splitTrials } from './split.js'

export interface TpeOptions {
  seed?: number
  /** Trials drawn evenly before the model is used; default 10. */
  nStartupTrials?: number
  /**
   * Candidates among which the one with the largest expected improvement is taken. Default 24 for one parameter, as in
   * Optuna, and 64 for several together, where the best of few is far from the best there is.
   */
  nEiCandidates?: number
  /** How many trials count as good, from the number of those that have ended. Default ⌈n/10⌉, at most 25 for one objective. */
  gamma?: (trials: number) => number
  /** Weights of observations, oldest first. Default: 1 for the newest 25, falling evenly to 1/n for the oldest. */
  weights?: (observations: number) => readonly number[]
  /**
   * Model all parameters together instead of one by one. Default true for one objective, as in Optuna 5; false for
   * several.
   */
  multivariate?: boolean
  /** With multivariate: parameters that are never asked together are modelled apart (conditional spaces). Default false. */
  group?: boolean
  /** Trials that are still running count as bad, so that workers spread out. Default true. */
  constantLiar?: boolean
  /** Weight of the kernel that covers everything; default 1. */
  priorWeight?: number
  /** Kernels are never narrower than a share of the range that falls with their number. Default true. */
  considerMagicClip?: boolean
  /** The bounds count as neighbours of the outermost observations. Default false. */
  considerEndpoints?: boolean
}

const schema = z.strictObject({
  seed: z.int().nonnegative().optional(),
  nStartupTrials: z.int().nonnegative().default(10),
  nEiCandidates: z.int().positive().optional(),
  gamma: z.custom<(n: number) => number>(f => typeof f === 'function', 'a function').optional(),
  weights: z.custom<(n: number) => readonly number[]>(f => typeof f === 'function', 'a function').optional(),
  multivariate: z.boolean().optional(),
  group: z.boolean().default(false),
  constantLiar: z.boolean().default(true),
  priorWeight: z.number().nonnegative().default(1),
  considerMagicClip: z.boolean().default(true),
  considerEndpoints: z.boolean().default(false),
})

/** Optuna's weights: recent observations count fully, old ones less. */
export function defaultWeights(n: number): Float64Array {
  const weights = new Float64Array(n).fill(1)
  for (let i = 0; i < n - 25; i++) weights[i] = n === 26 ? 1 / n : 1 / n + ((1 - 1 / n) * i) / (n - 26)
  return weights
}

/**
 * Tree-structured Parzen estimator (Bergstra et al. 2011): models where good and where other trials lie, and takes the
 * candidate for which the quotient of both is largest. Options, defaults and formulas are those of Optuna's TPESampler 5:
 * by default multivariate, with the constant liar.
 * @throws ConfigError for options out of range; on sampling, for a gamma or weights that are no such numbers
 */
export function tpe(options: TpeOptions = {}): Sampler {
  const o = parseOptions(schema, options, 'samplers.tpe')
  if (o.group && o.multivariate === false)
    throw new ConfigError({
      code: 'bad-option',
      where: 'samplers.tpe.group',
      expected: 'multivariate',
      received: 'multivariate: false',
      hint: 'group models parameters that are asked together together',
    })
  const seed = o.seed ?? freshSeed()
  const isMultivariate = (context: SamplerContext) =>
    o.multivariate ?? (o.group || context.study.directions.length === 1)
  const startingUp = ({ study }: SamplerContext): boolean => {
    let left = Math.max(o.nStartupTrials, 1)
    for (const { state } of study.trials) if ((state === 'COMPLETE' || state === 'PRUNED') && --left === 0) return false
    return true
  }

  // One trial asks for many parameters of the same past.
  const pasts = new WeakMap<readonly FrozenTrial[], Past>()
  const pastOf = ({ study, trial }: SamplerContext): Past => {
    const known = pasts.get(study.trials)
    if (known !== undefined) return known
    let finished = 0
    const used = study.trials.filter(t => {
      if (t.state === 'RUNNING') return o.constantLiar && t.number !== trial.number
      const ended = t.state === 'COMPLETE' || t.state === 'PRUNED'
      if (ended) finished++
      return ended
    })
    const below = o.gamma?.(finished) ?? defaultGamma(finished, study.directions.length)
    if (!(Number.isInteger(below) && below >= 0)) badFunction('gamma', 'a whole number ≥ 0', below)
    const past = { ...splitTrials(used, study.directions, below), even: new Map(), falling: new Map() }
    pasts.set(study.trials, past)
    return past
  }
  const weightsOf = (count: number): Float64Array => {
    if (o.weights === undefined) return defaultWeights(count)
    const weights = Float64Array.from(o.weights(count))
    const sum = weights.reduce((a, b) => a + b, 0)
    if (weights.length !== count || !weights.every(w => w >= 0) || !(count === 0 || (sum > 0 && sum < Infinity)))
      badFunction('weights', `${count} numbers ≥ 0 that are not all 0`, [...weights])
    return weights
  }

  const suggest = (context: SamplerContext, space: SearchSpace, purpose: string): Record<string, ParamValue> => {
    const names = Object.keys(space)
    const past = pastOf(context)
    // What a running trial is about to try is known only where parameters are given together.
    const together = isMultivariate(context)
    const model = (trials: readonly FrozenTrial[], even: boolean) => {
      const columns = names.map(() => new Float64Array(trials.length))
      let count = 0
      next: for (const t of trials) {
        const params = together ? internalParams(t, space) : t.internalParams
        for (let p = 0; p < names.length; p++) {
          const value = params[names[p]!]
          if (value === undefined) continue next
          columns[p]![count] = value
        }
        count++
      }
      const observations = columns.map(column => column.subarray(0, count))
      const known = even ? past.even : past.falling
      const weights =
        known.get(count) ?? mixtureWeights(even ? new Float64Array(count).fill(1) : weightsOf(count), o.priorWeight)
      known.set(count, weights)
      return parzen(space, observations, weights, {
        priorWeight: o.priorWeight,
        magicClip: o.considerMagicClip,
        endpoints: o.considerEndpoints,
      })
    }
    const l = model(past.good, context.study.directions.length > 1)
    const g = model(past.rest, false)
    const count = o.nEiCandidates ?? (names.length > 1 ? 64 : 24)
    const candidates = drawMixture(l, context.random(purpose), count)
    const [logL, logG] = [logMixture(l, candidates), logMixture(g, candidates)]
    let best = 0
    for (let i = 1; i < count; i++) if (logL[i]! - logG[i]! > logL[best]! - logG[best]!) best = i
    return Object.fromEntries(names.map((name, p) => [name, toExternal(space[name]!, candidates[p]![best]!)]))
  }

  return {
    name: 'tpe',
    seed,
    searchSpace: context => {
      if (!isMultivariate(context)) return {}
      const spaces = o.group ? groupSpaces(context.study.trials) : [intersectionSpace(context.study.trials)]
      return Object.fromEntries(spaces.flatMap(space => Object.entries(space).filter(([, d]) => !isSingle(d))))
    },
    sample: async (context, space) => {
      if (startingUp(context)) return {}
      const parts = o.group ? groupSpaces(context.study.trials) : [space]
      const values: Record<string, ParamValue> = {}
      for (const [i, part] of parts.entries()) {
        const wanted = Object.fromEntries(Object.entries(part).filter(([name]) => name in space))
        if (Object.keys(wanted).length > 0) Object.assign(values, suggest(context, wanted, `together ${i}`))
      }
      // Other workers see what this trial is about to try.
      if (o.constantLiar) await shareRelative(context, 'tpe', values)
      return values
    },
    sampleIndependent: (context, name, distribution: Distribution) =>
      startingUp(context)
        ? drawFrom(distribution, context.random(`even ${name}`))
        : suggest(context, { [name]: distribution }, name)[name]!,
  }
}

/** What a suggestion starts from: trials in two parts, and weights by how many they are of. */
interface Past extends ReturnType<typeof splitTrials> {
  readonly even: Map<number, MixtureWeights>
  readonly falling: Map<number, MixtureWeights>
}

/** How many trials count as good: a tenth, of one objective 25 at most. */
const defaultGamma = (trials: number, objectives: number): number =>
  Math.min(Math.ceil(0.1 * trials), objectives > 1 ? Infinity : 25)

function badFunction(option: string, expected: string, received: unknown): never {
  throw new ConfigError({ code: 'bad-option', where: `samplers.tpe.${option}`, expected, received })
}
