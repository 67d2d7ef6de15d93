import { z } from 'zod'
import { ShapeError, tunable, type Value } from '../ir/index.js'
import * as ops from '../ops/index.js'
import { checkValue, type Family, resolveSpec, type Spec, specSchema } from './plugin.js'

type Apply = (parameters: Record<string, unknown>, x: Value) => Value
const strength = z.number().nonnegative()

const sumOfSquares = (x: Value): Value => ops.reduceSumSquare(x, { keepdims: 0 })
const sumOfMagnitudes = (x: Value): Value => ops.reduceL1(x, { keepdims: 0 })

/** Penalties as scalars, with Keras's definitions: no factor ½, summed over all elements. */
export const regularizerTable: Family<Apply> = {
  l1: {
    parameters: z.strictObject({ l1: strength.default(0.01) }),
    apply: ({ l1 }, x) => ops.mul(sumOfMagnitudes(x), tunable(x, l1 as number)),
  },
  l2: {
    parameters: z.strictObject({ l2: strength.default(0.01) }),
    apply: ({ l2 }, x) => ops.mul(sumOfSquares(x), tunable(x, l2 as number)),
  },
  l1l2: {
    parameters: z.strictObject({ l1: strength.default(0), l2: strength.default(0) }),
    apply: ({ l1, l2 }, x) =>
      ops.add(
        ops.mul(sumOfMagnitudes(x), tunable(x, l1 as number)),
        ops.mul(sumOfSquares(x), tunable(x, l2 as number)),
      ),
  },
  // factor · Σ |⟨uᵢ, uⱼ⟩| over pairs i ≠ j of the normalized rows or columns, each pair counted once (Keras).
  orthogonal: {
    parameters: z.strictObject({ factor: strength.default(0.01), mode: z.enum(['rows', 'columns']).default('rows') }),
    apply: ({ factor, mode }, x) => {
      if (x.shape.length !== 2)
        throw new ShapeError({
          code: 'orthogonal-rank',
          where: x.name,
          expected: 'a weight of rank 2',
          received: x.shape,
          hint: 'l1 and l2 take weights of any rank',
        })
      const axis = mode === 'rows' ? 1 : 0
      const norms = ops.sqrt(ops.max([ops.reduceSumSquare(x, [axis]), 1e-12]))
      const unit = ops.div(x, norms)
      const products = mode === 'rows' ? ops.matMul(unit, ops.transpose(unit)) : ops.matMul(ops.transpose(unit), unit)
      const size = Number(x.shape[1 - axis])
      const off = {
        dtype: x.dtype,
        shape: [size, size],
        data: Float32Array.from({ length: size * size }, (_, i) => (i % (size + 1) === 0 ? 0 : 1)),
      }
      const pairs = Math.max(1, (size * (size - 1)) / 2)
      return ops.mul(
        ops.reduceL1(ops.mul(products, off), { keepdims: 0 }),
        tunable(x, ((factor as number) * 0.5) / pairs),
      )
    },
  },
}

/** A penalty: its name, a record made by `l1`, `l2`, `l1l2`, `orthogonal`, or a function from weights (or outputs) to a scalar. */
export type Regularizer = keyof typeof regularizerTable | Spec | ((x: Value) => Value)
export const regularizerSchema = specSchema<Apply, Regularizer>('regularizer', regularizerTable)
/**
 * The penalty on a value, a scalar.
 * @throws ConfigError or ShapeError if a function of the user's own gives anything else
 */
export function penalty(spec: Regularizer, x: Value): Value {
  const value: unknown = resolveSpec('regularizer', regularizerTable, spec as string | Spec | ((x: Value) => Value))(x)
  const given = checkValue(value, x, 'regularizer')
  if (given.shape.some(dim => dim !== 1))
    throw new ShapeError({
      code: 'penalty-shape',
      where: `regularizer of ${x.name}`,
      expected: 'a scalar',
      received: given.shape,
      hint: 'sum over all elements: ops.reduceSum(penalties, { keepdims: 0 })',
    })
  return given.shape.length === 0 ? given : ops.reshape(given, [])
}

/** l1 · Σ|w|. Drives weights to exactly zero. Default 0.01. TensorFlow.js's form `{ l1 }` is taken too. */
export const l1 = (l1: number | { l1?: number } = 0.01): Spec<'l1'> => ({
  type: 'l1',
  l1: typeof l1 === 'number' ? l1 : (l1.l1 ?? 0.01),
})
/** l2 · Σw² (PyTorch's weight decay λ corresponds to l2 = λ/2). Default 0.01. */
export const l2 = (l2: number | { l2?: number } = 0.01): Spec<'l2'> => ({
  type: 'l2',
  l2: typeof l2 === 'number' ? l2 : (l2.l2 ?? 0.01),
})
/** Both penalties; each 0 by default, as in Keras. */
export const l1l2 = ({ l1 = 0, l2 = 0 }: { l1?: number; l2?: number } = {}): Spec<'l1l2'> => ({ type: 'l1l2', l1, l2 })
/** Pushes the rows (or columns) of a matrix to be orthogonal; only for weights of rank 2. */
export const orthogonal = ({
  factor = 0.01,
  mode = 'rows',
}: {
  factor?: number
  mode?: 'rows' | 'columns'
} = {}): Spec<'orthogonal'> => ({
  type: 'orthogonal',
  factor,
  mode,
})
