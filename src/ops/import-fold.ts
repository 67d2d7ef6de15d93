import { type NodeDescription, nodeLabel } from '../ir/decode-model.js'
import {
  CONTENT_LIMIT,
  contentNumbers,
  type DType,
  dtypeFromOnnx,
  fromNumbers,
  GraphError,
  isFloat,
  isInteger,
  normalizeAxis,
  numbersOf,
  sizeOf,
  type Tensor,
  tensor,
  type Value,
} from '../ir/index.js'
import { sliceExtent } from './slice.js'

/**
 * Exporters compute scales and sizes of Resize and the like in the graph, in floats: `Cast(Floor(Mul(Cast(Shape(x)), 2)))`.
 * Inference tracks integers alone, and needs the result. So the few operators that such chains are made of are computed
 * here, where their inputs are small and known.
 *
 * @returns the constant that takes the node's place; undefined where it is none of these operators
 */
export function foldSmall(node: NodeDescription, inputs: readonly (Value | null)[]): Tensor | undefined {
  if (node.domain !== '' || inputs.length === 0 || !(node.op in rules)) return undefined
  const known: Tensor[] = []
  for (const input of inputs) {
    const numbers = input === null || Number(input.shape[0] ?? 1) > CONTENT_LIMIT ? undefined : contentNumbers(input)
    if (numbers === undefined || input!.shape.length > 1 || numbers.length > CONTENT_LIMIT) return undefined
    if (input!.dtype === 'string' || !numbers.every(x => Math.abs(x) <= Number.MAX_SAFE_INTEGER)) return undefined
    known.push({
      dtype: input!.dtype,
      shape: [...(input!.shape as number[])],
      data: fromNumbers(input!.dtype, numbers),
    })
  }
  const [first] = known
  // Integers are tracked by inference itself.
  if (!known.some(t => isFloat(t.dtype)) && node.op !== 'Cast') return undefined
  return rules[node.op]!(known, node, first!.dtype)
}

type Fold = (inputs: readonly Tensor[], node: NodeDescription, dtype: DType) => Tensor | undefined

const make = (dtype: DType, shape: readonly number[], numbers: readonly number[]): Tensor => ({
  dtype,
  shape,
  data: fromNumbers(dtype, numbers),
})
const each =
  (f: (x: number) => number): Fold =>
  ([x], _node, dtype) =>
    make(dtype, x!.shape, numbersOf(x!).map(f))
const pair =
  (f: (a: number, b: number) => number): Fold =>
  ([a, b], _node, dtype) => {
    if (a === undefined || b === undefined || a.dtype !== b.dtype) return undefined
    const [x, y] = [numbersOf(a), numbersOf(b)]
    if (x.length !== y.length && x.length !== 1 && y.length !== 1) return undefined
    const shape =
      a.shape.length > b.shape.length || (a.shape.length === b.shape.length && x.length > 1) ? a.shape : b.shape
    const at = (list: number[], i: number) => list[list.length === 1 ? 0 : i]!
    return make(
      dtype,
      shape,
      Array.from({ length: sizeOf(shape) }, (_, i) => f(at(x, i), at(y, i))),
    )
  }

const rules: Readonly<Record<string, Fold>> = {
  Floor: each(Math.floor),
  Ceil: each(Math.ceil),
  Sqrt: each(Math.sqrt),
  Neg: each(x => -x),
  Add: pair((a, b) => a + b),
  Sub: pair((a, b) => a - b),
  Mul: pair((a, b) => a * b),
  Div: pair((a, b) => a / b),
  Cast: ([x], node) => {
    const to = dtypeFromOnnx(Number(node.attrs.to))
    if (to === undefined || !(to === 'float32' || to === 'float64' || isInteger(to))) return undefined
    const numbers = numbersOf(x!).map(value => (isInteger(to) ? Math.trunc(value) : value))
    return numbers.every(Number.isFinite) ? make(to, x!.shape, numbers) : undefined
  },
  Concat: (inputs, _node, dtype) =>
    inputs.every(t => t.shape.length === 1 && t.dtype === dtype)
      ? make(dtype, [inputs.reduce((n, t) => n + t.data.length, 0)], inputs.flatMap(numbersOf))
      : undefined,
  Unsqueeze: ([x], _node, dtype) => (x!.shape.length === 0 ? make(dtype, [1], numbersOf(x!)) : undefined),
  Squeeze: ([x], _node, dtype) => (x!.data.length === 1 ? make(dtype, [], numbersOf(x!)) : undefined),
  Gather: ([x, indices], node, dtype) => {
    if (indices === undefined || x!.shape.length !== 1 || Number(node.attrs.axis ?? 0) > 0) return undefined
    const from = numbersOf(x!)
    const picked = numbersOf(indices).map(i => from[normalizeAxis(i, from.length, node.name)]!)
    return make(dtype, indices.shape, picked)
  },
  Slice: ([x, starts, ends, _axes, steps], node, dtype) => {
    const one = (t: Tensor | undefined, name: string) => (t === undefined ? node.attrs[name] : numbersOf(t))
    const [start, end, step] = [one(starts, 'starts'), one(ends, 'ends'), steps === undefined ? [1] : numbersOf(steps)]
    const numbers = [start, end, step].map(list =>
      Array.isArray(list) && list.length === 1 ? Number(list[0]) : Number.NaN,
    )
    if (numbers.some(Number.isNaN) || numbers[2] === 0 || x!.shape.length !== 1) return undefined
    const data = numbersOf(x!)
    const { from, count } = sliceExtent(data.length, numbers[0]!, numbers[1]!, numbers[2]!)
    return make(
      dtype,
      [count],
      Array.from({ length: count }, (_, i) => data[from + i * numbers[2]!]!),
    )
  },
}

/** The tensor a Constant node holds, in whichever of its attributes. */
export function constantOf(node: NodeDescription): Tensor {
  const [name, value] = Object.entries(node.attrs)[0] ?? ['', undefined]
  const list = Array.isArray(value)
  if (name === 'value' && typeof value === 'object' && 'dtype' in value) return value
  if (name === 'value_float' && typeof value === 'number') return tensor(value)
  if (name === 'value_floats' && list) return tensor(Float32Array.from(value))
  if (name === 'value_int' && typeof value === 'number') return tensor(BigInt64Array.of(BigInt(value)), [])
  if (name === 'value_ints' && list) return tensor(BigInt64Array.from(value, BigInt))
  if (name === 'value_string' && typeof value === 'string') return { dtype: 'string', shape: [], data: [value] }
  if (name === 'value_strings' && list)
    return { dtype: 'string', shape: [value.length], data: (value as readonly string[]).slice() }
  throw new GraphError({
    code: 'bad-constant',
    where: nodeLabel(node),
    expected: 'one of value, value_float(s), value_int(s), value_string(s)',
    received: Object.keys(node.attrs),
  })
}
