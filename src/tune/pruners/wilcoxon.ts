import { z } from 'zod'
import { parseOptions } from '../../ir/options.js'
import { isFeasible } from '../constraints.js'
import type { FrozenTrial } from '../frozen-trial.js'
import { paretoFront, sign } from '../pareto.js'
import type { StudyView } from '../samplers/sampler.js'
import type { Pruner } from './pruner.js'
import { vectorAt } from './reports.js'
import { signedRank } from './signed-rank.js'

export interface WilcoxonOptions {
  /** A trial is pruned where the test's p lies below. Default 0.1. */
  pThreshold?: number
  /** Steps in common with the best trial before the first test; never fewer than 2. Default 2. */
  nStartupSteps?: number
}

const schema = z.strictObject({
  pThreshold: z.number().min(0).max(1).default(0.1),
  nStartupSteps: z.int().min(0).default(2),
})

/**
 * For objectives that are a mean over instances (folds of a cross-validation, problems, questions): the step is the
 * instance, in any order, and its report that instance's value. Prunes a trial that Wilcoxon's signed-rank test finds
 * worse than the best trial over the instances both have, unless its mean is at least as good as the best trial's.
 * Nothing is pruned where a report of one of the two is not finite. An objective may return the mean so far instead of
 * ending as pruned.
 *
 * Several objectives: where some trial of the Pareto front is found better in each of them.
 * @throws ConfigError for options out of range
 */
export function wilcoxon(options: WilcoxonOptions = {}): Pruner {
  const { pThreshold, nStartupSteps } = parseOptions(schema, options, 'pruners.wilcoxon')
  /** Whether `trial` is worse than `best` in an objective. */
  const worse = (trial: ReadonlyMap<number, number>, best: ReadonlyMap<number, number>, better: 1 | -1): boolean => {
    if (best.size === 0 || ![...trial.values(), ...best.values()].every(Number.isFinite)) return false
    const common = [...trial.keys()].filter(step => best.has(step)).sort((a, b) => a - b)
    if (common.length < Math.max(2, nStartupSteps)) return false
    const differences = common.map(step => better * (trial.get(step)! - best.get(step)!))
    if (!(signedRank(differences) < pThreshold)) return false
    return better * mean(best) < better * mean(trial)
  }
  return {
    name: 'wilcoxon',
    prune: ({ study, trial }) => {
      if (trial.intermediateValues.size === 0) return false
      const { directions } = study
      const complete = study.trials.filter(
        other => other.state === 'COMPLETE' && other.values !== null && isFeasible(other),
      )
      const several = directions.length > 1 && [...trial.intermediateValues.keys()].some(step => vectorAt(trial, step))
      const objectives = several ? directions.map((_, i) => i) : [0]
      return (directions.length > 1 ? paretoFront(complete, directions) : bestOf(complete, study)).some(best =>
        objectives.every(i => worse(valuesOf(trial, i), valuesOf(best, i), sign(directions[i]!))),
      )
    },
  }
}

const mean = (values: ReadonlyMap<number, number>): number =>
  [...values.values()].reduce((sum, value) => sum + value, 0) / values.size

function bestOf(trials: readonly FrozenTrial[], study: StudyView): readonly FrozenTrial[] {
  const better = sign(study.directions[0]!)
  let best = trials[0]
  for (const trial of trials) if (better * trial.values![0]! < better * best!.values![0]!) best = trial
  return best === undefined ? [] : [best]
}

/** An objective's reports by step. */
function valuesOf(trial: FrozenTrial, objective: number): ReadonlyMap<number, number> {
  if (objective === 0) return trial.intermediateValues
  return new Map(
    [...trial.intermediateValues.keys()].flatMap(step => {
      const values = vectorAt(trial, step)
      return values === null ? [] : [[step, values[objective]!] as const]
    }),
  )
}
