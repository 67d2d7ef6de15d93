import { z } from 'zod'
import { parseOptions } from '../../ir/options.js'
import { lastStep } from '../frozen-trial.js'
import { firstInInterval } from './interval.js'
import type { Pruner } from './pruner.js'
import { vectorAt } from './reports.js'

type Bound = number | null | readonly (number | null)[]

export interface ThresholdOptions {
  /** Below this a report is out of bounds; for several objectives a list, null where there is no bound. */
  lower?: Bound
  /** Above this. One of the two is needed. */
  upper?: Bound
  /** Steps below this are left alone. Default 0. */
  nWarmupSteps?: number
  /** Steps between checks, counted from `nWarmupSteps`. Default 1. */
  intervalSteps?: number
}

const number = z.number().or(z.literal([Infinity, -Infinity]))
const bound = z.union([number, z.null(), z.array(number.nullable())]).default(null)
const list = (of: Bound): readonly (number | null)[] => (typeof of === 'object' && of !== null ? of : [of])
const lowest = (of: Bound, i: number): number => list(of)[i] ?? -Infinity
const highest = (of: Bound, i: number): number => list(of)[i] ?? Infinity

const schema = z
  .strictObject({
    lower: bound,
    upper: bound,
    nWarmupSteps: z.int().min(0).default(0),
    intervalSteps: z.int().min(1).default(1),
  })
  .refine(o => o.lower !== null || o.upper !== null, {
    path: ['lower'],
    message: 'Invalid input: expected lower or upper',
  })
  .refine(o => list(o.lower).every((_, i) => lowest(o.lower, i) <= highest(o.upper, i)), {
    path: ['upper'],
    message: 'Invalid input: expected lower or more',
  })

/**
 * Prunes a trial whose last report is out of bounds or NaN. A bound that is one number is the first objective's.
 * @throws ConfigError for options out of range
 */
export function threshold(options: ThresholdOptions): Pruner {
  const { lower, upper, nWarmupSteps, intervalSteps } = parseOptions(schema, options, 'pruners.threshold')
  return {
    name: 'threshold',
    prune: ({ trial }) => {
      const step = lastStep(trial)
      if (step === null || step < nWarmupSteps) return false
      if (!firstInInterval(step, trial.intermediateValues.keys(), nWarmupSteps, intervalSteps)) return false
      const values = vectorAt(trial, step) ?? [trial.intermediateValues.get(step)!]
      return values.some((value, i) => !(value >= lowest(lower, i) && value <= highest(upper, i)))
    },
  }
}
