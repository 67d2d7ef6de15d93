import type { Tree } from './tree.js'

/** A tree over the unit cube with what its nodes hold on average, and how much of the cube. */
export interface Partition {
  readonly tree: Tree
  /** Mean of the tree over a node's box, in distance from the whole cube's. */
  readonly mean: Float64Array
  /** Volume of a node's box. */
  readonly volume: Float64Array
  /** Variance of the tree over the cube. */
  readonly variance: number
  /** For each node the columns that are split on in it or below, one bit each in words of 32. */
  readonly splits: Uint32Array
  readonly words: number
}

export function partitionOf(tree: Tree, columns: number): Partition {
  const nodes = tree.feature.length
  const low = new Float64Array(columns)
  const high = new Float64Array(columns).fill(1)
  const mean = new Float64Array(nodes)
  const volume = new Float64Array(nodes)
  const words = Math.ceil(columns / 32)
  const splits = new Uint32Array(nodes * words)
  const visit = (node: number, size: number): void => {
    volume[node] = size
    const c = tree.feature[node]!
    if (c < 0) {
      mean[node] = tree.value[node]!
      return
    }
    const [l, r, at] = [tree.left[node]!, tree.right[node]!, tree.threshold[node]!]
    const [from, to] = [low[c]!, high[c]!]
    high[c] = at
    visit(l, (size * (at - from)) / (to - from))
    high[c] = to
    low[c] = at
    visit(r, (size * (to - at)) / (to - from))
    low[c] = from
    const share = (at - from) / (to - from)
    mean[node] = share * mean[l]! + (1 - share) * mean[r]!
    for (let w = 0; w < words; w++) splits[node * words + w] = splits[l * words + w]! | splits[r * words + w]!
    splits[node * words + (c >>> 5)]! |= 1 << (c & 31)
  }
  visit(0, 1)
  const centre = mean[0]!
  for (let node = 0; node < nodes; node++) mean[node]! -= centre
  let variance = 0
  for (let node = 0; node < nodes; node++)
    if (tree.feature[node]! < 0) variance += volume[node]! * mean[node]! * mean[node]!
  return { tree, mean, volume, variance, splits, words }
}

/** A part of the cube along some columns: its ends, and the sum of what lies in it. */
interface Cell {
  readonly low: readonly number[]
  readonly high: readonly number[]
  sum: number
}

/**
 * Variance over the unit cube of what is left of a tree when all columns but these are averaged over: the part of its
 * variance that these columns explain by themselves (Hutter, Hoos, Leyton-Brown 2014, equation 4).
 */
export function marginalVariance(partition: Partition, active: readonly number[]): number {
  const cells = cellsOf(partition, active)
  return Math.max(active.length === 1 ? varianceOnLine(cells) : varianceOfCells(cells), 0)
}

function cellsOf({ tree, mean, volume, splits, words }: Partition, active: readonly number[]): readonly Cell[] {
  const place = new Map(active.map((c, k) => [c, k]))
  const mask = new Uint32Array(words)
  for (const c of active) mask[c >>> 5]! |= 1 << (c & 31)
  const low = active.map(() => 0)
  const high = active.map(() => 1)
  const cells: Cell[] = []
  // Choices have few boxes, which many leaves share; places on a line are many and seldom meet.
  const known = active.length === 1 ? null : new Map<string, Cell>()
  const visit = (node: number): void => {
    let below = false
    for (let w = 0; w < words; w++) if ((splits[node * words + w]! & mask[w]!) !== 0) below = true
    if (!below) {
      const size = low.reduce((product, l, k) => product * (high[k]! - l), 1)
      const sum = (mean[node]! * volume[node]!) / size
      const key = known === null ? '' : `${low.join()};${high.join()}`
      const there = known?.get(key)
      if (there !== undefined) there.sum += sum
      else {
        const cell = { low: [...low], high: [...high], sum }
        cells.push(cell)
        known?.set(key, cell)
      }
      return
    }
    const k = place.get(tree.feature[node]!)
    if (k === undefined) {
      visit(tree.left[node]!)
      visit(tree.right[node]!)
      return
    }
    const [from, to, at] = [low[k]!, high[k]!, tree.threshold[node]!]
    high[k] = at
    visit(tree.left[node]!)
    high[k] = to
    low[k] = at
    visit(tree.right[node]!)
    low[k] = from
  }
  visit(0)
  return cells
}

/** One column: the marginal is a staircase, its steps summed from left to right. */
function varianceOnLine(cells: readonly Cell[]): number {
  const changes = cells
    .flatMap(({ low, high, sum }) => [[low[0]!, sum] as const, [high[0]!, -sum] as const])
    .sort((a, b) => a[0] - b[0])
  let variance = 0
  let height = 0
  let from = 0
  for (const [x, change] of changes) {
    variance += (x - from) * height * height
    height += change
    from = x
  }
  return variance
}

/** Several columns: the square of a sum of boxes, over what two of them share. */
function varianceOfCells(cells: readonly Cell[]): number {
  let variance = 0
  cells.forEach((a, i) => {
    for (let j = i; j < cells.length; j++) {
      const b = cells[j]!
      let shared = a.sum * b.sum
      for (let k = 0; k < a.low.length && shared !== 0; k++)
        shared *= Math.max(Math.min(a.high[k]!, b.high[k]!) - Math.max(a.low[k]!, b.low[k]!), 0)
      variance += i === j ? shared : 2 * shared
    }
  })
  return variance
}
