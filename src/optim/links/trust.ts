import { scalar, type Value } from '../../ir/index.js'
import * as ops from '../../ops/index.js'

/** The Euclidean norm of all elements, a scalar. */
export const norm = (x: Value): Value => ops.sqrt(ops.reduceSumSquare(x, { keepdims: 0 }))

/** The root of the mean square of all elements, a scalar. */
export const rootMeanSquare = (x: Value): Value => ops.sqrt(ops.reduceMean(ops.mul(x, x), { keepdims: 0 }))

export const atMostOne = (value: Value): Value => ops.min([value, scalar(value.graph, value.dtype, 1)])

export interface TrustRatioOptions {
  /** What the update's norm is replaced by before ‖w‖ is divided by it. */
  over?: (weightNorm: Value, updateNorm: Value) => Value
}

/** ‖w‖ / ‖update‖, and 1 where either is 0: how far a layer may go, as a share of its own size. A scalar. */
export function trustRatio(weight: Value, update: Value, { over }: TrustRatioOptions = {}): Value {
  const [weightNorm, updateNorm] = [norm(weight), norm(update)]
  const ratio = ops.div(weightNorm, over?.(weightNorm, updateNorm) ?? updateNorm)
  return ops.where(ops.and(ops.greater(weightNorm, 0), ops.greater(updateNorm, 0)), ratio, 1)
}
