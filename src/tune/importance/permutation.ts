import { z } from 'zod'
import { counterRandom } from '../../ir/index.js'
import { parseOptions } from '../../ir/options.js'
import type { ImportanceEvaluator } from './evaluator.js'
import { forestSchema } from './fanova.js'
import { growForest } from './forest.js'
import { byParameter, isTooLittle, observationsOf } from './observations.js'
import { addPredictions } from './tree.js'

const schema = forestSchema.extend({ repeats: z.int().min(1).default(10) })
export type PermutationOptions = z.input<typeof schema>

/**
 * Permutation importance (Breiman 2001): by how much R² of a random forest falls when a parameter's values are shuffled
 * among the trials, on average over `repeats` (10) shuffles; scikit-learn's `permutation_importance` on the trials the
 * forest was fitted to. Falls below 0 count as 0.
 * @throws ConfigError for options out of range
 */
export function permutation(options: PermutationOptions = {}): ImportanceEvaluator {
  const { repeats, ...o } = parseOptions(schema, options, 'permutation')
  return {
    name: 'permutation',
    evaluate: question => {
      const observations = observationsOf(question, false, 'permutation')
      const { columns, y } = observations
      if (isTooLittle(observations)) return byParameter(observations, () => 0)
      const n = y.length
      const trees = growForest(columns, y, o)
      const mean = y.reduce((a, b) => a + b, 0) / n
      const spread = y.reduce((sum, v) => sum + (v - mean) ** 2, 0)
      /** Unexplained share of the variance, the columns in `active` read from other trials. */
      const unexplained = (active: readonly number[], from: Uint32Array): number => {
        const shuffled = columns.map((x, c) => (active.includes(c) ? Float64Array.from(from, i => x[i]!) : x))
        const sums = new Float64Array(n)
        for (const tree of trees) addPredictions(tree, shuffled, sums)
        return sums.reduce((error, sum, i) => error + (y[i]! - sum / trees.length) ** 2, 0) / spread
      }
      const before = unexplained([], new Uint32Array(n))
      return byParameter(observations, active => {
        let fall = 0
        for (let k = 0; k < repeats; k++)
          fall += unexplained(active, counterRandom(o.seed, 'permutation', active[0]!, k).permutation(n)) - before
        return Math.max(fall / repeats, 0)
      })
    },
  }
}
