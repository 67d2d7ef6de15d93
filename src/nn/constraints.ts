import { z } from 'zod'
import { ShapeError, tunable, type Value } from '../ir/index.js'
import * as ops from '../ops/index.js'
import { checkValue, type Family, resolveSpec, type Spec, specSchema } from './plugin.js'

type Apply = (parameters: Record<string, unknown>, w: Value) => Value
const EPSILON = 1e-7
const axes = z.union([z.int(), z.array(z.int())]).default(0)
const norm = (w: Value, axis: unknown): Value =>
  ops.sqrt(ops.reduceSumSquare(w, Array.isArray(axis) ? axis : [axis as number]))

/**
 * What is done to a weight after each update; Keras's definitions. `axis` is the axis (or axes) along which norms are
 * taken: 0 (default) for a dense kernel [inputs, units]; [1, 2, 3] for one of conv2d, whose filters come first here.
 */
export const constraintTable: Family<Apply> = {
  maxNorm: {
    parameters: z.strictObject({ maxValue: z.number().positive().default(2), axis: axes }),
    apply: ({ maxValue, axis }, w) => {
      const norms = norm(w, axis)
      return ops.mul(w, ops.div(ops.clip(norms, 0, tunable(w, maxValue as number)), ops.add(norms, EPSILON)))
    },
  },
  unitNorm: {
    parameters: z.strictObject({ axis: axes }),
    apply: ({ axis }, w) => ops.div(w, ops.add(norm(w, axis), EPSILON)),
  },
  nonNeg: { parameters: z.strictObject({}), apply: (_, w) => ops.relu(w) },
  minMaxNorm: {
    parameters: z
      .strictObject({
        minValue: z.number().nonnegative().default(0),
        maxValue: z.number().positive().default(1),
        rate: z.number().min(0).max(1).default(1),
        axis: axes,
      })
      .refine(p => p.minValue <= p.maxValue, { path: ['minValue'], message: 'at most maxValue' }),
    apply: ({ minValue, maxValue, rate, axis }, w) => {
      const norms = norm(w, axis)
      const clipped = ops.clip(norms, tunable(w, minValue as number), tunable(w, maxValue as number))
      const desired = ops.add(
        ops.mul(clipped, tunable(w, rate as number)),
        ops.mul(norms, tunable(w, 1 - (rate as number))),
      )
      return ops.mul(w, ops.div(desired, ops.add(norms, EPSILON)))
    },
  },
}

export type Constraint = keyof typeof constraintTable | Spec | ((w: Value) => Value)
export const constraintSchema = specSchema<Apply, Constraint>('constraint', constraintTable)
/**
 * A weight after its constraint.
 * @throws ConfigError or ShapeError if a function of the user's own gives no value of the weight's shape
 */
export function constrain(spec: Constraint, w: Value): Value {
  const made: unknown = resolveSpec('constraint', constraintTable, spec as string | Spec | ((w: Value) => Value))(w)
  const value = checkValue(made, w, 'constraint')
  if (String(value.shape) !== String(w.shape))
    throw new ShapeError({
      code: 'constraint-shape',
      where: `constraint of ${w.name}`,
      expected: w.shape,
      received: value.shape,
    })
  return value
}

type Axis = number | readonly number[]
/** Caps the norm of the weights into each unit at `maxValue` (Srivastava et al. 2014). Defaults 2, axis 0. Of a convolution: axis [1, 2, 3]. */
export const maxNorm = (options: { maxValue?: number; axis?: Axis } = {}): Spec => ({ type: 'maxNorm', ...options })
/** Sets the norm of the weights into each unit to 1. */
export const unitNorm = (options: { axis?: Axis } = {}): Spec => ({ type: 'unitNorm', ...options })
/** Sets negative weights to 0. */
export const nonNeg = (): Spec => ({ type: 'nonNeg' })
/**
 * Holds the norm of the weights into each unit between two values, defaults 0 and 1; `rate` below 1 (default) goes that
 * share of the way at each update.
 */
export const minMaxNorm = (
  options: { minValue?: number; maxValue?: number; rate?: number; axis?: Axis } = {},
): Spec => ({
  type: 'minMaxNorm',
  ...options,
})
