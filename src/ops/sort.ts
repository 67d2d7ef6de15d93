import { contentNumbers, normalizeAxis, type TensorType, type Value } from '../ir/index.js'
import { defineOp, flag, int } from './define.js'
import { zerosLike } from './dims.js'
import { distinct, values } from './sample.js'
import { scatterElements } from './scatter.js'

/** Order: the largest, the smallest, and where they are. */

const argument = (op: string) =>
  defineOp(op, {
    inputs: ['data'],
    attrs: { axis: int(0), keepdims: flag(1), select_last_index: flag(0) },
    infer: ({ data }, { axis, keepdims }, where) => {
      const at = normalizeAxis(axis, data.shape.length, where)
      return {
        dtype: 'int64',
        shape:
          keepdims === 1 ? data.shape.map((dim, i) => (i === at ? 1 : dim)) : data.shape.filter((_, i) => i !== at),
      }
    },
    vjp: { data: null },
    samples: [{ inputs: { data: distinct([3, 4]) }, attrs: { axis: 1 }, forwardOnly: 'the output is an integer' }],
  })
export const argMax = argument('ArgMax')
export const argMin = argument('ArgMin')

/** The k largest (or smallest) along an axis with their indices; the gradient goes to the elements picked. */
export const topK = defineOp('TopK', {
  inputs: ['X', 'K'],
  outputs: ['values', 'indices'],
  integers: ['K'],
  attrs: { axis: int(-1), largest: flag(1), sorted: flag(1) },
  infer: ({ X, K }, { axis }, where): TensorType[] => {
    const at = normalizeAxis(axis, X.shape.length, where)
    const count = (K.content ?? contentNumbers(K))?.[0] ?? `${K.name}[0]`
    const shape = X.shape.map((dim, i) => (i === at ? count : dim))
    return [
      { dtype: X.dtype, shape },
      { dtype: 'int64', shape },
    ]
  },
  vjp: {
    X: (g, { in: { X }, out, attrs: { axis } }): Value =>
      scatterElements(zerosLike(X), out[1]!, g, { axis, reduction: 'add' }),
    K: null,
  },
  samples: [
    { inputs: { X: distinct([3, 5]), K: values([2]) } },
    { inputs: { X: distinct([4, 3]), K: values([3]) }, attrs: { axis: 0, largest: 0 } },
  ],
})
