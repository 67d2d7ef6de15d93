import { z } from 'zod'
import { ConfigError } from '../../ir/index.js'
import { parseOptions } from '../../ir/options.js'
import { lastStep } from '../frozen-trial.js'
import { dominates, sign } from '../pareto.js'
import type { Pruner } from './pruner.js'
import { least, lossesAt } from './reports.js'

const schema = z.strictObject({ patience: z.int().min(0), minDelta: z.number().min(0).default(0) })

/**
 * Lets another pruner decide only where a trial has not improved for `patience` steps: where its best report before those
 * is better by more than `minDelta` (default 0) than any of them. `pruner` null: prunes then.
 *
 * Several objectives: where each of its reports since is dominated by one before, even if better by `minDelta` in each.
 * @throws ConfigError for options out of range
 */
export function patient(pruner: Pruner | null, options: { patience: number; minDelta?: number }): Pruner {
  const { patience, minDelta } = parseOptions(schema, options, 'pruners.patient')
  if (pruner !== null && typeof pruner?.prune !== 'function')
    throw new ConfigError({
      code: 'bad-option',
      where: 'pruners.patient',
      expected: 'a pruner, or null',
      received: pruner,
    })
  return {
    name: 'patient',
    prune: context => {
      const { study, trial } = context
      const last = lastStep(trial)
      const steps = [...trial.intermediateValues.keys()].sort((a, b) => a - b)
      if (last === null || steps.length <= patience + 1) return false
      const split = steps.length - patience - 1
      const better = sign(study.directions[0]!)
      const several = study.directions.length > 1 && lossesAt(trial, last, study.directions) !== null
      const vectors = (of: readonly number[]) =>
        of.map(step => lossesAt(trial, step, study.directions)).filter(values => values !== null)
      const scalars = (of: readonly number[]) => of.map(step => better * trial.intermediateValues.get(step)!)
      const [before, since] = [steps.slice(0, split), steps.slice(split)]
      const stuck = several
        ? vectors(since).every(now =>
            vectors(before).some(old =>
              dominates(
                old.map(loss => loss + minDelta),
                now,
              ),
            ),
          )
        : least(scalars(before)) + minDelta < least(scalars(since))
      return stuck && (pruner === null || pruner.prune(context))
    },
    ...(pruner?.filterTrials === undefined ? {} : { filterTrials: pruner.filterTrials }),
  }
}
