import type { DType, Value } from '../ir/index.js'
import { defineOp, type Rule } from './define.js'
import { addDim, broadcasting, divDim, elementwise, mulDim, subDim } from './infer.js'
import { normal, type Sample, uniform } from './sample.js'

/** Elementwise arithmetic. Rules state the mathematics for equal shapes: the sweep undoes broadcasting. */

const pairs = (low = -2, high = 2, kinks: number[] = []): Sample[] => [
  { inputs: { A: uniform([2, 3], low, high, { kinks }), B: uniform([2, 3], low, high, { kinks }) } },
  { inputs: { A: uniform([2, 3], low, high, { kinks }), B: uniform([3], low, high, { kinks }) } },
  { inputs: { A: uniform([4, 1, 3], low, high, { kinks }), B: uniform([2, 1], low, high, { kinks }) } },
  { inputs: { A: uniform([], low, high, { kinks }), B: uniform([2, 2], low, high, { kinks }) } },
]

type BinaryRule = Rule<'A' | 'B', Readonly<Record<never, never>>>
const binary = (op: string, rules: { A: BinaryRule; B: BinaryRule; content?: typeof addDim; samples?: Sample[] }) =>
  defineOp(op, {
    inputs: ['A', 'B'],
    broadcast: true,
    infer: broadcasting('number', undefined, rules.content),
    vjp: { A: rules.A, B: rules.B },
    samples: rules.samples ?? pairs(),
  })

export const add = binary('Add', { A: g => g, B: g => g, content: addDim })
export const sub = binary('Sub', { A: g => g, B: (g): Value => neg(g), content: subDim })
export const mul = binary('Mul', {
  A: (g, { in: { B } }): Value => mul(g, B),
  B: (g, { in: { A } }): Value => mul(g, A),
  content: mulDim,
})
export const div = binary('Div', {
  A: (g, { in: { B } }): Value => div(g, B),
  B: (g, { in: { B }, out }): Value => neg(div(mul(g, out[0]!), B)),
  content: divDim,
  samples: pairs(0.5, 2),
})

/** A smooth or piecewise smooth function of each element; `rule` gets the gradient, the input X and the output Y. */
export const unary = (
  op: string,
  rule: ((g: Value, x: Value, y: Value) => Value) | null,
  samples: readonly Sample[] = [{ inputs: { X: normal([2, 3]) } }, { inputs: { X: normal([5]) } }],
  allowed: 'float' | 'number' | 'bool' = 'float',
  dtype?: DType,
) =>
  defineOp(op, {
    inputs: ['X'],
    infer: elementwise(allowed, dtype),
    vjp: { X: rule === null ? null : (g, { in: { X }, out }) => rule(g, X, out[0]!) },
    samples,
  })

export const neg = unary('Neg', (g): Value => neg(g), undefined, 'number')
export const exp = unary('Exp', (g, _x, y): Value => mul(g, y))
export const sqrt = unary('Sqrt', (g, _x, y): Value => div(mul(g, 0.5), y), [
  { inputs: { X: uniform([2, 3], 0.3, 2) } },
])
