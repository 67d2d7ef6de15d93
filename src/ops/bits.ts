import { broadcastShapes } from '../ir/index.js'
import { defineOp, string } from './define.js'
import { broadcasting, elementwise, expectDtype, sameDtype } from './infer.js'
import { values } from './sample.js'

/** Operators on the bits of integers. */

const whole = 'integers carry no gradient'
const uints = (data: number[]) => values(data, [data.length], 'uint32')
const bitwise = (op: string) =>
  defineOp(op, {
    inputs: ['A', 'B'],
    broadcast: true,
    infer: broadcasting('integer'),
    vjp: { A: null, B: null },
    samples: [{ inputs: { A: uints([1, 6, 255]), B: uints([3, 5, 15]) }, forwardOnly: whole }],
  })
export const bitwiseAnd = bitwise('BitwiseAnd')
export const bitwiseOr = bitwise('BitwiseOr')
export const bitwiseXor = bitwise('BitwiseXor')
export const bitwiseNot = defineOp('BitwiseNot', {
  inputs: ['X'],
  infer: elementwise('number'),
  vjp: { X: null },
  samples: [{ inputs: { X: uints([1, 6, 255]) }, forwardOnly: whole }],
})

export const bitShift = defineOp('BitShift', {
  inputs: ['X', 'Y'],
  broadcast: true,
  attrs: { direction: string.required() },
  infer: ({ X, Y }, _attrs, where) => {
    expectDtype(X, 'integer', where)
    return { dtype: sameDtype([X, Y], where), shape: broadcastShapes([X.shape, Y.shape], where) }
  },
  vjp: { X: null, Y: null },
  samples: [
    { inputs: { X: uints([1, 6, 255]), Y: uints([1, 2, 3]) }, attrs: { direction: 'LEFT' }, forwardOnly: whole },
  ],
})
