import { z } from 'zod'
import { parseOptions } from '../../ir/options.js'
import { type FrozenTrial, lastStep } from '../frozen-trial.js'
import type { StudyView } from '../samplers/sampler.js'
import { crc32 } from './crc32.js'
import { recalled, remembered } from './estimate.js'
import { naturalLog } from './natural-log.js'
import type { Pruner } from './pruner.js'
import { successiveHalving } from './successive-halving.js'

export interface HyperbandOptions {
  /** Steps to the first rung. Default 1. */
  minResource?: number
  /** Steps of a whole trial; 'auto': those of the first complete trials. Default 'auto'. */
  maxResource?: number | 'auto'
  /** Of so many trials at a rung one goes on. Default 3. */
  reductionFactor?: number
  /** As successive halving's; not with 'auto'. Default 0. */
  bootstrapCount?: number
}

const schema = z
  .strictObject({
    minResource: z.int().min(1).default(1),
    maxResource: z.union([z.int().min(1), z.literal('auto')]).default('auto'),
    reductionFactor: z.int().min(2).default(3),
    bootstrapCount: z.int().min(0).default(0),
  })
  .refine(o => o.bootstrapCount === 0 || o.maxResource !== 'auto', {
    path: ['bootstrapCount'],
    message: 'Invalid input: expected 0 where maxResource is auto',
  })
  .refine(o => o.maxResource === 'auto' || o.maxResource >= o.minResource, {
    path: ['maxResource'],
    message: 'Invalid input: expected minResource or more',
  })

/** Where the resource of a study that was estimated stands. */
const MAX_RESOURCE = 'anneal:hyperband:max_resource'

/**
 * Hyperband (Li et al. 2018) over asynchronous successive halving: trials are parted into brackets that begin to halve at
 * different rungs. The bracket follows from the study's name and the trial's number alone, as Optuna's, so that every
 * worker knows it; samplers learn from the trials of the bracket: with TPE this is BOHB (Falkner et al. 2018), see `bohb`.
 * Several objectives as in `successiveHalving`.
 * @throws ConfigError for options out of range
 */
export function hyperband(options: HyperbandOptions = {}): Pruner {
  const { minResource, maxResource, reductionFactor, bootstrapCount } = parseOptions(
    schema,
    options,
    'pruners.hyperband',
  )
  const inBracket = (max: number, study: StudyView, trial: FrozenTrial) => {
    const budgets = bracketBudgets(minResource, max, reductionFactor)
    const bracketOf = brackets(study.name, budgets)
    const bracket = bracketOf(trial)
    return { bracket, trials: study.trials.filter(other => bracketOf(other) === bracket) }
  }
  return {
    name: 'hyperband',
    prune: async context => {
      const { study, trial } = context
      const max =
        maxResource === 'auto'
          ? await recalled(study, MAX_RESOURCE, longestTrial, context.setStudySystemAttr)
          : maxResource
      if (max === null) return false
      const { bracket, trials } = inBracket(max, study, trial)
      const halving = successiveHalving({ minResource, reductionFactor, minEarlyStoppingRate: bracket, bootstrapCount })
      return halving.prune({ ...context, study: { ...study, trials } })
    },
    filterTrials: (study, trial) => {
      const max = maxResource === 'auto' ? remembered(study, MAX_RESOURCE) : maxResource
      return max === null ? study.trials : inBracket(max, study, trial).trials
    },
  }
}

function longestTrial(study: StudyView): number | null {
  const steps = study.trials.flatMap(trial => (trial.state === 'COMPLETE' ? (lastStep(trial) ?? []) : []))
  return steps.length === 0 ? null : Math.max(...steps) + 1
}

/** The share of trials of each bracket; as many brackets as successive halving has rungs. */
export function bracketBudgets(minResource: number, maxResource: number, reductionFactor: number): number[] {
  // As Optuna counts them: one fewer than the powers say where the quotient falls just short of them.
  const count = Math.floor(naturalLog(maxResource / minResource) / naturalLog(reductionFactor)) + 1
  return Array.from({ length: count }, (_, bracket) => {
    const rungs = count - bracket
    return Math.ceil((count * reductionFactor ** (rungs - 1)) / rungs)
  })
}

/** For a trial the bracket it is in: the checksum of study and number, over the budgets of all. */
function brackets(study: string, budgets: readonly number[]): (trial: FrozenTrial) => number {
  const encoder = new TextEncoder()
  const name = crc32(encoder.encode(`${study}_`))
  const total = budgets.reduce((sum, budget) => sum + budget, 0)
  return ({ number }) => {
    let at = crc32(encoder.encode(`${number}`), name) % total
    let bracket = 0
    while (at >= budgets[bracket]!) at -= budgets[bracket++]!
    return bracket
  }
}
