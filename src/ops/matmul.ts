import { broadcastShapes, ShapeError, type Value } from '../ir/index.js'
import { defineOp, flag, float } from './define.js'
import { dimsVector, extentOf, reshapeLike } from './dims.js'
import { broadcastNorms, gemmFactors, matMulFactors, outerNorms, refuse } from './example-norms.js'
import { sameDtype } from './infer.js'
import { mul } from './math.js'
import { reduceSum } from './reduce.js'
import { normal } from './sample.js'
import { reshape, squeeze, transpose, unsqueeze } from './shape.js'

/** Matrix products. */

/** The last two axes swapped. */
export const transposeLast = (x: Value): Value => {
  const rank = x.shape.length
  return transpose(x, { perm: x.shape.map((_, i) => (i < rank - 2 ? i : 2 * rank - 3 - i)) })
}

/** numpy's matmul: vectors are rows on the left and columns on the right; leading axes broadcast. */
export const matMul = defineOp('MatMul', {
  inputs: ['A', 'B'],
  broadcast: true,
  infer: ({ A, B }, _attrs, where) => {
    const dtype = sameDtype([A, B], where)
    if (A.shape.length === 0 || B.shape.length === 0)
      throw new ShapeError({
        code: 'matmul-rank',
        where,
        expected: 'operands of rank 1 or more',
        received: [A.shape, B.shape],
      })
    const a = A.shape.length === 1 ? [1, A.shape[0]!] : A.shape
    const b = B.shape.length === 1 ? [B.shape[0]!, 1] : B.shape
    const [inner, other] = [a.at(-1)!, b.at(-2)!]
    if (typeof inner === 'number' && typeof other === 'number' && inner !== other)
      throw new ShapeError({
        code: 'matmul-inner',
        where,
        expected: `equal inner extents: […, ${inner}] × [${inner}, …]`,
        received: `[${A.shape}] × [${B.shape}]`,
        hint: 'flatten or transpose one operand so that the last axis of the first meets the second-last of the second',
      })
    const batch = broadcastShapes([a.slice(0, -2), b.slice(0, -2)], where)
    const dims = [...batch, ...(A.shape.length === 1 ? [] : [a.at(-2)!]), ...(B.shape.length === 1 ? [] : [b.at(-1)!])]
    return { dtype, shape: dims }
  },
  vjp: {
    A: (g, { in: { A, B } }): Value => {
      if (A.shape.length === 1 && B.shape.length === 1) return mul(g, B)
      if (B.shape.length === 1) return mul(unsqueeze(g, [-1]), B)
      if (A.shape.length === 1) return squeeze(matMul(B, unsqueeze(g, [-1])), [-1])
      if (B.shape.length === 2) return likeRows(gemm(asRows(g), B, { transB: 1 }), A)
      return matMul(g, transposeLast(B))
    },
    B: (g, { in: { A, B } }): Value => {
      if (A.shape.length === 1 && B.shape.length === 1) return mul(g, A)
      if (A.shape.length === 1) return mul(unsqueeze(g, [-2]), unsqueeze(A, [-1]))
      if (B.shape.length === 1) return squeeze(matMul(transposeLast(A), unsqueeze(g, [-1])), [-1])
      // One product over all leading axes, where a batch of products would have to be summed.
      if (B.shape.length === 2) return gemm(asRows(A), asRows(g), { transA: 1 })
      return matMul(transposeLast(A), g)
    },
  },
  perExample: {
    A: (g, ctx): Value => outerNorms(matMulFactors(g, ctx, 'A')),
    B: (g, ctx): Value => outerNorms(matMulFactors(g, ctx, 'B')),
  },
  samples: [
    { inputs: { A: normal([2, 3]), B: normal([3, 4]) } },
    { inputs: { A: normal([2, 2, 3]), B: normal([3, 4]) } },
    { inputs: { A: normal([2, 1, 2, 3]), B: normal([3, 1]) } },
    { inputs: { A: normal([2, 3]), B: normal([2, 3, 4]) } },
    { inputs: { A: normal([2, 1, 2, 3]), B: normal([3, 3, 2]) } },
    { inputs: { A: normal([3]), B: normal([3]) } },
    { inputs: { A: normal([2, 2, 3]), B: normal([3]) } },
    { inputs: { A: normal([3]), B: normal([2, 3, 4]) } },
  ],
})

/** […, k] as a matrix of rows. */
const asRows = (x: Value): Value => {
  if (x.shape.length === 2) return x
  const last = x.shape.at(-1)!
  return reshape(x, dimsVector(x.graph, [-1, typeof last === 'number' ? last : extentOf(x, -1)]))
}
const likeRows = (rows: Value, like: Value): Value => (like.shape.length === 2 ? rows : reshapeLike(rows, like))

/** alpha · op(A) · op(B) + beta · C for matrices; C broadcasts to the result. No transpose is ever made. */
export const gemm = defineOp('Gemm', {
  inputs: ['A', 'B', 'C?'],
  attrs: { alpha: float(1), beta: float(1), transA: flag(0), transB: flag(0) },
  infer: ({ A, B, C }, { transA, transB }, where) => {
    const dtype = sameDtype(C === null ? [A, B] : [A, B, C], where)
    if (A.shape.length !== 2 || B.shape.length !== 2)
      throw new ShapeError({
        code: 'gemm-rank',
        where,
        expected: 'two matrices',
        received: `[${A.shape}] and [${B.shape}]`,
      })
    const [m, k] = transA === 1 ? [A.shape[1]!, A.shape[0]!] : [A.shape[0]!, A.shape[1]!]
    const [other, n] = transB === 1 ? [B.shape[1]!, B.shape[0]!] : [B.shape[0]!, B.shape[1]!]
    if (typeof k === 'number' && typeof other === 'number' && k !== other)
      throw new ShapeError({
        code: 'matmul-inner',
        where,
        expected: `equal inner extents: […, ${k}] × [${k}, …]`,
        received: `[${A.shape}] × [${B.shape}]`,
        hint: 'the last axis of the input must be as long as the weight is high',
      })
    if (C !== null) broadcastShapes([C.shape, [m, n]], where)
    return { dtype, shape: [m, n] }
  },
  vjp: {
    A: (g, { in: { B }, attrs: { alpha, transA, transB } }): Value =>
      transA === 0
        ? gemm(g, B, { alpha, transB: transB === 0 ? 1 : 0 })
        : gemm(B, g, { alpha, transA: transB, transB: 1 }),
    B: (g, { in: { A }, attrs: { alpha, transA, transB } }): Value =>
      transB === 0
        ? gemm(A, g, { alpha, transA: transA === 0 ? 1 : 0 })
        : gemm(g, A, { alpha, transA: 1, transB: transA }),
    C: (g, { in: { C }, attrs: { beta } }): Value => {
      const scaled = beta === 1 ? g : mul(g, beta)
      const missing = 2 - C!.shape.length
      const axes = [0, 1].filter(axis => axis < missing || (C!.shape[axis - missing] === 1 && g.shape[axis] !== 1))
      if (axes.length === 0) return scaled
      const summed = reduceSum(scaled, axes, { keepdims: missing > 0 ? 0 : 1 })
      return summed.shape.length === C!.shape.length ? summed : reshapeLike(summed, C!)
    },
  },
  perExample: {
    A: (_g, { in: { A }, node }): Value =>
      refuse(node.name, 'the parameter as B or C of Gemm, whose rows are the examples', A.name),
    B: (g, { in: { A }, attrs }): Value => outerNorms(gemmFactors(g, A, attrs)),
    C: (g, { in: { C }, attrs: { beta }, node }): Value => broadcastNorms(beta === 1 ? g : mul(g, beta), C!, node.name),
  },
  samples: [
    { inputs: { A: normal([2, 3]), B: normal([3, 4]), C: normal([4]) } },
    {
      inputs: { A: normal([3, 2]), B: normal([4, 3]), C: normal([2, 1]) },
      attrs: { transA: 1, transB: 1, alpha: 0.5, beta: 2 },
    },
    { inputs: { A: normal([3, 2]), B: normal([3, 4]) }, attrs: { transA: 1 } },
    { inputs: { A: normal([2, 3]), B: normal([4, 3]), C: normal([]) }, attrs: { transB: 1 } },
    { inputs: { A: normal([3, 1]), B: normal([3, 4]), C: normal([1, 4]) }, attrs: { transA: 1 } },
    { inputs: { A: normal([2, 3]), B: normal([3, 4]), C: normal([2, 4]) }, attrs: { beta: -1 } },
  ],
})
