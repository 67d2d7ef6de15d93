import { dtypeFromOnnx, isInteger, type Value } from '../ir/index.js'
import { defineOp, dtypeAttr } from './define.js'
import { normal } from './sample.js'

/** Converts to another dtype. The gradient is cast back; integers and booleans carry none. */
export const cast = defineOp('Cast', {
  inputs: ['X'],
  attrs: { to: dtypeAttr.required() },
  infer: ({ X }, { to }) => {
    const dtype = dtypeFromOnnx(to)!
    // Only integers are tracked: the arithmetic on what is known of a tensor is that of integers.
    return { dtype, shape: X.shape, content: isInteger(dtype) ? X.content : undefined }
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
