import { broadcastShapes, dtypes, GraphError, ShapeError } from '../ir/index.js'
import { defineOp, string } from './define.js'
import { broadcasting, elementwise, sameDtype } from './infer.js'
import { values } from './sample.js'

/** Operators on the bits of integers. */

const whole = 'integers carry no gradient'
const uints = (data: number[], shape = [data.length]) => values(data, shape, 'uint32')
const bitwise = (op: string) =>
  defineOp(op, {
    inputs: ['A', 'B'],
    broadcast: true,
    infer: broadcasting('integer'),
    vjp: { A: null, B: null },
    samples: [
      { inputs: { A: uints([1, 6, 255]), B: uints([3, 5, 15]) }, forwardOnly: whole },
      { inputs: { A: values([1, -6, 255], [3, 1]), B: values([3, 5], [2]) }, forwardOnly: whole },
    ],
  })
export const bitwiseAnd = bitwise('BitwiseAnd')
export const bitwiseOr = bitwise('BitwiseOr')
export const bitwiseXor = bitwise('BitwiseXor')
export const bitwiseNot = defineOp('BitwiseNot', {
  inputs: ['X'],
  infer: elementwise('integer'),
  vjp: { X: null },
  samples: [{ inputs: { X: uints([1, 6, 255]) }, forwardOnly: whole }],
})

/** X shifted by Y bits, direction 'LEFT' or 'RIGHT'; zeros come in. Unsigned integers only. */
export const bitShift = defineOp('BitShift', {
  inputs: ['X', 'Y'],
  broadcast: true,
  attrs: { direction: string.required() },
  infer: ({ X, Y }, { direction }, where) => {
    if (direction !== 'LEFT' && direction !== 'RIGHT')
      throw new GraphError({ code: 'bad-attribute', where, expected: 'direction: LEFT | RIGHT', received: direction })
    if (dtypes[X.dtype].kind !== 'uint')
      throw new ShapeError({
        code: 'dtype',
        where,
        expected: 'an unsigned integer dtype',
        received: `${X.dtype} (${X.name})`,
        hint: "convert with cast(x, { to: 'uint32' })",
      })
    return { dtype: sameDtype([X, Y], where), shape: broadcastShapes([X.shape, Y.shape], where) }
  },
  vjp: { X: null, Y: null },
  samples: ['LEFT', 'RIGHT'].map(direction => ({
    inputs: { X: uints([1, 6, 255, 8], [2, 2]), Y: uints([1, 2]) },
    attrs: { direction },
    forwardOnly: whole,
  })),
})
