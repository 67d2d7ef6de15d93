import type { Value } from '../../ir/index.js'
import * as ops from '../../ops/index.js'
import { norm } from './trust.js'

export interface OrthogonalOptions {
  readonly steps: number
  /** a, b, c of X ← aX + (bA + cA²)X, A = XXᵀ. */
  readonly coefficients: readonly [number, number, number]
}

/**
 * A matrix with its singular values brought near 1 by Newton–Schulz iterations of degree five, which need products alone:
 * about UVᵀ of X = USVᵀ (Jordan et al. 2024). With the coefficients of Muon they end between 0.7 and 1.2.
 */
export function orthogonalize(matrix: Value, { steps, coefficients: [a, b, c] }: OrthogonalOptions): Value {
  const [rows, columns] = matrix.shape as readonly [number, number] // weights are static
  const tall = rows > columns // the product with the shorter side is the smaller
  let x = ops.div(matrix, ops.add(norm(matrix), 1e-7))
  for (let i = 0; i < steps; i++) {
    const square = ops.gemm(x, x, tall ? { transA: 1 } : { transB: 1 })
    const polynomial = ops.gemm(square, square, square, { alpha: c, beta: b })
    x = tall ? ops.gemm(x, polynomial, x, { beta: a }) : ops.gemm(polynomial, x, x, { beta: a })
  }
  return x
}
