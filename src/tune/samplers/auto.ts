import { z } from 'zod'
import { parseOptions } from '../../ir/options.js'
import { isSingle } from '../distribution.js'
import type { FrozenTrial } from '../frozen-trial.js'
import { totalOf } from '../total.js'
import { branchesOf } from './gp/branches.js'
import { gp } from './gp/index.js'
import { nsga2 } from './nsga/nsga2.js'
import { nsga3 } from './nsga/nsga3.js'
import { freshSeed, type Sampler, type SamplerContext, type StudyView } from './sampler.js'
import { tpe } from './tpe/index.js'

export interface AutoOptions {
  seed?: number
  /** How many trials are planned. Default: what the study says, in which workers share it. */
  trials?: number
}

const schema = z.strictObject({ seed: z.int().nonnegative().optional(), trials: z.int().positive().optional() })

/** A choice, and why. */
export interface Choice {
  readonly sampler: 'gp' | 'tpe' | 'tpe group' | 'nsga2' | 'nsga3'
  readonly reason: string
}

/** Beyond these a Gaussian process costs more than it brings: each suggestion the cube of the trials. */
const GP_TRIALS = 200
const GP_TRIALS_SEVERAL = 100
const GP_PARAMETERS = 20
/** Genetic search needs generations; before these many trials models are better. */
const GENETIC_TRIALS = 250
/** From so many objectives on hypervolumes are dear, and most trials beat each other in something. */
const MANY_OBJECTIVES = 4

/**
 * Which sampler suits a study, from what has ended so far.
 * - Parameters that some trials have and others not, for no reason seen: TPE by groups, which models each group by what
 *   it has. Where the value of another parameter decides on them, what follows holds, with TPE by groups for TPE.
 * - Four objectives or more, several hundred trials planned or made: NSGA-III, whose reference directions keep fronts
 *   spread; before that TPE.
 * - Two or three objectives: a Gaussian process (expected hypervolume improvement) for the first 100, then TPE, and
 *   NSGA-II where more than 1,000 are planned or made, which costs the least for each trial.
 * - One objective: a Gaussian process for the first 200 trials with up to 20 parameters, which finds more with few trials
 *   than anything else; then TPE, which stays fast.
 * - Where most trials are pruned: TPE, which learns from them too.
 */
export function chooseSampler({ trials, directions }: StudyView, planned = 0): Choice {
  const ended = trials.filter(t => t.state === 'COMPLETE' || t.state === 'PRUNED')
  const count = ended.length
  const budget = Math.max(planned, count)
  const pruned = ended.filter(t => t.state === 'PRUNED').length
  if (directions.length >= MANY_OBJECTIVES)
    return budget >= GENETIC_TRIALS
      ? { sampler: 'nsga3', reason: `${directions.length} objectives, ${budget} trials` }
      : { sampler: 'tpe', reason: `${directions.length} objectives, few trials for a genetic search` }
  const conditional = isConditional(ended)
  const estimator = conditional ? 'tpe group' : 'tpe'
  const several = directions.length > 1
  if (several && !conditional && budget >= 4 * GENETIC_TRIALS)
    return { sampler: 'nsga2', reason: `${budget} trials for a genetic search` }
  if (count >= (several ? GP_TRIALS_SEVERAL : GP_TRIALS))
    return { sampler: estimator, reason: `${count} trials are many for a Gaussian process` }
  if (2 * pruned > count) return { sampler: estimator, reason: 'most trials are pruned' }
  const parameters = new Set(ended.flatMap(t => Object.keys(t.distributions))).size
  if (parameters > GP_PARAMETERS)
    return { sampler: estimator, reason: `${parameters} parameters are many for a Gaussian process` }
  if (conditional && !isExplained(ended))
    return { sampler: estimator, reason: 'no parameter decides on which others there are' }
  return { sampler: 'gp', reason: 'few trials' }
}

/** Whether trials that are complete were asked for different parameters. */
function isConditional(ended: readonly FrozenTrial[]): boolean {
  const complete = ended.filter(t => t.state === 'COMPLETE')
  const first = complete[0]
  if (first === undefined) return false
  const size = Object.keys(first.params).length
  return complete.some(
    t => Object.keys(t.params).length !== size || Object.keys(t.params).some(name => !(name in first.params)),
  )
}

/** Whether the values of some parameters say which others a trial has. */
function isExplained(ended: readonly FrozenTrial[]): boolean {
  const { space } = branchesOf(ended)
  return ended.every(t => Object.entries(t.distributions).every(([name, d]) => isSingle(d) || name in space))
}

/**
 * Chooses a sampler for each trial by space, budget and history: see `chooseSampler` for the rules. What was chosen and
 * why stands with the trial (`anneal:auto`).
 * @throws ConfigError for options out of range
 */
export function auto(options: AutoOptions = {}): Sampler {
  const o = parseOptions(schema, options, 'samplers.auto')
  const seed = o.seed ?? freshSeed()
  const all: Readonly<Record<Choice['sampler'], Sampler>> = {
    gp: gp({ seed }),
    tpe: tpe({ seed }),
    'tpe group': tpe({ seed, multivariate: true, group: true }),
    nsga2: nsga2({ seed }),
    nsga3: nsga3({ seed }),
  }
  // A trial asks several times about the same past.
  const chosen = new WeakMap<readonly FrozenTrial[], Choice>()
  const choose = ({ study }: SamplerContext): Choice => {
    const known = chosen.get(study.trials) ?? chooseSampler(study, o.trials ?? totalOf(study) ?? undefined)
    chosen.set(study.trials, known)
    return known
  }
  const of = (context: SamplerContext): Sampler => all[choose(context).sampler]
  return {
    name: 'auto',
    seed,
    beforeTrial: async context => {
      const { sampler, reason } = choose(context)
      await context.setTrialSystemAttr('anneal:auto', `${sampler}: ${reason}`)
      await all[sampler].beforeTrial?.(context)
    },
    searchSpace: context => of(context).searchSpace?.(context) ?? {},
    sample: async (context, space) => (await of(context).sample?.(context, space)) ?? {},
    sampleIndependent: (context, name, distribution) => of(context).sampleIndependent(context, name, distribution),
    afterTrial: async (context, state, values, stop) => {
      const [name] = String(context.trial.systemAttrs['anneal:auto'] ?? '').split(': ')
      const sampler = Object.entries(all).find(([key]) => key === name)?.[1]
      await sampler?.afterTrial?.(context, state, values, stop)
    },
  }
}
