import { type Dim, type DType, dtypeFromOnnx, type Value } from '../ir/index.js'
import { defineOp, dtypeAttr, int, type Upgraded } from './define.js'
import { normal, values } from './sample.js'

/** Conversions between dtypes. */

/** What is known of whole numbers survives where the new dtype holds them; as truth values, only numbers are known. */
function castContent(content: readonly Dim[] | undefined, to: DType): readonly Dim[] | undefined {
  if (to === 'int64' || to === 'int32' || to === 'float32' || to === 'float64') return content
  if (to === 'bool' && content?.every(dim => typeof dim === 'number')) return content.map(dim => (dim === 0 ? 0 : 1))
  return undefined
}

/**
 * Converts to another dtype. The gradient is cast back; integers and booleans carry none.
 * `saturate` says what becomes of numbers too large for an 8-bit float, and nothing else.
 */
export const cast = defineOp('Cast', {
  inputs: ['X'],
  attrs: { to: dtypeAttr.required(), saturate: int.optional() },
  infer: ({ X }, { to }) => {
    const dtype = dtypeFromOnnx(to)!
    return { dtype, shape: X.shape, content: castContent(X.content, dtype) }
  },
  vjp: { X: (g, { in: { X } }): Value => cast(g, { to: X.dtype }) },
  samples: [
    { inputs: { X: normal([2, 3]) }, attrs: { to: 'float64' } },
    {
      inputs: { X: normal([4]) },
      attrs: { to: 'float32' },
      tolerance: { value: 2e-2, why: 'the output is single precision' },
    },
  ],
})

/** Converts to the dtype of another tensor, whose elements do not matter. */
export const castLike = defineOp('CastLike', {
  inputs: ['input', 'target_type'],
  attrs: { saturate: int.optional() },
  infer: ({ input, target_type }) => ({
    dtype: target_type.dtype,
    shape: input.shape,
    content: castContent(input.content, target_type.dtype),
  }),
  vjp: { input: (g, { in: { input } }): Value => cast(g, { to: input.dtype }), target_type: null },
  // As a Cast it needs its second input no more.
  upgrade: (node): Upgraded => [cast(node.inputs[0]!, { to: node.inputs[1]!.dtype })],
  samples: [
    { inputs: { input: normal([2, 3]), target_type: values([1], [1], 'float') } },
    { inputs: { input: normal([2]), target_type: values([1], [1]) }, forwardOnly: 'the output is an integer' },
  ],
})
