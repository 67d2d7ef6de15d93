import { GraphError, type Node, sameShape, type Value } from '../ir/index.js'
import type { PerExampleRule, Rule } from '../ops/define.js'
import { dimsVector, extentOf } from '../ops/dims.js'
import {
  broadcastExamples,
  type Factors,
  gemmFactors,
  matMulFactors,
  outerNorms,
  squaredNorms,
} from '../ops/example-norms.js'
import * as ops from '../ops/index.js'
import type { Arrival } from './gradients.js'

/** Squared norms of single examples' gradients from the uses of a parameter. */

export const unfit = (root: Value, node: Node, expected: string, received: unknown): GraphError =>
  new GraphError({
    code: 'per-example',
    where: `${root.name} in ${node.name}`,
    expected,
    received,
    hint: 'penalties and transformations of parameters have no per-example gradient: add them to the gradient of the batch',
  })

/** The name of the input a parameter is. */
export const inputName = ({ record, input }: Arrival): string =>
  record.inputs[Math.min(input, record.inputs.length - 1)]!.name

/** Squared norms over all uses of one parameter: gradients of several uses add up before they are squared. */
export function parameterNorms(parameter: Value, arrivals: readonly Arrival[]): Value {
  if (arrivals.length === 1) return useNorms(arrivals[0]!)
  const factors = arrivals.map(arrival => (arrival.views.length === 0 ? factorsOf(arrival) : undefined))
  if (factors.every(f => f !== undefined)) {
    // Products used again and again (a recurrent weight) are one product over more steps.
    const along = (key: 'left' | 'right') =>
      ops.concat(
        factors.map(f => f[key]),
        { axis: 1 },
      )
    return outerNorms({ left: along('left'), right: along('right') })
  }
  return squaredNorms(arrivals.map(arrival => materialized(parameter, arrival)).reduce((a, b) => ops.add(a, b)))
}

function useNorms(arrival: Arrival): Value {
  const rule: PerExampleRule | undefined = arrival.record.perExample[inputName(arrival)]
  if (rule !== undefined) return rule(arrival.outputGradient, arrival.context)
  return squaredNorms(elementwise(arrival) ?? refuse(arrival))
}

function refuse({ root, node }: Arrival): never {
  throw unfit(root, node, 'an operator with a per-example rule', node.op)
}

/** The factors of a parameter of a matrix product. */
function factorsOf({ node, outputGradient, context, input }: Arrival): Factors | undefined {
  // The casts are true because the operator's record names its inputs and attributes so.
  const named = context.in as { A: Value; B: Value }
  if (node.op === 'MatMul') return matMulFactors(outputGradient, { node, in: named }, input === 0 ? 'A' : 'B')
  if (node.op !== 'Gemm' || input !== 1) return undefined
  return gemmFactors(outputGradient, named.A, node.attrs as { alpha: number; transA: number; transB: number })
}

/** Each example's gradient of a parameter that an elementwise operator broadcast over the batch, 1 on other axes. */
function elementwise(arrival: Arrival): Value | undefined {
  const { record, context, outputGradient, node, value } = arrival
  if (!record.broadcast && !(node.op === 'Gemm' && inputName(arrival) === 'C')) return undefined
  if (node.op === 'Gemm') {
    const beta = node.attrs.beta as number
    return broadcastExamples(beta === 1 ? outputGradient : ops.mul(outputGradient, beta), value, node.name)
  }
  const rule = record.vjp === 'body' ? null : record.vjp[inputName(arrival)]
  const full = rule ? (rule as Rule)(outputGradient, context) : undefined
  return full !== undefined && sameShape(full.shape, outputGradient.shape)
    ? broadcastExamples(full, value, node.name)
    : undefined
}

/** Each example's gradient of the parameter itself, [batch, …]: only where one parameter is used in different ways. */
function materialized(parameter: Value, arrival: Arrival): Value {
  const { node, value, outputGradient, context } = arrival
  const factors = factorsOf(arrival)
  let each: Value
  if (factors !== undefined) each = ops.matMul(ops.transpose(factors.left, { perm: [0, 2, 1] }), factors.right)
  else if (node.op === 'Gather' && node.attrs.axis === 0)
    each = pickedRows(value, (context.in as { indices: Value }).indices, outputGradient)
  else each = elementwise(arrival) ?? refuse(arrival)
  each = shaped(each, outputGradient, value)
  for (const view of arrival.views.toReversed()) {
    const inner = view.inputs[0]!
    const perm =
      view.op === 'Transpose'
        ? ((view.attrs.perm as readonly number[]) ?? inner.shape.map((_, i) => inner.shape.length - 1 - i))
        : []
    each =
      view.op === 'Transpose'
        ? ops.transpose(each, { perm: [0, ...inner.shape.map((_, i) => perm.indexOf(i) + 1)] })
        : shaped(inner.dtype === each.dtype ? each : ops.cast(each, { to: inner.dtype }), outputGradient, inner)
  }
  return shaped(each, outputGradient, parameter)
}

/** [batch, …] reshaped to [batch, …shape of `like`]. */
const shaped = (each: Value, batched: Value, like: Value): Value =>
  ops.reshape(each, dimsVector(each.graph, [extent(batched, 0), ...like.shape.map((_, i) => extent(like, i))]), {
    allowzero: 1,
  })
const extent = (x: Value, axis: number): number | Value => {
  const dim = x.shape[axis]!
  return typeof dim === 'number' ? dim : extentOf(x, axis)
}

/** Each example's gradient of a table of rows of which it picked some. */
function pickedRows(table: Value, indices: Value, g: Value): Value {
  const rest = table.shape.slice(1).map((_, i) => extent(table, i + 1))
  const zeros = ops.expand(
    ops.mul(ops.unsqueeze(table, [0]), 0),
    dimsVector(g.graph, [extent(g, 0), ...table.shape.map(() => 1)]),
  )
  const example = ops.range(0, ops.reshape(extentOf(indices, 0), []), 1)
  const ids = ops.cast(indices, { to: 'int64' })
  const numbers = ops.add(ops.reshape(example, [-1, ...indices.shape.slice(1).map(() => 1)]), ops.mul(ids, 0))
  const places = ops.concat([ops.unsqueeze(numbers, [-1]), ops.unsqueeze(ids, [-1])], { axis: -1 })
  const flat = ops.reshape(places, [-1, 2])
  return ops.scatterND(zeros, flat, ops.reshape(g, dimsVector(g.graph, [-1, ...rest])), { reduction: 'add' })
}
