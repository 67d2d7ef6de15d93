import { z } from 'zod'
import { parseOptions } from '../../../ir/options.js'
import { constraintsOf, isFeasible } from '../../constraints.js'
import { type ParamValue, toExternal } from '../../distribution.js'
import type { FrozenTrial } from '../../frozen-trial.js'
import { losses } from '../../pareto.js'
import { internalParams, shareRelative } from '../relative.js'
import { freshSeed, type Sampler, type SamplerContext } from '../sampler.js'
import { tpe } from '../tpe/index.js'
import { type Branches, branchesOf, within } from './branches.js'
import { kernelsToJson, lastKernels } from './memory.js'
import { suggest } from './suggest.js'
import type { Trials } from './targets.js'

export interface GpOptions {
  seed?: number
  /** Trials drawn evenly before the model is used; default 10. */
  nStartupTrials?: number
  /** The same parameters give the same value: no noise is fitted. Default false. */
  deterministicObjective?: boolean
  /**
   * What is maximized, for one objective: the logarithm of the expected improvement over the best value seen, or
   * `noisyLogEi`, over the best that the function itself may have there. Default `logEi`.
   */
  acquisition?: 'logEi' | 'noisyLogEi'
  /**
   * For the first trials, and parameters that some trials have for no reason seen. Default TPE of the same seed, one by
   * one, which draws the first ones evenly (Optuna draws all of them so).
   */
  independentSampler?: Sampler
}

const schema = z.strictObject({
  seed: z.int().nonnegative().optional(),
  nStartupTrials: z.int().nonnegative().default(10),
  deterministicObjective: z.boolean().default(false),
  acquisition: z.enum(['logEi', 'noisyLogEi']).default('logEi'),
  independentSampler: z
    .custom<Sampler>(s => typeof (s as Sampler | null)?.sampleIndependent === 'function', 'a sampler')
    .optional(),
})

/**
 * Bayesian optimization with a Gaussian process (Matérn 5/2, a length for each parameter), for few and dear trials:
 * maximizes log expected improvement (Ament et al. 2023), for several objectives log expected hypervolume improvement
 * (Daulton et al. 2020), times the probability that constraints are kept (Gardner et al. 2014). Trials that still run
 * count with draws of what they may give, so that many can run at once. Choices differ or do not (Hamming distance).
 * Formulas, priors and defaults are those of Optuna's GPSampler 5. Beyond it, parameters that not every trial has are
 * modelled too where the value of another one decides on them (absent ones as if they were at one place; Lévesque et al.
 * 2017); what nothing explains comes from the independent sampler. A suggestion costs the cube of the number of trials;
 * fitted kernels are kept with the trials (`anneal:gp`), as the start of the next fit.
 * @throws ConfigError for options out of range
 */
export function gp(options: GpOptions = {}): Sampler {
  const o = parseOptions(schema, options, 'samplers.gp')
  const seed = o.seed ?? freshSeed()
  const independent = o.independentSampler ?? tpe({ seed, multivariate: false, nStartupTrials: o.nStartupTrials })
  return {
    name: 'gp',
    seed,
    searchSpace: ({ study }) => branchesOf(study.trials).space,
    sample: async (context, wanted) => {
      const branches = within(branchesOf(context.study.trials), wanted)
      const { space, parents } = branches
      const { complete, pending } = observed(context, branches)
      if (complete.length < Math.max(o.nStartupTrials, 1)) return {}
      const names = Object.keys(space)
      const trials: Trials = {
        space,
        parents,
        places: complete.map(t => names.map(name => t.internalParams[name] ?? Number.NaN)),
        scores: complete.map(t => losses(t.values!, context.study.directions).map(loss => -loss)),
        feasible: complete.map(isFeasible),
        constraints: complete.map(constraintsOf),
        pending: pending.map(t => names.map(name => internalParams(t, space)[name] ?? Number.NaN)),
      }
      const { place, kernels } = suggest(trials, lastKernels(context.study.trials, names.length), {
        deterministic: o.deterministicObjective,
        noisy: o.acquisition === 'noisyLogEi',
        random: purpose => context.random(purpose),
      })
      const values: Record<string, ParamValue> = Object.fromEntries(
        names.flatMap((name, d) => (Number.isNaN(place[d]!) ? [] : [[name, toExternal(space[name]!, place[d]!)]])),
      )
      const memory = kernelsToJson(kernels)
      if (memory !== null) await context.setTrialSystemAttr('anneal:gp', memory)
      await shareRelative(context, 'gp', values)
      return values
    },
    sampleIndependent: (context, name, distribution) => independent.sampleIndependent(context, name, distribution),
  }
}

/** Trials that say something: complete ones, and running ones of which all parameters are known. */
function observed({ study, trial }: SamplerContext, { space, parents }: Branches) {
  const names = Object.keys(space)
  const has = (t: FrozenTrial) => {
    const values = internalParams(t, space)
    return names.every(name => {
      const parent = parents.get(name)
      const wanted = parent === undefined || (values[parent.name] !== undefined && parent.has(values[parent.name]!))
      return !wanted || Number.isFinite(values[name])
    })
  }
  return {
    complete: study.trials.filter(t => t.state === 'COMPLETE' && t.values !== null && has(t)),
    pending: study.trials.filter(t => t.state === 'RUNNING' && t.number !== trial.number && has(t)),
  }
}
