import type { Dim, Value } from '../ir/index.js'
import { shapeOf } from '../ops/dims.js'
import * as ops from '../ops/index.js'

/**
 * Sums `g` to the shape of `input`, which was broadcast to `g`'s shape: the one place where broadcasting is undone.
 * Extents whose equality is only known when the program runs are compared there.
 */
export function unbroadcast(g: Value, input: Value): Value {
  const lead = g.shape.length - input.shape.length
  const extent = (axis: number): Dim => input.shape[axis - lead] ?? 1
  const axes: number[] = []
  let undecided = false
  g.shape.forEach((dim, axis) => {
    if (axis < lead || (extent(axis) === 1 && dim !== 1)) axes.push(axis)
    else if (extent(axis) !== dim && typeof extent(axis) === 'string') undecided = true
  })
  if (undecided) return unbroadcastDynamic(g, input)
  if (axes.length === 0) return g
  const summed = ops.reduceSum(g, axes, { keepdims: lead === 0 ? 1 : 0 })
  return lead === 0 || input.shape.length === summed.shape.length ? summed : ops.reshape(summed, shapeOf(input))
}

function unbroadcastDynamic(g: Value, input: Value): Value {
  const { graph } = g
  const lead = g.shape.length - input.shape.length
  const ones = new Array<number>(lead).fill(1)
  const padded = lead === 0 ? shapeOf(input) : ops.concat([ones, shapeOf(input)], { axis: 0 })
  const differs = graph.node({
    op: 'Not',
    inputs: [equalInts(padded, shapeOf(g))],
    outputs: [{ dtype: 'bool', shape: [g.shape.length] }],
  })
  const where = graph.node({
    op: 'NonZero',
    inputs: [differs.outputs[0]!],
    outputs: [{ dtype: 'int64', shape: [1, 'axes'] }],
  })
  const axes = ops.reshape(where.outputs[0]!, [-1])
  const summed = graph.node({
    op: 'ReduceSum',
    inputs: [g, axes],
    attrs: { keepdims: 1, noop_with_empty_axes: 1 },
    outputs: [{ dtype: g.dtype, shape: [...ones, ...input.shape] }],
  })
  return ops.reshape(summed.outputs[0]!, shapeOf(input))
}

const equalInts = (a: Value, b: Value): Value =>
  a.graph.node({ op: 'Equal', inputs: [a, b], outputs: [{ dtype: 'bool', shape: a.shape }] }).outputs[0]!
