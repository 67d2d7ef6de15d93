import { z } from 'zod'
import { parseOptions } from '../../ir/options.js'
import type { ImportanceEvaluator } from './evaluator.js'
import { growForest } from './forest.js'
import { marginalVariance, partitionOf } from './marginals.js'
import { byParameter, isTooLittle, observationsOf } from './observations.js'

export interface FanovaOptions {
  /** Default 64. */
  trees?: number
  /** Default 64. */
  maxDepth?: number
  /** Default 0: the same study gives the same numbers. */
  seed?: number
  /** Measure ranges that are even in their logarithm so; default false, as in Optuna: linearly. */
  log?: boolean
}

export const forestSchema = z.strictObject({
  trees: z.int().min(1).default(64),
  maxDepth: z.int().min(1).default(64),
  seed: z.int().default(0),
})
const schema = forestSchema.extend({ log: z.boolean().default(false) })

/**
 * Functional ANOVA (Hutter, Hoos, Leyton-Brown 2014): the share of a random forest's variance over the search space that
 * a parameter explains by itself, averaged over the trees. For parameters that all complete trials were given.
 * @throws ConfigError for options out of range
 */
export function fanova(options: FanovaOptions = {}): ImportanceEvaluator {
  const { trees, maxDepth, seed, log } = parseOptions(schema, options, 'fanova')
  return {
    name: 'fanova',
    evaluate: question => {
      const observations = observationsOf(question, log, 'fanova')
      const { columns, y } = observations
      if (isTooLittle(observations)) return byParameter(observations, () => 0)
      const partitions = growForest(columns, y, { trees, maxDepth, seed })
        .map(tree => partitionOf(tree, columns.length))
        .filter(({ variance }) => variance > 0)
      return byParameter(
        observations,
        active =>
          partitions.reduce((sum, p) => sum + marginalVariance(p, active) / p.variance, 0) /
          Math.max(partitions.length, 1),
      )
    },
  }
}
