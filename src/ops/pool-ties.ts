import { tensor, type Value } from '../ir/index.js'
import { relu } from './activation.js'
import { cast } from './cast.js'
import { product } from './conv-views.js'
import { dimsVector, extentOf } from './dims.js'
import { equal } from './logic.js'
import { matMul } from './matmul.js'
import { repeat } from './pool.js'
import { reshape } from './shape.js'
import { slice } from './slice.js'

/** Rows longer than this cost more in the product below than ONNX Runtime's own indices. */
const LONGEST = 192

/**
 * 1 at the first of the largest elements of each tile, 0 elsewhere; undefined where tiles are too wide for it to pay.
 *
 * Equality with the repeated maximum marks all that tie. A run of memory that holds whole tiles is then multiplied with
 * a constant matrix that subtracts from each mark those before it in its tile: only a tile's first mark stays above 0.
 */
export function firstOfTiles(X: Value, Y: Value, kernel: readonly number[]): Value | undefined {
  const covered = kernel.map((k, i) => Number(Y.shape[i + 2]) * k)
  const run = runOf(kernel, covered)
  if (run === undefined) return undefined
  const whole = covered.every((extent, i) => X.shape[i + 2] === extent)
  const none = covered.map(() => 0)
  const x = whole
    ? X
    : slice(
        X,
        none,
        covered,
        covered.map((_, i) => i + 2),
      )
  const marks = cast(equal(x, repeat(Y, kernel)), { to: X.dtype })
  const extents = marks.shape.map((dim, i) => (typeof dim === 'number' ? dim : extentOf(marks, i)))
  const rows = reshape(marks, [-1, run])
  return reshape(relu(matMul(rows, earlier(kernel, covered, run, X))), dimsVector(X.graph, extents))
}

/** The length of a run of elements that holds whole tiles. */
function runOf(kernel: readonly number[], covered: readonly number[]): number | undefined {
  const inner = product(covered.slice(1))
  const least = kernel[0]! * inner
  if (kernel.length > 1) return least > 0 && least <= LONGEST ? least : undefined
  const tiles = covered[0]! / kernel[0]!
  for (let count = Math.min(tiles, Math.floor(LONGEST / kernel[0]!)); count >= 1; count--)
    if (tiles % count === 0) return count * kernel[0]!
  return undefined
}

/** [run, run]: 1 on the diagonal, −1 from each element to those after it in its tile. */
function earlier(kernel: readonly number[], covered: readonly number[], run: number, like: Value): Value {
  const tiles: string[] = []
  const extents = [run / product(covered.slice(1)), ...covered.slice(1)]
  for (let at = 0; at < run; at++) {
    let rest = at
    const tile: number[] = []
    for (let axis = extents.length - 1; axis >= 0; axis--) {
      tile.unshift(Math.floor((rest % extents[axis]!) / kernel[axis]!))
      rest = Math.floor(rest / extents[axis]!)
    }
    tiles.push(tile.join())
  }
  const matrix = new Float64Array(run * run)
  for (let from = 0; from < run; from++)
    for (let to = from; to < run; to++) if (tiles[from] === tiles[to]) matrix[from * run + to] = from === to ? 1 : -1
  return like.graph.constant(tensor(matrix, [run, run], like.dtype))
}
