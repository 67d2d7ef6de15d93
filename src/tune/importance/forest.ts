import { counterRandom } from '../../ir/index.js'
import { growTree, type Tree } from './tree.js'

export interface ForestOptions {
  readonly trees: number
  readonly maxDepth: number
  readonly seed: number
}

/**
 * A random forest for regression (Breiman 2001) as scikit-learn's defaults grow it: each tree fully, on as many
 * observations as there are, drawn with replacement, all columns in question at each split.
 */
export function growForest(
  columns: readonly Float64Array[],
  y: Float64Array,
  { trees, maxDepth, seed }: ForestOptions,
): Tree[] {
  const n = y.length
  const orders = columns.map(x => Int32Array.from({ length: n }, (_, i) => i).sort((a, b) => x[a]! - x[b]!))
  return Array.from({ length: trees }, (_, t) => {
    const draw = counterRandom(seed, 'forest', t, 'rows')
    const weights = new Float64Array(n)
    for (let i = 0; i < n; i++) weights[draw.below(i, n)]! += 1
    return growTree(columns, orders, y, weights, { maxDepth, random: counterRandom(seed, 'forest', t, 'columns') })
  })
}
