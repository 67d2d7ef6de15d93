import type { Value } from '../../ir/index.js'
import * as ops from '../../ops/index.js'

export interface InverseRootOptions {
  /** p of A^(−1/p): 1, 2, 3, … */
  readonly root: number
  /** Damping as a share of ‖A‖ (Frobenius): the least eigenvalue counts as this at least. */
  readonly damping: number
}

/**
 * (A + damping · ‖A‖ · I)^(−1/p) of symmetric matrices without negative eigenvalues, [..., n, n], by the coupled Newton
 * iteration (Iannazzo 2006; Anil et al. 2020), which needs products alone: with the matrix scaled to eigenvalues of at
 * most 1, M ← Tᵖ·M and H ← H·T, T = ((p + 1)·I − M)/p, until M is the identity. Small eigenvalues grow by (1 + 1/p)ᵖ
 * at an iteration, so their number follows from the damping. In float32 the error is about damping⁻¹ · 10⁻⁷ / p.
 */
export function inverseRoot(matrix: Value, { root, damping }: InverseRootOptions): Value {
  const { graph } = matrix
  const side = matrix.shape.at(-1) as number // weights are static
  const identity = graph.constant(identityMatrix(side))
  const over = [-2, -1]
  const size = ops.max([ops.sqrt(ops.reduceSumSquare(matrix, over)), tiny])
  const scaled = ops.div(ops.add(ops.div(matrix, size), ops.mul(identity, damping)), 1 + damping)
  let m = scaled
  let h: Value | null = null
  for (let i = 0; i < iterations(root, damping); i++) {
    const t = ops.sub(ops.mul(identity, (root + 1) / root), ops.mul(m, 1 / root))
    m = ops.matMul(power(t, root), m)
    h = h === null ? t : ops.matMul(h, t)
  }
  return ops.mul(h!, ops.pow(ops.mul(size, 1 + damping), -1 / root))
}

/** What a norm counts as at least: the matrix of a parameter that had no gradient yet. */
const tiny = 1e-30

/** Doublings until the least eigenvalue is near 1, and five more, in which the distance is squared each time. */
const iterations = (root: number, damping: number): number =>
  Math.ceil(Math.log(1 / Math.min(damping, 0.5)) / (root * Math.log(1 + 1 / root))) + 5

/** tᵖ by squaring. */
function power(t: Value, p: number): Value {
  if (p === 1) return t
  const half = power(t, Math.floor(p / 2))
  const square = ops.matMul(half, half)
  return p % 2 === 0 ? square : ops.matMul(square, t)
}

function identityMatrix(side: number) {
  const data = new Float32Array(side * side)
  for (let i = 0; i < side; i++) data[i * (side + 1)] = 1
  return { dtype: 'float32' as const, shape: [side, side], data }
}
