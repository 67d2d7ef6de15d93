import { z } from 'zod'
import { parseOptions } from '../../ir/options.js'
import { type FrozenTrial, lastStep } from '../frozen-trial.js'
import type { Json } from '../json.js'
import { sign } from '../pareto.js'
import type { StudyView } from '../samplers/sampler.js'
import { recalled } from './estimate.js'
import type { Pruner } from './pruner.js'
import { lossesAt, rankOrder, vectorAt } from './reports.js'

export interface SuccessiveHalvingOptions {
  /** Steps to the first rung; 'auto': a hundredth of the steps of the first complete trials. Default 'auto'. */
  minResource?: number | 'auto'
  /** Of so many trials at a rung one goes on. Default 4. */
  reductionFactor?: number
  /** Rungs left out at the beginning. Default 0. */
  minEarlyStoppingRate?: number
  /** So many trials must have come to a rung before one goes on from it; not with 'auto'. Default 0. */
  bootstrapCount?: number
}

const schema = z
  .strictObject({
    minResource: z.union([z.int().min(1), z.literal('auto')]).default('auto'),
    reductionFactor: z.int().min(2).default(4),
    minEarlyStoppingRate: z.int().min(0).default(0),
    bootstrapCount: z.int().min(0).default(0),
  })
  .refine(o => o.bootstrapCount === 0 || o.minResource !== 'auto', {
    path: ['bootstrapCount'],
    message: 'Invalid input: expected 0 where minResource is auto',
  })

/** Where the resource of a study that was estimated stands. */
const MIN_RESOURCE = 'anneal:successive_halving:min_resource'

/**
 * Asynchronous successive halving (ASHA; Li et al. 2018): rungs at minResource · reductionFactor^(minEarlyStoppingRate +
 * rung) steps; a trial goes on from a rung where it is among the best 1/reductionFactor of those that came to it (the
 * best, while there are fewer). NaN ends at a rung. Rungs stand in the trials' `completed_rung_…` attributes as Optuna's.
 *
 * Several objectives: a rung keeps the values of all; the best are the first by non-dominated sorting and crowding.
 * @throws ConfigError for options out of range
 */
export function successiveHalving(options: SuccessiveHalvingOptions = {}): Pruner {
  const { minResource, reductionFactor, minEarlyStoppingRate, bootstrapCount } = parseOptions(
    schema,
    options,
    'pruners.successiveHalving',
  )
  return {
    name: 'successiveHalving',
    prune: async ({ study, trial, setStudySystemAttr, setTrialSystemAttr }) => {
      const step = lastStep(trial)
      if (step === null) return false
      const resource =
        minResource === 'auto'
          ? await recalled(study, MIN_RESOURCE, estimateMinResource, setStudySystemAttr)
          : minResource
      if (resource === null) return false
      const value = trial.intermediateValues.get(step)!
      const several = study.directions.length > 1 ? lossesAt(trial, step, study.directions) : null
      for (let rung = currentRung(trial); ; rung++) {
        if (step < resource * reductionFactor ** (minEarlyStoppingRate + rung)) return false
        if (several === null ? Number.isNaN(value) : several.some(Number.isNaN)) return true
        const key = rungKey(rung)
        await setTrialSystemAttr(key, several === null ? value : vectorAt(trial, step))
        const others = study.trials.flatMap(other => (key in other.systemAttrs ? [other.systemAttrs[key]!] : []))
        const place =
          several === null
            ? placeOf(value, others, sign(study.directions[0]!))
            : rankOf(several, others, study.directions.map(sign))
        const competing = place.of
        if (competing <= bootstrapCount) return true
        // While there are fewer than one in reductionFactor, the best goes on.
        if (place.before > Math.max(Math.floor(competing / reductionFactor) - 1, 0)) return true
      }
    },
  }
}

const rungKey = (rung: number): string => `completed_rung_${rung}`

function currentRung(trial: FrozenTrial): number {
  let rung = 0
  while (rungKey(rung) in trial.systemAttrs) rung++
  return rung
}

function estimateMinResource(study: StudyView): number | null {
  const steps = study.trials.flatMap(trial => (trial.state === 'COMPLETE' ? (lastStep(trial) ?? []) : []))
  return steps.length === 0 ? null : Math.max(Math.floor(Math.max(...steps) / 100), 1)
}

/** How many of a rung are better than a value, and how many there are with it. */
function placeOf(value: number, others: readonly Json[], better: number): { before: number; of: number } {
  // A trial of several objectives counts by its first.
  const values = others.map(other => Number(Array.isArray(other) ? other[0] : other))
  return { before: values.filter(other => better * other < better * value).length, of: values.length + 1 }
}

function rankOf(own: readonly number[], others: readonly Json[], better: readonly number[]) {
  const comparable = others
    .filter((other): other is readonly Json[] => Array.isArray(other) && other.length === own.length)
    .map(other => other.map((value, i) => better[i]! * Number(value)))
  return { before: rankOrder([own, ...comparable])[0]!, of: comparable.length + 1 }
}
