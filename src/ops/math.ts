import { broadcastShapes, type Dim, type DType, isFloat, ShapeError, type TensorType, type Value } from '../ir/index.js'
import { cast } from './cast.js'
import { defineOp, flag, type Rule } from './define.js'
import {
  addDim,
  broadcastContent,
  broadcasting,
  type DTypeClass,
  divDim,
  elementwise,
  expectDtype,
  mulDim,
  sameDtype,
  subDim,
} from './infer.js'
import { equal } from './logic.js'
import { type InputSample, normal, type Sample, uniform, values } from './sample.js'

/** Elementwise arithmetic. Rules state the mathematics for equal shapes: the sweep undoes broadcasting. */

const pairs = (low = -2, high = 2): Sample[] => [
  { inputs: { A: uniform([2, 3], low, high), B: uniform([2, 3], low, high) } },
  { inputs: { A: uniform([2, 3], low, high), B: uniform([3], low, high) } },
  { inputs: { A: uniform([4, 1, 3], low, high), B: uniform([2, 1], low, high) } },
  { inputs: { A: uniform([], low, high), B: uniform([2, 2], low, high) } },
]

type BinaryRule = Rule<'A' | 'B', Readonly<Record<never, never>>>
const binary = (op: string, rules: { A: BinaryRule; B: BinaryRule; content: typeof addDim; samples?: Sample[] }) =>
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
/** Integers are divided rounding toward zero. */
export const div = binary('Div', {
  A: (g, { in: { B } }): Value => div(g, B),
  B: (g, { in: { B }, out }): Value => neg(div(mul(g, out[0]!), B)),
  content: divDim,
  samples: pairs(0.5, 2),
})

interface UnaryOptions {
  samples?: readonly Sample[]
  /** Default 'float'. */
  allowed?: DTypeClass
  /** Of the output; the input's by default. */
  dtype?: DType
  /** What becomes of a known dimension. */
  content?: (dim: Dim) => Dim | undefined
}

/** A smooth or piecewise smooth function of each element; `rule` gets the gradient, the input X and the output Y. */
export const unary = (
  op: string,
  rule: ((g: Value, x: Value, y: Value) => Value) | null,
  { samples = [{ inputs: { X: normal([2, 3]) } }, { inputs: { X: normal([]) } }], ...type }: UnaryOptions = {},
) =>
  defineOp(op, {
    inputs: ['X'],
    infer: ({ X }, attrs, where): TensorType => {
      const { content } = type
      return {
        ...elementwise(type.allowed ?? 'float', type.dtype)({ X }, attrs, where),
        content: content === undefined ? undefined : broadcastContent([X], ([dim]) => content(dim!)),
      }
    },
    vjp: { X: rule === null ? null : (g, { in: { X }, out }) => rule(g, X, out[0]!) },
    samples,
  })

const positive: Sample[] = [{ inputs: { X: uniform([2, 3], 0.3, 2) } }]
const awayFromZero: Sample[] = [{ inputs: { X: normal([2, 3], { kinks: [0] }) } }]

export const neg = unary('Neg', (g): Value => neg(g), { allowed: 'number', content: dim => subDim(0, dim) })
export const exp = unary('Exp', (g, _x, y): Value => mul(g, y))
export const sqrt = unary('Sqrt', (g, _x, y): Value => div(mul(g, 0.5), y), { samples: positive })
/** Gradient sign(x): 0 at 0, as in PyTorch. */
export const abs = unary('Abs', (g, x): Value => mul(g, sign(x)), {
  samples: awayFromZero,
  allowed: 'number',
  content: dim => (typeof dim === 'number' ? Math.abs(dim) : undefined),
})
export const log = unary('Log', (g, x): Value => div(g, x), { samples: positive })
export const reciprocal = unary('Reciprocal', (g, _x, y): Value => neg(mul(g, mul(y, y))), { samples: positive })
export const erf = unary('Erf', (g, x): Value => mul(g, mul(exp(neg(mul(x, x))), 2 / Math.sqrt(Math.PI))))

/** Steps: their gradient is 0, at the jumps too, as in PyTorch. Rounding leaves whole numbers as they are. */
const whole = (dim: Dim): Dim => dim
export const sign = unary('Sign', null, { samples: awayFromZero, allowed: 'number' })
export const floor = unary('Floor', null, { content: whole })
export const ceil = unary('Ceil', null, { content: whole })
/** To the nearest whole number, halves to the even one. */
export const round = unary('Round', null, { content: whole })

/** x · x, as a product: cheaper than Pow, and its gradient too. */
export const square = (x: Value): Value => mul(x, x)

/** Remainder of a division: with the sign of the divisor (integers), or with `fmod` of the dividend. */
export const mod = defineOp('Mod', {
  inputs: ['A', 'B'],
  broadcast: true,
  attrs: { fmod: flag(0) },
  infer: ({ A, B }, { fmod }, where) => {
    if (isFloat(A.dtype) && fmod === 0)
      throw new ShapeError({
        code: 'float-mod',
        where,
        expected: 'fmod: 1 for floats (ONNX defines the other remainder for integers only)',
        received: A.dtype,
        hint: 'pass { fmod: 1 }, or write sub(a, mul(b, floor(div(a, b)))) for the remainder with the sign of the divisor',
      })
    const remainder = (a: Dim, b: Dim): Dim | undefined => {
      if (typeof a !== 'number' || typeof b !== 'number' || b === 0) return undefined
      return fmod === 1 ? a % b : ((a % b) + b) % b
    }
    return broadcasting('number', undefined, remainder)({ A, B }, undefined, where)
  },
  vjp: {
    A: g => g,
    // A = n·B + Y: n from what the division gave, since A/B itself may round up to the next whole number.
    B: (g, { in: { A, B }, out }): Value => neg(mul(g, round(div(sub(A, out[0]!), B)))),
  },
  samples: [
    {
      inputs: { A: values([5.3, -4.2, 7.1], [3], 'float'), B: values([2, 3, -2.5], [3], 'float') },
      attrs: { fmod: 1 },
    },
    { inputs: { A: values([5.3, -4.2], [2, 1], 'float'), B: values([2, 3], [2], 'float') }, attrs: { fmod: 1 } },
    { inputs: { A: values([5, -5, 7]), B: values([3, 3, -4]) }, forwardOnly: 'integers carry no gradient' },
  ],
})

interface VariadicOptions {
  allowed: DTypeClass
  content?: (a: number, b: number) => number
}
/** Elementwise functions of any number of operands. */
const variadic = (
  op: string,
  rule: Rule<'data_0*', Readonly<Record<never, never>>>,
  draw: (shape: number[]) => InputSample,
  { allowed, content }: VariadicOptions,
) =>
  defineOp(op, {
    inputs: ['data_0*'],
    broadcast: true,
    infer: ({ data_0 }, _attrs, where) => {
      for (const x of data_0) expectDtype(x, allowed, where)
      const shapes = data_0.map(x => x.shape)
      const combine = (a: Dim, b: Dim): Dim | undefined =>
        content !== undefined && typeof a === 'number' && typeof b === 'number' ? content(a, b) : undefined
      return {
        dtype: sameDtype(data_0, where),
        shape: broadcastShapes(shapes, where),
        content: broadcastContent(data_0, ([first, ...rest]) =>
          rest.reduce<Dim | undefined>((a, b) => (a === undefined || a === b ? a : combine(a, b)), first),
        ),
      }
    },
    vjp: { data_0: rule },
    samples: [
      { inputs: { data_0: [draw([2, 3]), draw([3])] } },
      { inputs: { data_0: [draw([2, 3]), draw([2, 1]), draw([])] } },
      { inputs: { data_0: [draw([4])] } },
    ],
  })

const spread = (shape: number[]) => normal(shape, { scale: 3 })

export const sum = variadic('Sum', g => g, spread, { allowed: 'float' })
export const mean = variadic('Mean', (g, { in: { data_0 } }): Value => mul(g, 1 / data_0.length), spread, {
  allowed: 'float',
})
/** Where several are equal they share the gradient equally: halves for two, as in torch.maximum. */
const extreme: Rule<'data_0*', Readonly<Record<never, never>>> = (g, { in: { data_0 }, out, position }): Value => {
  if (data_0.length === 1) return g
  const chosen = data_0.map(x => cast(equal(x, out[0]!), { to: g.dtype }))
  return mul(g, div(chosen[position]!, sum(chosen)))
}
export const max = variadic('Max', extreme, spread, { allowed: 'number', content: Math.max })
export const min = variadic('Min', extreme, spread, { allowed: 'number', content: Math.min })
