import { normalizeAxis, type TensorType, type Value } from '../ir/index.js'
import { defineOp, int, type OldNode, type Upgraded } from './define.js'
import { reshapeLike } from './dims.js'
import { expectDtype } from './infer.js'
import { exp, mul, sub } from './math.js'
import { reduceSum } from './reduce.js'
import { normal, type Sample } from './sample.js'
import { flatten } from './shape.js'

/** Softmax, its logarithm and its limit, along one axis. */

const samples: Sample[] = [
  { inputs: { input: normal([2, 4], { scale: 2 }) } },
  { inputs: { input: normal([2, 3, 2]) }, attrs: { axis: 1 } },
  { inputs: { input: normal([5], { scale: 4 }) }, attrs: { axis: 0 } },
]
type Builder = (x: Value, options?: { axis?: number }) => Value

/** Before opset 13 all axes from `axis` (default 1) on were one. */
const flattened =
  (build: () => Builder) =>
  (node: OldNode, opset: number): Upgraded => {
    if (opset >= 13) return undefined
    const x = node.inputs[0]!
    const axis = normalizeAxis((node.attrs.axis as number | undefined) ?? 1, x.shape.length, node.name)
    if (axis === x.shape.length - 1) return [build()(x, { axis: -1 })]
    return [reshapeLike(build()(flatten(x, { axis }), { axis: -1 }), x)]
  }
const infer = ({ input }: { input: Value }, { axis }: { axis: number }, where: string): TensorType => {
  expectDtype(input, 'float', where)
  normalizeAxis(axis, input.shape.length, where)
  return { dtype: input.dtype, shape: input.shape }
}

export const softmax = defineOp('Softmax', {
  inputs: ['input'],
  attrs: { axis: int(-1) },
  infer,
  vjp: {
    input: (g, { out, attrs: { axis } }): Value => mul(out[0]!, sub(g, reduceSum(mul(g, out[0]!), [axis]))),
  },
  upgrade: flattened((): Builder => softmax),
  samples,
})

export const logSoftmax = defineOp('LogSoftmax', {
  inputs: ['input'],
  attrs: { axis: int(-1) },
  infer,
  vjp: { input: (g, { out, attrs: { axis } }): Value => sub(g, mul(exp(out[0]!), reduceSum(g, [axis]))) },
  upgrade: flattened((): Builder => logSoftmax),
  samples,
})

/** 1 for the largest along the axis (the first, where several are), 0 for the others: a step, so its gradient is 0. */
export const hardmax = defineOp('Hardmax', {
  inputs: ['input'],
  attrs: { axis: int(-1) },
  infer,
  vjp: { input: null },
  upgrade: flattened((): Builder => hardmax),
  samples,
})
