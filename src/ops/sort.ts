import { contentNumbers, normalizeAxis, productDim, ShapeError, type TensorType, type Value } from '../ir/index.js'
import { defineOp, flag, int, type OldNode, type Upgraded } from './define.js'
import { zerosLike } from './dims.js'
import { distinct, values } from './sample.js'
import { scatterElements } from './scatter.js'

/** Order: the largest, the smallest, where they are, and which differ. */

/** Where the extreme along an axis stands: the first place of it, or the last when asked. */
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
    samples: [
      { inputs: { data: distinct([3, 4]) }, attrs: { axis: 1 }, forwardOnly: 'the output is an integer' },
      {
        inputs: { data: distinct([3, 4]) },
        attrs: { axis: -2, keepdims: 0, select_last_index: 1 },
        forwardOnly: 'the output is an integer',
      },
    ],
  })
export const argMax = argument('ArgMax')
export const argMin = argument('ArgMin')

/** The k largest (or smallest) along an axis with their indices; the gradient goes to the elements picked, also at ties. */
export const topK = defineOp('TopK', {
  inputs: ['X', 'K'],
  outputs: ['values', 'indices'],
  keepOutputs: true,
  integers: ['K'],
  attrs: { axis: int(-1), largest: flag(1), sorted: flag(1) },
  infer: ({ X, K }, { axis }, where): TensorType[] => {
    const at = normalizeAxis(axis, X.shape.length, where)
    const count = (K.content ?? contentNumbers(K))?.[0] ?? `${K.name}[0]`
    const extent = X.shape[at]!
    if (typeof count === 'number' && (count < 0 || (typeof extent === 'number' && count > extent)))
      throw new ShapeError({ code: 'topk-count', where, expected: `k from 0 to ${extent}`, received: count })
    const shape = X.shape.map((dim, i) => (i === at ? count : dim))
    return [
      { dtype: X.dtype, shape },
      { dtype: 'int64', shape },
    ]
  },
  vjp: {
    // No index occurs twice, so nothing is added up.
    X: (g, { in: { X }, out, attrs: { axis } }): Value => scatterElements(zerosLike(X), out[1]!, g, { axis }),
    K: null,
  },
  upgrade: (node: OldNode): Upgraded => {
    const k = node.attrs.k as number | undefined
    if (k === undefined) return undefined
    const axis = (node.attrs.axis as number | undefined) ?? -1
    const { values: found, indices } = topK(node.inputs[0]!, [k], { axis })
    return [found, indices].slice(0, node.outputCount)
  },
  samples: [
    { inputs: { X: distinct([3, 5]), K: values([2]) } },
    { inputs: { X: distinct([4, 3]), K: values([3]) }, attrs: { axis: 0, largest: 0 } },
    { inputs: { X: distinct([2, 4, 3]), K: values([4]) }, attrs: { axis: -2, sorted: 0 } },
  ],
})

/** The different elements (or slices along an axis), where each first occurs, which one each element is, and how often. */
export const unique = defineOp('Unique', {
  inputs: ['X'],
  outputs: ['Y', 'indices?', 'inverse_indices?', 'counts?'],
  attrs: { axis: int.optional(), sorted: flag(1) },
  infer: ({ X }, { axis }, where): TensorType[] => {
    const count = `unique(${X.name})`
    const at = axis === undefined ? undefined : normalizeAxis(axis, X.shape.length, where)
    const shape = at === undefined ? [count] : X.shape.map((dim, i) => (i === at ? count : dim))
    const places = at === undefined ? productDim(X.shape) : X.shape[at]!
    return [
      { dtype: X.dtype, shape },
      { dtype: 'int64', shape: [count] },
      { dtype: 'int64', shape: [places] },
      { dtype: 'int64', shape: [count] },
    ]
  },
  vjp: { X: null },
  samples: [
    { inputs: { X: values([2, 1, 1, 3], [4], 'float') }, forwardOnly: 'merging equal elements has no gradient' },
    {
      inputs: { X: values([2, 1, 2, 1], [2, 2], 'float') },
      attrs: { axis: 0 },
      forwardOnly: 'merging equal elements has no gradient',
    },
  ],
})
