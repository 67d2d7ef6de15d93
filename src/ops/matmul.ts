import { broadcastShapes, ShapeError, type Value } from '../ir/index.js'
import { defineOp } from './define.js'
import { sameDtype } from './infer.js'
import { mul } from './math.js'
import { normal } from './sample.js'
import { squeeze, transpose, unsqueeze } from './shape.js'

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
      return matMul(g, transposeLast(B))
    },
    B: (g, { in: { A, B } }): Value => {
      if (A.shape.length === 1 && B.shape.length === 1) return mul(g, A)
      if (A.shape.length === 1) return mul(unsqueeze(g, [-2]), unsqueeze(A, [-1]))
      if (B.shape.length === 1) return squeeze(matMul(transposeLast(A), unsqueeze(g, [-1])), [-1])
      return matMul(transposeLast(A), g)
    },
  },
  samples: [
    { inputs: { A: normal([2, 3]), B: normal([3, 4]) } },
    { inputs: { A: normal([2, 2, 3]), B: normal([3, 4]) } },
    { inputs: { A: normal([2, 3]), B: normal([2, 3, 4]) } },
    { inputs: { A: normal([2, 1, 2, 3]), B: normal([3, 3, 2]) } },
    { inputs: { A: normal([3]), B: normal([3]) } },
    { inputs: { A: normal([2, 2, 3]), B: normal([3]) } },
    { inputs: { A: normal([3]), B: normal([2, 3, 4]) } },
  ],
})
