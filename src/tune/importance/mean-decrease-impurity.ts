import type { z } from 'zod'
import { parseOptions } from '../../ir/options.js'
import type { ImportanceEvaluator } from './evaluator.js'
import { forestSchema } from './fanova.js'
import { growForest } from './forest.js'
import { byParameter, isTooLittle, observationsOf } from './observations.js'

export type ForestImportanceOptions = z.input<typeof forestSchema>

/**
 * Mean decrease in impurity (Breiman 2001): the share of what all splits of a random forest gain that is gained by splits
 * on a parameter; scikit-learn's `feature_importances_`. Quick; parameters with many values look a little too important.
 * @throws ConfigError for options out of range
 */
export function meanDecreaseImpurity(options: ForestImportanceOptions = {}): ImportanceEvaluator {
  const o = parseOptions(forestSchema, options, 'meanDecreaseImpurity')
  return {
    name: 'meanDecreaseImpurity',
    evaluate: question => {
      const observations = observationsOf(question, false, 'meanDecreaseImpurity')
      const { columns, y } = observations
      if (isTooLittle(observations)) return byParameter(observations, () => 0)
      const shares = new Float64Array(columns.length)
      const trees = growForest(columns, y, o)
      for (const { feature, gain } of trees) {
        const whole = gain.reduce((a, b) => a + b, 0)
        if (whole === 0) continue
        for (const [node, c] of feature.entries()) if (c >= 0) shares[c]! += gain[node]! / whole / trees.length
      }
      return byParameter(observations, active => active.reduce((sum, c) => sum + shares[c]!, 0))
    },
  }
}
