import { broadcastShapes, isFloat, numbersOf, type Value } from '../ir/index.js'
import { cast } from './cast.js'
import { defineOp } from './define.js'
import { broadcastContent, expectDtype } from './infer.js'
import { and, equal, greaterOrEqual, where } from './logic.js'
import { div, log, mul, neg, sqrt, sub } from './math.js'
import { normal, uniform, values } from './sample.js'

/** Powers. */

/** The exponent where it is one known number. */
const known = (B: Value): number | undefined =>
  B.constant !== null && B.constant.data.length === 1 ? numbersOf(B.constant)[0] : undefined

const like = (value: Value, to: Value): Value => (value.dtype === to.dtype ? value : cast(value, { to: to.dtype }))

/**
 * Aᴮ, in the dtype of A.
 * As in PyTorch, the exponent's gradient is 0 where A is 0 and B is not negative, and not a number where A is negative.
 */
export const pow = defineOp('Pow', {
  inputs: ['A', 'B'],
  broadcast: true,
  infer: ({ A, B }, _attrs, at) => {
    expectDtype(A, 'number', at)
    expectDtype(B, 'number', at)
    const whole = !isFloat(A.dtype) && !isFloat(B.dtype)
    return {
      dtype: A.dtype,
      shape: broadcastShapes([A.shape, B.shape], at),
      content: whole
        ? broadcastContent([A, B], ([a, b]) =>
            typeof a === 'number' && typeof b === 'number' && b >= 0 ? a ** b : b === 1 ? a : undefined,
          )
        : undefined,
    }
  },
  vjp: {
    A: (g, { in: { A, B }, out }): Value => {
      const exponent = known(B)
      if (exponent === 1) return g
      if (exponent !== undefined) return mul(g, slope(A, out[0]!, exponent))
      const b = like(B, A)
      // 0 · 0⁻¹ must be 0: the base is replaced before the power is taken, so that no derivative of it is NaN either.
      const base = where(and(equal(A, 0), equal(b, 0)), 1, A)
      return mul(g, mul(b, pow(base, sub(b, 1))))
    },
    B: (g, { in: { A, B }, out }): Value => {
      const base = where(and(equal(A, 0), greaterOrEqual(like(B, A), 0)), 1, A)
      return like(mul(g, mul(out[0]!, log(base))), B)
    },
  },
  samples: [
    { inputs: { A: uniform([2, 3], 0.5, 2), B: uniform([2, 3], -2, 2) } },
    { inputs: { A: uniform([2, 3], 0.5, 2), B: values([3], [], 'float') } },
    { inputs: { A: uniform([2, 1], 0.5, 2), B: uniform([3], -2, 2) } },
    { inputs: { A: normal([2, 3]), B: values([3]) } },
    ...[2, 3].map(b => ({ inputs: { A: normal([2, 3]), B: values([b], [], 'float') }, constants: ['B'] })),
    ...[0, 1, -1, 0.5, -0.5, 1.5, 2.7].map(b => ({
      inputs: { A: uniform([4], 0.5, 2), B: values([b], [1], 'float') },
      constants: ['B'],
    })),
  ],
})

/** The derivative of Y = Aᵇ for a known b. Pow costs as much as eight products, so it is avoided where it can be. */
function slope(A: Value, Y: Value, b: number): Value {
  if (b === 0) return mul(Y, 0)
  if (b === 2) return mul(A, 2)
  if (b === 3) return mul(mul(A, A), 3)
  if (b === 0.5) return div(0.5, Y)
  if (b === 1.5) return mul(sqrt(A), 1.5)
  if (b === -1) return neg(mul(Y, Y))
  if (b === -0.5) return mul(mul(Y, mul(Y, Y)), -0.5)
  return mul(pow(A, b - 1), b)
}
