import type { Node, Value } from '../../../ir/index.js'
import { float32, wasm } from './wasm.js'

/**
 * What a kernel can compute, four numbers at once. A bool is a lane of ones or zeros. Results are those of ONNX Runtime,
 * to the last bit but for powers: what is not a number stays so through Max, Min, Clip, Relu and Sign.
 */

type Code = readonly number[]
const { v128, f32x4 } = wasm
export const number = (value: number): Code => v128.splat(float32(value))
const one = number(1)
const zero = number(0)

const unary =
  (op: Code) =>
  (x: Code): Code => [...x, ...op]
const binary =
  (op: Code) =>
  (a: Code, b: Code): Code => [...a, ...b, ...op]
const folded =
  (op: Code) =>
  (...values: readonly Code[]): Code =>
    values.reduce((a, b) => a.concat(b, op))
const ifElse = (mask: Code, a: Code, b: Code): Code => [...a, ...b, ...mask, ...v128.select]

/** By name; operands are what loads them, and may be used more than once. */
export const primitives = {
  add: folded(f32x4.add),
  sub: binary(f32x4.sub),
  mul: binary(f32x4.mul),
  div: binary(f32x4.div),
  neg: unary(f32x4.neg),
  abs: unary(f32x4.abs),
  sqrt: unary(f32x4.sqrt),
  floor: unary(f32x4.floor),
  ceil: unary(f32x4.ceil),
  round: unary(f32x4.nearest),
  reciprocal: (x: Code): Code => [...one, ...x, ...f32x4.div],
  sign: (x: Code): Code => {
    const above = [...x, ...zero, ...f32x4.gt, ...one, ...v128.and]
    const below = [...x, ...zero, ...f32x4.lt, ...one, ...v128.and]
    return ifElse([...x, ...x, ...f32x4.eq], [...above, ...below, ...f32x4.sub], x)
  },
  max: folded(f32x4.max),
  min: folded(f32x4.min),
  mean: (...values: readonly Code[]): Code => [...folded(f32x4.add)(...values), ...number(values.length), ...f32x4.div],
  /** Not below a bound that is a number: one instruction, where `max` minds either operand's not being one. */
  atLeast: binary(f32x4.pmax),
  atMost: binary(f32x4.pmin),
  clip: (x: Code, low: Code, high: Code): Code => [...x, ...low, ...f32x4.pmax, ...high, ...f32x4.pmin],
  relu: (x: Code): Code => [...x, ...zero, ...f32x4.pmax],
  same: (x: Code): Code => x,
  square: (x: Code): Code => [...x, ...x, ...f32x4.mul],
  cube: (x: Code): Code => [...x, ...x, ...f32x4.mul, ...x, ...f32x4.mul],
  /** x^½: of −∞ it is ∞, of −0 it is 0, which a square root would not give. */
  root: (x: Code): Code =>
    ifElse([...x, ...number(-Infinity), ...f32x4.eq], number(Infinity), [...x, ...zero, ...f32x4.add, ...f32x4.sqrt]),
  greater: binary(f32x4.gt),
  greaterOrEqual: binary(f32x4.ge),
  less: binary(f32x4.lt),
  lessOrEqual: binary(f32x4.le),
  equal: binary(f32x4.eq),
  sameTruth: (a: Code, b: Code): Code => [...a, ...b, ...v128.xor, ...v128.not],
  and: binary(v128.and),
  or: binary(v128.or),
  xor: binary(v128.xor),
  not: unary(v128.not),
  where: ifElse,
  toFloat: (mask: Code): Code => [...mask, ...one, ...v128.and],
  toBool: (x: Code): Code => [...x, ...zero, ...f32x4.ne],
  isNaN: (x: Code): Code => [...x, ...x, ...f32x4.ne],
} as const
export type Primitive = keyof typeof primitives

/** A node as an application of a primitive. */
export interface Form {
  readonly primitive: Primitive
  readonly operands: readonly Value[]
}

const direct: Readonly<Record<string, Primitive>> = {
  Add: 'add',
  Sub: 'sub',
  Mul: 'mul',
  Div: 'div',
  Neg: 'neg',
  Abs: 'abs',
  Sqrt: 'sqrt',
  Floor: 'floor',
  Ceil: 'ceil',
  Round: 'round',
  Reciprocal: 'reciprocal',
  Sign: 'sign',
  Sum: 'add',
  Mean: 'mean',
  Relu: 'relu',
  Greater: 'greater',
  GreaterOrEqual: 'greaterOrEqual',
  Less: 'less',
  LessOrEqual: 'lessOrEqual',
  And: 'and',
  Or: 'or',
  Xor: 'xor',
  Not: 'not',
  Where: 'where',
  IsNaN: 'isNaN',
}
const powers: Readonly<Record<number, Primitive>> = {
  0.5: 'root',
  1: 'same',
  2: 'square',
  3: 'cube',
  [-1]: 'reciprocal',
}

/** The number that all elements of a constant are; undefined where they differ or are not known. */
export function uniform({ constant, dtype }: Value): number | undefined {
  if (constant === null || (dtype !== 'float32' && dtype !== 'bool') || constant.data.length === 0) return undefined
  const first = constant.data[0]
  for (const value of constant.data) if (!Object.is(value, first)) return undefined
  return Number(first)
}
const isNumber = (value: Value): boolean => !Number.isNaN(uniform(value) ?? Number.NaN)

/** What computes a node of ONNX, if a kernel can. */
export function formOf(node: Node): Form | undefined {
  if (node.domain !== '') return undefined
  const operands = node.inputs.filter(input => input !== null)
  const [a, b] = operands
  const as = (primitive: Primitive, list: readonly Value[] = operands): Form => ({ primitive, operands: list })
  switch (node.op) {
    case 'Max':
    case 'Min': {
      const bound = node.op === 'Max' ? 'atLeast' : 'atMost'
      if (operands.length === 2 && isNumber(b!)) return as(bound)
      if (operands.length === 2 && isNumber(a!)) return as(bound, [b!, a!])
      return as(node.op === 'Max' ? 'max' : 'min')
    }
    case 'Clip': {
      const [, low, high] = node.inputs
      return as(low && high ? 'clip' : low ? 'atLeast' : high ? 'atMost' : 'same')
    }
    case 'Pow': {
      const primitive = powers[uniform(b!) ?? Number.NaN]
      return primitive === undefined || a!.dtype !== 'float32' ? undefined : as(primitive, [a!])
    }
    case 'Equal':
      return as(a!.dtype === 'bool' ? 'sameTruth' : 'equal')
    case 'Cast': {
      const to = node.outputs[0]!.dtype
      if (a!.dtype === to) return as('same')
      return as(to === 'bool' ? 'toBool' : 'toFloat')
    }
  }
  const primitive = direct[node.op]
  return primitive === undefined ? undefined : as(primitive)
}

/** Nodes whose output is their first input, element by element, in another shape. */
export const renames: ReadonlySet<string> = new Set(['Identity', 'Reshape', 'Flatten', 'Squeeze', 'Unsqueeze'])

/** Reductions to one number, done in double precision while a kernel passes over its values. */
export const reductions = {
  ReduceSum: 'sum',
  ReduceMean: 'mean',
  ReduceSumSquare: 'sumOfSquares',
  ReduceL1: 'sumOfMagnitudes',
  ReduceL2: 'norm',
  ReduceMax: 'greatest',
  ReduceMin: 'least',
} as const
export type Reduction = (typeof reductions)[keyof typeof reductions]
export const reductionOf = (node: Node): Reduction | undefined =>
  node.domain === '' ? reductions[node.op as keyof typeof reductions] : undefined
