import { z } from 'zod'
import { parseOptions } from '../../ir/options.js'
import { type FrozenTrial, lastStep } from '../frozen-trial.js'
import { dominates, sign } from '../pareto.js'
import type { StudyView } from '../samplers/sampler.js'
import { firstInInterval } from './interval.js'
import type { Pruner } from './pruner.js'
import { least, lossesAt, rankOrder } from './reports.js'

/** When a pruner that compares with completed trials looks at all. */
export interface StartOptions {
  /** Complete trials before the first one is pruned. Default 5. */
  nStartupTrials?: number
  /** Steps below this are left alone. Default 0. */
  nWarmupSteps?: number
  /** Steps between checks, counted from `nWarmupSteps`; a check without a report waits for the next. Default 1. */
  intervalSteps?: number
  /** Fewer complete trials than this with a report at the step: no pruning. Default 1. */
  nMinTrials?: number
}

const schema = z.strictObject({
  nStartupTrials: z.int().min(0).default(5),
  nWarmupSteps: z.int().min(0).default(0),
  intervalSteps: z.int().min(1).default(1),
  nMinTrials: z.int().min(1).default(1),
})
const share = z.number().min(0).max(100)

/**
 * Prunes a trial whose best report so far is worse than the `percentile` (0 … 100, of the best) of what complete trials
 * reported at the same step. Reports that are NaN count nothing; a trial with no other is pruned.
 *
 * Several objectives: prunes where every report of the trial ranks behind that percentile of the complete trials' ranks
 * at the step, unless none of those dominates one of its reports.
 * @throws ConfigError for options out of range
 */
export function percentile(keep: number, options: StartOptions = {}): Pruner {
  parseOptions(share, keep, 'pruners.percentile.percentile')
  return percentilePruner('percentile', keep, options)
}

export function percentilePruner(name: string, keep: number, options: StartOptions): Pruner {
  const { nStartupTrials, nWarmupSteps, intervalSteps, nMinTrials } = parseOptions(schema, options, `pruners.${name}`)
  return {
    name,
    prune: ({ study, trial }) => {
      const complete = study.trials.filter(other => other.state === 'COMPLETE')
      if (complete.length === 0 || complete.length < nStartupTrials) return false
      const step = lastStep(trial)
      if (step === null || step < nWarmupSteps) return false
      if (!firstInInterval(step, trial.intermediateValues.keys(), nWarmupSteps, intervalSteps)) return false
      if (study.directions.length > 1 && lossesAt(trial, step, study.directions) !== null)
        return ranksBehind(study, trial, step, complete, keep, nMinTrials)
      const better = sign(study.directions[0]!)
      const best = least([...trial.intermediateValues.values()].map(value => better * value))
      if (Number.isNaN(best)) return true
      const others = complete.filter(other => other.intermediateValues.has(step))
      if (others.length < nMinTrials) return false
      const values = others.map(other => other.intermediateValues.get(step)!)
      const bound = quantile(values, better === 1 ? keep : 100 - keep)
      return !Number.isNaN(bound) && best > better * bound
    },
  }
}

function ranksBehind(
  study: StudyView,
  trial: FrozenTrial,
  step: number,
  complete: readonly FrozenTrial[],
  keep: number,
  nMinTrials: number,
): boolean {
  const own = [...trial.intermediateValues.keys()]
    .map(at => lossesAt(trial, at, study.directions))
    .filter(values => values !== null)
    .filter(values => !values.some(Number.isNaN))
  if (own.length === 0) return true
  const reported = complete.map(other => lossesAt(other, step, study.directions)).filter(values => values !== null)
  if (reported.length < nMinTrials) return false
  const others = reported.filter(values => !values.some(Number.isNaN))
  if (others.length === 0) return false
  return own
    .filter(values => !own.some(other => dominates(other, values)))
    .every(values => {
      if (!others.some(other => dominates(other, values))) return false
      const [place, ...places] = rankOrder([values, ...others])
      return place! > quantile(places, keep)
    })
}

/** The percentile of numbers, NaN left out, interpolated as numpy does, with what it makes of infinite ones. */
export function quantile(values: readonly number[], percent: number): number {
  const sorted = values.filter(value => !Number.isNaN(value)).sort((a, b) => a - b)
  if (sorted.length === 0) return Number.NaN
  const at = (sorted.length - 1) * (percent / 100)
  const low = Math.min(Math.floor(at), sorted.length - 1)
  const [a, b, t] = [sorted[low]!, sorted[Math.min(low + 1, sorted.length - 1)]!, at - low]
  return t >= 0.5 ? b - (b - a) * (1 - t) : a + (b - a) * t
}
