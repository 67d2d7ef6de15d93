import type { Value } from '../../ir/index.js'
import * as ops from '../../ops/index.js'

/** How a parameter is cut into equal blocks. */
export interface BlockPlan {
  readonly shape: readonly number[]
  /** The parameter as a matrix. */
  readonly matrix: readonly [number, number]
  /** Blocks along rows and columns. */
  readonly count: readonly [number, number]
  /** Extents of a block. */
  readonly side: { readonly left: number; readonly right: number }
  /** Which sides are more than 1 long; `left` alone for a single number. */
  readonly sides: readonly ('left' | 'right')[]
}

/**
 * A parameter of any shape as a matrix [first axis, all others] (axes of 1 left out), in the fewest equal blocks of at
 * most `most` rows and columns; where they do not divide it, zeros fill the last ones.
 */
export function blocksOf(shape: readonly number[], most: number): BlockPlan {
  const [rows = 1, ...rest] = shape.filter(extent => extent !== 1)
  const matrix = [rows, rest.reduce((a, b) => a * b, 1)] as const
  const count = [Math.ceil(matrix[0] / most), Math.ceil(matrix[1] / most)] as const
  const side = { left: Math.ceil(matrix[0] / count[0]), right: Math.ceil(matrix[1] / count[1]) }
  return { shape, matrix, count, side, sides: matrix[1] === 1 ? ['left'] : ['left', 'right'] }
}

/** [rows of blocks, columns of blocks, rows, columns]. */
export function asBlocks(x: Value, { matrix, count, side }: BlockPlan): Value {
  const flat = ops.reshape(x, matrix)
  const missing = [count[0] * side.left - matrix[0], count[1] * side.right - matrix[1]]
  const padded = missing.every(extent => extent === 0) ? flat : ops.pad(flat, [0, 0, ...missing])
  return ops.transpose(ops.reshape(padded, [count[0], side.left, count[1], side.right]), { perm: [0, 2, 1, 3] })
}

export function fromBlocks(blocks: Value, { shape, matrix, count, side }: BlockPlan): Value {
  const padded = ops.reshape(ops.transpose(blocks, { perm: [0, 2, 1, 3] }), [
    count[0] * side.left,
    count[1] * side.right,
  ])
  return ops.reshape(ops.slice(padded, [0, 0], matrix, [0, 1]), shape)
}
