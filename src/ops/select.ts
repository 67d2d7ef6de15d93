import { contentNumbers, type Dim, dtypeFromOnnx, normalizeAxis, ShapeError, tensor, type Value } from '../ir/index.js'
import { defineOp, dtypeAttr, flag, int } from './define.js'
import { gather } from './gather.js'
import { expectDtype } from './infer.js'
import { concat } from './join.js'
import { mul, sub } from './math.js'
import { reduceSum } from './reduce.js'
import { normal, values } from './sample.js'
import { reshape } from './shape.js'

/** Choosing elements by truth values and marking them by index. */

/** The coordinates of the elements that are not zero, one column each: [rank, how many]. */
export const nonZero = defineOp('NonZero', {
  inputs: ['X'],
  infer: ({ X }) => ({ dtype: 'int64', shape: [X.shape.length, `nonzero(${X.name})`] }),
  vjp: { X: null },
  samples: [{ inputs: { X: values([1, 0, 2, 0, 0, 3], [2, 3], 'float') }, forwardOnly: 'the output is an integer' }],
})

/** The slices along an axis (or, with no axis, the elements of the flattened input) where the condition holds. */
export const compress = defineOp('Compress', {
  inputs: ['input', 'condition'],
  attrs: { axis: int.optional() },
  infer: ({ input, condition }, { axis }, where) => {
    expectDtype(condition, 'bool', where)
    if (condition.shape.length !== 1)
      throw new ShapeError({ code: 'compress-condition', where, expected: 'a vector', received: condition.shape })
    const known = contentNumbers(condition)
    const count: Dim = known === undefined ? `nonzero(${condition.name})` : known.filter(x => x !== 0).length
    if (axis === undefined) return { dtype: input.dtype, shape: [count] }
    const at = normalizeAxis(axis, input.shape.length, where)
    return { dtype: input.dtype, shape: input.shape.map((dim, i) => (i === at ? count : dim)) }
  },
  vjp: 'body',
  body: ({ input, condition }, { axis }): Value => {
    const picked = reshape(nonZero(condition), [-1])
    return axis === undefined ? gather(reshape(input, [-1]), picked) : gather(input, picked, { axis })
  },
  samples: [
    { inputs: { input: normal([3, 2]), condition: values([0, 1, 1], [3], 'bool') }, attrs: { axis: 0 } },
    { inputs: { input: normal([2, 3]), condition: values([1, 0], [2], 'bool') }, attrs: { axis: -1 } },
    { inputs: { input: normal([3, 2]), condition: values([0, 1, 0, 0, 1], [5], 'bool') } },
  ],
})

/** The upper (or lower) triangle of the last two axes, from diagonal `k` on; zeros elsewhere. */
export const trilu = defineOp('Trilu', {
  inputs: ['input', 'k?'],
  integers: ['k'],
  attrs: { upper: flag(1) },
  infer: ({ input }, _attrs, where) => {
    if (input.shape.length < 2)
      throw new ShapeError({ code: 'trilu-rank', where, expected: 'matrices (rank 2 or more)', received: input.shape })
    return { dtype: input.dtype, shape: input.shape }
  },
  vjp: { input: (g, { in: { k }, attrs: { upper } }): Value => trilu(g, k, { upper }), k: null },
  samples: [
    { inputs: { input: normal([3, 4]) } },
    { inputs: { input: normal([2, 3, 3]), k: values([-1], []) }, attrs: { upper: 0 } },
  ],
})

/** `values` is [off, on]: on at `indices` of a new axis of extent `depth`, off elsewhere and for indices out of range. */
export const oneHot = defineOp('OneHot', {
  inputs: ['indices', 'depth', 'values'],
  integers: ['indices', 'depth'],
  attrs: { axis: int(-1) },
  infer: ({ indices, depth, values: pair }, { axis }, where) => {
    const at = normalizeAxis(axis, indices.shape.length + 1, where)
    const extent = depth.content?.[0] ?? contentNumbers(depth)?.[0] ?? `${depth.name}[0]`
    return { dtype: pair.dtype, shape: [...indices.shape.slice(0, at), extent, ...indices.shape.slice(at)] }
  },
  vjp: {
    indices: null,
    depth: null,
    values: (g, { in: { indices, depth, values: pair }, attrs: { axis } }): Value => {
      const mark = oneHot(indices, depth, tensor([0, 1], [2], pair.dtype), { axis })
      const on = reduceSum(mul(g, mark), { keepdims: 0 })
      const off = sub(reduceSum(g, { keepdims: 0 }), on)
      return concat([reshape(off, [1]), reshape(on, [1])], { axis: 0 })
    },
  },
  samples: [
    { inputs: { indices: values([0, 2, -1]), depth: values([3], []), values: values([0.3, 1.5], [2], 'float') } },
    {
      inputs: { indices: values([0, 7], [2, 1]), depth: values([3], []), values: values([-1, 2], [2], 'float') },
      attrs: { axis: 0 },
    },
  ],
})

/** Ones on diagonal `k` of a matrix of the input's shape. */
export const eyeLike = defineOp('EyeLike', {
  inputs: ['input'],
  attrs: { dtype: dtypeAttr.optional(), k: int(0) },
  infer: ({ input }, { dtype }, where) => {
    if (input.shape.length !== 2)
      throw new ShapeError({ code: 'eye-rank', where, expected: 'a matrix', received: input.shape })
    return { dtype: dtype === undefined ? input.dtype : dtypeFromOnnx(dtype)!, shape: input.shape }
  },
  vjp: { input: null },
  samples: [{ inputs: { input: normal([3, 4]) }, attrs: { k: 1 }, forwardOnly: 'a constant' }],
})
