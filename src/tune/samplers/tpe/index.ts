import { z } from 'zod'
import { parseOptions } from '../../../ir/options.js'
import { type Distribution, isSingle, type ParamValue, toExternal } from '../../distribution.js'
import type { FrozenTrial } from '../../frozen-trial.js'
import { drawFrom } from '../random.js'
import { internalParams, shareRelative } from '../relative.js'
import { freshSeed, type Sampler, type SamplerContext, type SearchSpace } from '../sampler.js'
import { groupSpaces, intersectionSpace } from '../space.js'
import { drawMixture, logMixture, parzen } from './parzen.js'
import { splitTrials } from './split.js'

export interface TpeOptions {
  seed?: number
  /** Trials drawn evenly before the model is used; default 10. */
  nStartupTrials?: number
  /** Candidates among which the one with the largest expected improvement is taken; default 24. */
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
  nEiCandidates: z.int().positive().default(24),
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
export const defaultWeights = (n: number): Float64Array =>
  Float64Array.from({ length: n }, (_, i) =>
    n < 25 || i >= n - 25 ? 1 : n === 26 ? 1 / n : 1 / n + ((1 - 1 / n) * i) / (n - 26),
  )

/**
 * Tree-structured Parzen estimator (Bergstra et al. 2011): models where good and where other trials lie, and takes the
 * candidate for which the quotient of both is largest. Options, defaults and formulas are those of Optuna's TPESampler 5:
 * by default multivariate, with the constant liar.
 * @throws ConfigError for options out of range
 */
export function tpe(options: TpeOptions = {}): Sampler {
  const o = parseOptions(schema, options, 'samplers.tpe')
  const seed = o.seed ?? freshSeed()
  const isMultivariate = (context: SamplerContext) =>
    o.multivariate ?? (o.group || context.study.directions.length === 1)
  const ended = (trials: readonly FrozenTrial[]) => trials.filter(t => t.state === 'COMPLETE' || t.state === 'PRUNED')

  const suggest = (context: SamplerContext, space: SearchSpace, purpose: string): Record<string, ParamValue> => {
    const { study, trial } = context
    const used = study.trials.filter(
      t =>
        t.number !== trial.number &&
        (t.state === 'COMPLETE' || t.state === 'PRUNED' || (o.constantLiar && t.state === 'RUNNING')),
    )
    const finished = used.filter(t => t.state !== 'RUNNING').length
    const several = study.directions.length > 1
    const below = o.gamma?.(finished) ?? (several ? Math.ceil(0.1 * finished) : Math.min(Math.ceil(0.1 * finished), 25))
    const { good, rest } = splitTrials(used, study.directions, below)
    const model = (trials: readonly FrozenTrial[], even: boolean) => {
      const names = Object.keys(space)
      const having = trials.filter(t => names.every(name => name in internalParams(t, space)))
      const observations = Object.fromEntries(
        names.map(name => [name, Float64Array.from(having, t => internalParams(t, space)[name]!)]),
      )
      const weights = even
        ? new Float64Array(having.length).fill(1)
        : o.weights === undefined
          ? defaultWeights(having.length)
          : Float64Array.from(o.weights(having.length))
      return parzen(space, observations, weights, {
        priorWeight: o.priorWeight,
        magicClip: o.considerMagicClip,
        endpoints: o.considerEndpoints,
      })
    }
    const l = model(good, several)
    const g = model(rest, false)
    const candidates = drawMixture(l, context.random(purpose), o.nEiCandidates)
    const [logL, logG] = [logMixture(l, candidates), logMixture(g, candidates)]
    let best = 0
    for (let i = 1; i < o.nEiCandidates; i++) if (logL[i]! - logG[i]! > logL[best]! - logG[best]!) best = i
    return Object.fromEntries(l.names.map((name, p) => [name, toExternal(space[name]!, candidates[p]![best]!)]))
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
      if (ended(context.study.trials).length < o.nStartupTrials) return {}
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
      ended(context.study.trials).length < o.nStartupTrials
        ? drawFrom(distribution, context.random(`even ${name}`))
        : suggest(context, { [name]: distribution }, name)[name]!,
  }
}
