import { broadcastShapes, type Dim, type DType, scalar, type Value } from '../ir/index.js'
import { cast } from './cast.js'
import { defineOp, flag, type Rule, type Upgraded } from './define.js'
import {
  addDim,
  broadcastContent,
  broadcasting,
  divDim,
  elementwise,
  expectDtype,
  mulDim,
  sameDtype,
  subDim,
} from './infer.js'
import { equal, greater, greaterOrEqual, less, lessOrEqual, where } from './logic.js'
import { reduceSum } from './reduce.js'
import { type InputSample, normal, type Sample, uniform, values } from './sample.js'

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

const positive: Sample[] = [{ inputs: { X: uniform([2, 3], 0.3, 2) } }]
const awayFromZero: Sample[] = [{ inputs: { X: normal([2, 3], { kinks: [0] }) } }]

/** Gradient sign(x): 0 at 0, as PyTorch. */
export const abs = unary('Abs', (g, x): Value => mul(g, sign(x)), awayFromZero, 'number')
export const log = unary('Log', (g, x): Value => div(g, x), positive)
export const reciprocal = unary('Reciprocal', (g, _x, y): Value => neg(mul(g, mul(y, y))), positive)
export const erf = unary('Erf', (g, x): Value => mul(g, mul(exp(neg(mul(x, x))), 2 / Math.sqrt(Math.PI))))
/** Steps: their gradient is zero wherever it exists. */
const step = (op: string) => unary(op, null, awayFromZero, 'number')
export const sign = step('Sign')
export const floor = unary('Floor', null)
export const ceil = unary('Ceil', null)
export const round = unary('Round', null)

/** x · x, as a product: cheaper than Pow, and its gradient too. */
export const square = (x: Value): Value => mul(x, x)

/** Aᴮ. The exponent's gradient needs A > 0; where A is 0 it is 0, as in PyTorch. */
export const pow = defineOp('Pow', {
  inputs: ['A', 'B'],
  broadcast: true,
  infer: ({ A, B }, _attrs, where) => {
    expectDtype(A, 'number', where)
    return { dtype: A.dtype, shape: broadcastShapes([A.shape, B.shape], where) }
  },
  vjp: {
    A: (g, { in: { A, B } }): Value => {
      const exponent = B.constant !== null && B.constant.data.length === 1 ? Number(B.constant.data[0]) : undefined
      if (exponent === 2) return mul(g, mul(A, 2))
      if (exponent === 1) return g
      const b = B.dtype === A.dtype ? B : cast(B, { to: A.dtype })
      // 0·A^(−1) at B = 0 must be 0, not NaN.
      const slope = mul(b, pow(A, sub(b, 1)))
      return mul(g, where(equal(b, 0), mul(b, 0), slope))
    },
    B: (g, { in: { A }, out }): Value => {
      const safe = where(greater(A, 0), A, fullLikeOne(A))
      return mul(g, mul(out[0]!, log(safe)))
    },
  },
  samples: [
    { inputs: { A: uniform([2, 3], 0.5, 2), B: uniform([2, 3], -2, 2) } },
    { inputs: { A: uniform([2, 3], 0.5, 2), B: values([3], [], 'float') } },
    { inputs: { A: normal([2, 3]), B: values([2], [], 'float') }, constants: ['B'] },
    { inputs: { A: uniform([2, 1], 0.5, 2), B: uniform([3], -2, 2) } },
  ],
})
const fullLikeOne = (x: Value): Value => add(mul(x, 0), 1)

/** Remainder; the sign of the divisor, or with fmod of the dividend (required for floats). */
export const mod = defineOp('Mod', {
  inputs: ['A', 'B'],
  broadcast: true,
  attrs: { fmod: flag(0) },
  infer: broadcasting('number', undefined, (a, b) =>
    typeof a === 'number' && typeof b === 'number' && b !== 0 ? ((a % b) + b) % b : undefined,
  ),
  vjp: {
    A: g => g,
    B: (g, { in: { A, B } }): Value => neg(mul(g, truncate(div(A, B)))),
  },
  samples: [
    {
      inputs: { A: values([5.3, -4.2, 7.1], [3], 'float'), B: values([2, 3, -2.5], [3], 'float') },
      attrs: { fmod: 1 },
    },
  ],
})
const truncate = (x: Value): Value => mul(sign(x), floor(abs(x)))

/** Elementwise functions of any number of operands. */
const variadic = (
  op: string,
  rule: Rule<'data_0*', Readonly<Record<never, never>>>,
  content: ((a: Dim, b: Dim) => Dim | undefined) | undefined,
  draw: (shape: number[]) => InputSample,
) =>
  defineOp(op, {
    inputs: ['data_0*'],
    broadcast: true,
    infer: ({ data_0 }, _attrs, where) => ({
      dtype: sameDtype(data_0, where),
      shape: broadcastShapes(
        data_0.map(x => x.shape),
        where,
      ),
      content:
        content === undefined
          ? undefined
          : broadcastContent(data_0, args =>
              args.reduce<Dim | undefined>((a, b) => (a === undefined ? undefined : content(a, b)), 0),
            ),
    }),
    vjp: { data_0: rule },
    samples: [
      { inputs: { data_0: [draw([2, 3]), draw([3])] } },
      { inputs: { data_0: [draw([2, 3]), draw([2, 1]), draw([2, 3])] } },
      { inputs: { data_0: [draw([4])] } },
    ],
  })

/** At ties the gradient is shared equally among the tied, as torch.maximum does for two. */
const extreme: Rule<'data_0*', Readonly<Record<never, never>>> = (g, { in: { data_0 }, out, position }): Value => {
  if (data_0.length === 1) return g
  const chosen = data_0.map(x => cast(equal(x, out[0]!), { to: g.dtype }))
  return mul(g, div(chosen[position]!, sum(chosen)))
}
export const sum = variadic(
  'Sum',
  g => g,
  addDim,
  shape => normal(shape),
)
export const mean = variadic(
  'Mean',
  (g, { in: { data_0 } }): Value => div(g, data_0.length),
  undefined,
  shape => normal(shape),
)
export const max = variadic('Max', extreme, undefined, shape => normal(shape, { scale: 3 }))
export const min = variadic('Min', extreme, undefined, shape => normal(shape, { scale: 3 }))

/** Bounds to [min, max]; either may be left out. The gradient passes at the bounds, as in PyTorch. */
export const clip = defineOp('Clip', {
  inputs: ['input', 'min?', 'max?'],
  infer: ({ input }) => ({ dtype: input.dtype, shape: input.shape }),
  vjp: {
    input: (g, { in: { input, min: low, max: high } }): Value => {
      const inside = [
        low === null ? null : greaterOrEqual(input, low),
        high === null ? null : lessOrEqual(input, high),
      ].filter(v => v !== null)
      return inside.reduce((kept, test) => mul(kept, cast(test, { to: g.dtype })), g)
    },
    min: (g, { in: { input, min: low } }): Value =>
      reduceSum(mul(g, cast(less(input, low!), { to: g.dtype })), { keepdims: 0 }),
    max: (g, { in: { input, max: high } }): Value =>
      reduceSum(mul(g, cast(greater(input, high!), { to: g.dtype })), { keepdims: 0 }),
  },
  upgrade: (node): Upgraded => {
    if (node.attrs.min === undefined && node.attrs.max === undefined) return undefined
    const bound = (v: unknown) => (v === undefined ? null : scalar(node.graph, node.inputs[0]!.dtype, v as number))
    return [clip(node.inputs[0]!, bound(node.attrs.min), bound(node.attrs.max))]
  },
  samples: [
    {
      inputs: {
        input: normal([2, 3], { kinks: [-0.5, 0.7] }),
        min: values([-0.5], [], 'float'),
        max: values([0.7], [], 'float'),
      },
    },
    { inputs: { input: normal([5], { kinks: [0] }), min: values([0], [], 'float') } },
    { inputs: { input: normal([5], { kinks: [0] }), max: values([0], [], 'float') } },
  ],
})
