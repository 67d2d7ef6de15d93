import type { CounterRandom } from '../../ir/index.js'

/** A regression tree in arrays, the root first; children come after their parents. */
export interface Tree {
  /** The column a node splits on; −1 for leaves. */
  readonly feature: Int32Array
  /** Up to and including it to the left. */
  readonly threshold: Float64Array
  readonly left: Int32Array
  readonly right: Int32Array
  /** Mean of the node's observations. */
  readonly value: Float64Array
  /** By how much its split lowers the tree's mean squared error. */
  readonly gain: Float64Array
}

export interface TreeOptions {
  readonly maxDepth: number
  readonly random: CounterRandom
}

/**
 * A regression tree (CART; Breiman et al. 1984): at each node the split that lowers the squared error most, until leaves
 * are pure. Among equal splits chance decides, by the order in which columns are looked at.
 * @param orders for each column the observations by ascending value
 * @param weights how often each observation counts; those with 0 are left out
 */
export function growTree(
  columns: readonly Float64Array[],
  orders: readonly Int32Array[],
  y: Float64Array,
  weights: Float64Array,
  { maxDepth, random }: TreeOptions,
): Tree {
  const sorted = orders.map(order => order.filter(i => weights[i]! > 0))
  const n = sorted[0]?.length ?? 0
  const total = weights.reduce((a, b) => a + b, 0)
  const feature: number[] = []
  const threshold: number[] = []
  const left: number[] = []
  const right: number[] = []
  const value: number[] = []
  const gain: number[] = []
  const goesLeft = new Uint8Array(y.length)
  const spare = new Int32Array(n)
  const order = columns.map((_, c) => c)
  let drawn = 0

  const node = (from: number, to: number, depth: number): number => {
    const id = feature.length
    let weight = 0
    let sum = 0
    for (let k = from; k < to; k++) {
      const i = sorted[0]![k]!
      weight += weights[i]!
      sum += weights[i]! * y[i]!
    }
    const mean = sum / weight
    let variance = 0
    for (let k = from; k < to; k++) {
      const i = sorted[0]![k]!
      variance += weights[i]! * (y[i]! - mean) ** 2
    }
    variance /= weight
    feature.push(-1)
    threshold.push(0)
    left.push(-1)
    right.push(-1)
    value.push(mean)
    gain.push(0)
    if (to - from < 2 || depth >= maxDepth || variance <= Number.EPSILON * Math.max(mean * mean, 1e-300)) return id
    const split = bestSplit(from, to, weight, mean)
    if (split === null) return id
    const middle = part(split.column, split.at, from, to)
    feature[id] = split.column
    threshold[id] = split.threshold
    gain[id] = split.gain / total
    left[id] = node(from, middle, depth + 1)
    right[id] = node(middle, to, depth + 1)
    return id
  }

  function bestSplit(from: number, to: number, weight: number, mean: number) {
    let best: { column: number; at: number; threshold: number; gain: number } | null = null
    for (let k = order.length - 1; k > 0; k--) {
      const j = random.below(drawn++, k + 1)
      const swapped = order[k]!
      order[k] = order[j]!
      order[j] = swapped
    }
    for (const column of order) {
      const x = columns[column]!
      const line = sorted[column]!
      if (x[line[from]!] === x[line[to - 1]!]) continue
      let below = 0
      let sum = 0
      for (let k = from; k < to - 1; k++) {
        const i = line[k]!
        below += weights[i]!
        // Distances from the node's mean: what is left of it has a sum that is the right's with the other sign.
        sum += weights[i]! * (y[i]! - mean)
        const [here, there] = [x[i]!, x[line[k + 1]!]!]
        if (here === there) continue
        const gained = (sum * sum) / below + (sum * sum) / (weight - below)
        // Sums in another order differ in their last digits, which are not to decide.
        if (best === null || gained > best.gain * (1 + 1e-12)) {
          const middle = here / 2 + there / 2
          best = { column, at: k + 1, threshold: middle < there ? middle : here, gain: gained }
        }
      }
    }
    return best
  }

  /** Parts the node's stretch of every column into left and right, each in its order. */
  function part(column: number, at: number, from: number, to: number): number {
    const line = sorted[column]!
    for (let k = from; k < to; k++) goesLeft[line[k]!] = k < at ? 1 : 0
    for (const other of sorted) {
      if (other === line) continue
      let l = from
      let r = 0
      for (let k = from; k < to; k++) {
        const i = other[k]!
        if (goesLeft[i] === 1) other[l++] = i
        else spare[r++] = i
      }
      other.set(spare.subarray(0, r), l)
    }
    return at
  }

  node(0, n, 0)
  return {
    feature: Int32Array.from(feature),
    threshold: Float64Array.from(threshold),
    left: Int32Array.from(left),
    right: Int32Array.from(right),
    value: Float64Array.from(value),
    gain: Float64Array.from(gain),
  }
}

/** Adds what a tree says of each observation. */
export function addPredictions(tree: Tree, columns: readonly Float64Array[], out: Float64Array): void {
  const { feature, threshold, left, right, value } = tree
  for (let i = 0; i < out.length; i++) {
    let node = 0
    for (let c = feature[0]!; c >= 0; c = feature[node]!)
      node = columns[c]![i]! <= threshold[node]! ? left[node]! : right[node]!
    out[i]! += value[node]!
  }
}
