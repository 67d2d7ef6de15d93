import { type Dim, GraphError, isStatic, sizeOf, type Value } from '../ir/index.js'
import type { RuleContext } from './define.js'
import { dimsVector, extentOf } from './dims.js'
import { mul } from './math.js'
import { matMul, transposeLast } from './matmul.js'
import { reduceSum, reduceSumSquare } from './reduce.js'
import { reshape, transpose, unsqueeze } from './shape.js'

/**
 * Norms of the gradients of single examples without those gradients: what the per-example rules of records share.
 * Axis 0 is the example. Sources: Goodfellow 2015 (arXiv 1510.01799) for vectors, Li et al. 2022 (arXiv 2110.05679) for sequences.
 */

/** A parameter's gradient for each example as a sum of outer products: Σₜ left[n, t, :] ⊗ right[n, t, :]. */
export interface Factors {
  /** [examples, steps, rows of the parameter] */
  readonly left: Value
  /** [examples, steps, columns of the parameter] */
  readonly right: Value
}

/** Sum of squares of everything but axis 0. */
export const squaredNorms = (each: Value): Value => {
  const axes = each.shape.map((_, i) => i).slice(1)
  return axes.length === 0 ? mul(each, each) : reduceSumSquare(each, axes, { keepdims: 0 })
}

/** Squared norm of each example's Σₜ leftₜ ⊗ rightₜ: through T×T products or the sum itself, whichever is smaller. */
export function outerNorms({ left, right }: Factors): Value {
  const [steps, rows, columns] = [left.shape[1]!, left.shape[2]!, right.shape[2]!]
  if (steps === 1) return mul(squaredNorms(left), squaredNorms(right))
  if (pairsAreSmaller(steps, rows, columns)) {
    const products = mul(matMul(left, transposeLast(left)), matMul(right, transposeLast(right)))
    return reduceSum(products, [1, 2], { keepdims: 0 })
  }
  return squaredNorms(matMul(transposeLast(left), right))
}

/** Whether two T×T matrices hold less than one gradient; an unknown T counts as large unless the gradient is larger still. */
const pairsAreSmaller = (steps: Dim, rows: Dim, columns: Dim): boolean => {
  if (!isStatic([rows, columns])) return true
  const gradient = sizeOf([rows, columns])
  return typeof steps === 'number' ? 2 * steps * steps <= gradient : gradient > 2 ** 18
}

/** [examples, …, last] as [examples, steps, last]. */
const asSteps = (x: Value): Value => {
  if (x.shape.length === 2) return unsqueeze(x, [1])
  if (x.shape.length === 3) return x
  const last = x.shape.at(-1)!
  const first = x.shape[0]!
  return reshape(
    x,
    dimsVector(x.graph, [
      typeof first === 'number' ? first : extentOf(x, 0),
      -1,
      typeof last === 'number' ? last : extentOf(x, -1),
    ]),
  )
}

/** There is no per-example rule for this use of a parameter. */
export const refuse = (where: string, expected: string, received: unknown): never => {
  throw new GraphError({
    code: 'per-example',
    where,
    expected,
    received,
    hint: 'per-example gradients need axis 0 of every activation to be the example',
  })
}

/** The factors of a MatMul's parameter: a matrix on the right of [examples, …, k], or on the left of [examples, …, k, m]. */
export function matMulFactors(
  g: Value,
  ctx: Pick<RuleContext, 'node'> & { in: { A: Value; B: Value } },
  side: 'A' | 'B',
): Factors {
  const { A, B } = ctx.in
  const where = ctx.node.name
  if (side === 'B') {
    if (B.shape.length > 2 || A.shape.length < 2)
      refuse(where, 'a parameter of rank 2 and examples on axis 0 of the other operand', [A.shape, B.shape])
    const right = B.shape.length === 1 ? unsqueeze(g, [-1]) : g
    return { left: asSteps(A), right: asSteps(right) }
  }
  if (A.shape.length > 2 || B.shape.length < 3)
    refuse(where, 'a parameter of rank 2 and examples on axis 0 of the other operand', [A.shape, B.shape])
  const left = A.shape.length === 1 ? unsqueeze(g, [-2]) : g
  return { left: asSteps(transposeLast(left)), right: asSteps(transposeLast(B)) }
}

/** The factors of Gemm's B, in B's layout. */
export function gemmFactors(g: Value, A: Value, attrs: { alpha: number; transA: number; transB: number }): Factors {
  const { alpha, transA, transB } = attrs
  const rows = transA === 1 ? transpose(A) : A
  const input = unsqueeze(alpha === 1 ? rows : mul(rows, alpha), [1])
  const output = unsqueeze(g, [1])
  return transB === 1 ? { left: output, right: input } : { left: input, right: output }
}

/**
 * Each example's gradient of a parameter that was broadcast over the examples, from the gradient before that
 * broadcasting is undone: [examples, …] with the parameter's extents on its own axes and 1 elsewhere.
 */
export function broadcastExamples(full: Value, parameter: Value, where: string): Value {
  const lead = full.shape.length - parameter.shape.length
  if (full.shape.length === 0 || (lead === 0 && parameter.shape[0] !== 1))
    refuse(where, 'a parameter that is broadcast over axis 0', `parameter [${parameter.shape}] in [${full.shape}]`)
  const axes = full.shape.flatMap((dim, i) =>
    i > 0 && dim !== 1 && (i < lead || parameter.shape[i - lead] === 1) ? [i] : [],
  )
  return axes.length === 0 ? full : reduceSum(full, axes)
}

/** Squared norms for such a parameter. */
export const broadcastNorms = (full: Value, parameter: Value, where: string): Value =>
  squaredNorms(broadcastExamples(full, parameter, where))
