import {
  broadcastShapes,
  contentNumbers,
  type Dim,
  divDim,
  isStatic,
  mulDim,
  normalizeAxis,
  productDim,
  type Shape,
  ShapeError,
  sizeOf,
  tensor,
  type Value,
} from '../ir/index.js'
import { defineOp, flag, int, ints, type OldNode, tensorAttr, type Upgraded } from './define.js'
import { dimsVector, extentsOf, reshapeLike } from './dims.js'
import { gather } from './gather.js'
import { typeOf } from './infer.js'
import { reduceSum } from './reduce.js'
import { normal, values } from './sample.js'

/** Operators that change or report a tensor's shape and leave its elements alone. */

/** Where an older opset gave `axes` (or the like) as an attribute, the same as a constant input. */
export const intsInput = (node: OldNode, name: string): Value | null => {
  const given = node.attrs[name] as readonly number[] | undefined
  return given === undefined ? null : node.graph.constant(tensor(BigInt64Array.from(given, BigInt), [given.length]))
}

export const identity = defineOp('Identity', {
  inputs: ['X'],
  infer: ({ X }) => ({ ...typeOf(X), content: X.content }),
  vjp: { X: g => g },
  samples: [{ inputs: { X: normal([2, 3]) } }],
})

export const shape = defineOp('Shape', {
  inputs: ['X'],
  attrs: { start: int(0), end: int.optional() },
  infer: ({ X }, { start, end }) => {
    const dims = X.shape.slice(start, end)
    return { dtype: 'int64', shape: [dims.length], content: dims }
  },
  vjp: { X: null },
  samples: [{ inputs: { X: normal([2, 3]) }, forwardOnly: 'the output is an integer' }],
})

export const size = defineOp('Size', {
  inputs: ['X'],
  infer: ({ X }) => ({ dtype: 'int64', shape: [], content: [productDim(X.shape)] }),
  vjp: { X: null },
  samples: [{ inputs: { X: normal([2, 3]) }, forwardOnly: 'the output is an integer' }],
})

/** The shape a Reshape gives: 0 copies an extent (unless allowzero), −1 takes what is left. */
function reshaped(X: Value, target: Value, allowzero: number, where: string): Shape {
  const content = target.content ?? contentNumbers(target)
  const rank = target.shape[0] ?? 1
  if (content === undefined) {
    if (typeof rank !== 'number')
      throw new ShapeError({
        code: 'unknown-rank',
        where,
        expected: 'a shape input of known length',
        received: target.shape,
      })
    return Array.from({ length: rank }, (_, i): Dim => `${target.name}[${i}]`)
  }
  const fail = (expected: string): never => {
    throw new ShapeError({ code: 'reshape-target', where, expected, received: `[${content}] for [${X.shape}]` })
  }
  if (content.filter(dim => dim === -1).length > 1) fail('at most one −1')
  if (content.some(dim => typeof dim === 'number' && dim < -1)) fail('extents of 0 or more, or −1')
  const dims: Dim[] = content.map((dim, i) =>
    dim === 0 && allowzero === 0 ? (X.shape[i] ?? fail('0 only where the input has an axis to copy')) : dim,
  )
  const hole = dims.indexOf(-1)
  if (hole >= 0) {
    // Cancel equal names first, so that [batch, 3, 4] → [batch, −1] is 12 and not (…)/batch.
    const rest = dims.filter((_, i) => i !== hole)
    const have = [...X.shape]
    for (let i = rest.length - 1; i >= 0; i--) {
      const at = typeof rest[i] === 'string' ? have.indexOf(rest[i]!) : -1
      if (at >= 0) {
        have.splice(at, 1)
        rest.splice(i, 1)
      }
    }
    // Numbers cancel numbers, so that [batch, 8, 6] → [−1, 6] is (batch*8).
    const names = have.filter(dim => typeof dim === 'string')
    const count = sizeOf(have.filter(dim => typeof dim === 'number'))
    const wanted = rest.every(dim => typeof dim === 'number') ? sizeOf(rest) : undefined
    dims[hole] =
      wanted !== undefined && wanted > 0 && count % wanted === 0
        ? mulDim(productDim(names), count / wanted)
        : divDim(productDim(have), productDim(rest))
  }
  if (isStatic(dims) && isStatic(X.shape) && sizeOf(dims) !== sizeOf(X.shape))
    throw new ShapeError({
      code: 'reshape-size',
      where,
      expected: `${sizeOf(X.shape)} elements, as in [${X.shape}]`,
      received: `[${content}]`,
    })
  return dims
}

export const reshape = defineOp('Reshape', {
  inputs: ['data', 'shape'],
  integers: ['shape'],
  attrs: { allowzero: flag(0) },
  infer: ({ data, shape: target }, { allowzero }, where) => ({
    dtype: data.dtype,
    shape: reshaped(data, target, allowzero, where),
    content: typeof target.shape[0] === 'number' && target.shape[0] <= 1 ? data.content : undefined,
  }),
  vjp: { data: (g, { in: { data } }): Value => reshapeLike(g, data), shape: null },
  samples: [
    { inputs: { data: normal([2, 6]), shape: values([3, 4]) } },
    { inputs: { data: normal([2, 6]), shape: values([0, -1, 2]) } },
  ],
})

export const flatten = defineOp('Flatten', {
  inputs: ['X'],
  attrs: { axis: int(1) },
  infer: ({ X }, { axis }, where) => {
    const rank = X.shape.length
    const at = axis === rank ? rank : normalizeAxis(axis, rank, where)
    return { dtype: X.dtype, shape: [productDim(X.shape.slice(0, at)), productDim(X.shape.slice(at))] }
  },
  vjp: { X: (g, { in: { X } }): Value => reshapeLike(g, X) },
  samples: [
    { inputs: { X: normal([2, 3, 2]) } },
    { inputs: { X: normal([2, 3, 2]) }, attrs: { axis: -1 } },
    { inputs: { X: normal([3, 2]) }, attrs: { axis: 0 } },
  ],
})

const axesOf = (axes: Value | null, where: string): number[] | undefined => {
  if (axes === null) return undefined
  const numbers = contentNumbers(axes)
  if (numbers === undefined)
    throw new ShapeError({
      code: 'dynamic-axes',
      where,
      expected: 'axes known when the graph is built',
      received: axes.name,
    })
  return numbers
}

export const squeeze = defineOp('Squeeze', {
  inputs: ['data', 'axes?'],
  integers: ['axes'],
  infer: ({ data, axes }, _attrs, where) => {
    const rank = data.shape.length
    const drop =
      axesOf(axes, where)?.map(axis => normalizeAxis(axis, rank, where)) ??
      data.shape.flatMap((dim, i) => (dim === 1 ? [i] : []))
    for (const axis of drop)
      if (typeof data.shape[axis] === 'number' && data.shape[axis] !== 1)
        throw new ShapeError({ code: 'squeeze', where, expected: `extent 1 on axis ${axis}`, received: data.shape })
    return { dtype: data.dtype, shape: data.shape.filter((_, i) => !drop.includes(i)), content: data.content }
  },
  vjp: { data: (g, { in: { data } }): Value => reshapeLike(g, data), axes: null },
  upgrade: (node): Upgraded =>
    node.attrs.axes === undefined ? undefined : [squeeze(node.inputs[0]!, intsInput(node, 'axes')!)],
  samples: [{ inputs: { data: normal([2, 1, 3, 1]), axes: values([1, -1]) } }, { inputs: { data: normal([1, 3]) } }],
})

export const unsqueeze = defineOp('Unsqueeze', {
  inputs: ['data', 'axes'],
  integers: ['axes'],
  infer: ({ data, axes }, _attrs, where) => {
    const at = axesOf(axes, where)!
    const rank = data.shape.length + at.length
    const places = at.map(axis => normalizeAxis(axis, rank, where))
    if (new Set(places).size < places.length)
      throw new ShapeError({ code: 'unsqueeze', where, expected: 'different axes', received: at })
    const rest = [...data.shape]
    const dims = Array.from({ length: rank }, (_, i): Dim => (places.includes(i) ? 1 : rest.shift()!))
    return { dtype: data.dtype, shape: dims, content: rank <= 1 ? data.content : undefined }
  },
  vjp: { data: (g, { in: { data } }): Value => reshapeLike(g, data), axes: null },
  upgrade: (node): Upgraded =>
    node.attrs.axes === undefined ? undefined : [unsqueeze(node.inputs[0]!, intsInput(node, 'axes')!)],
  samples: [{ inputs: { data: normal([2, 3]), axes: values([0, -1]) } }],
})

export const transpose = defineOp('Transpose', {
  inputs: ['data'],
  attrs: { perm: ints.optional() },
  infer: ({ data }, { perm }, where) => {
    const rank = data.shape.length
    const order = perm ?? data.shape.map((_, i) => rank - 1 - i)
    if ([...order].sort((a, b) => a - b).some((axis, i) => axis !== i) || order.length !== rank)
      throw new ShapeError({
        code: 'transpose-perm',
        where,
        expected: `a permutation of ${rank} axes`,
        received: order,
      })
    return {
      dtype: data.dtype,
      shape: order.map(axis => data.shape[axis]!),
      content: rank === 1 ? data.content : undefined,
    }
  },
  vjp: {
    data: (g, { attrs: { perm } }): Value => {
      if (perm === undefined) return transpose(g)
      const inverse = perm.map((_, i) => perm.indexOf(i))
      return transpose(g, { perm: inverse })
    },
  },
  samples: [
    { inputs: { data: normal([2, 3, 4]) } },
    { inputs: { data: normal([2, 3, 4]) }, attrs: { perm: [1, 2, 0] } },
  ],
})

/** Broadcasts to a shape; the sweep sums the gradient back. */
export const expand = defineOp('Expand', {
  inputs: ['input', 'shape'],
  integers: ['shape'],
  broadcast: true,
  infer: ({ input, shape: target }, _attrs, where) => {
    const content = target.content ?? contentNumbers(target)
    const rank = target.shape[0]
    if (content === undefined && typeof rank !== 'number')
      throw new ShapeError({
        code: 'unknown-rank',
        where,
        expected: 'a shape input of known length',
        received: target.shape,
      })
    const dims = content ?? Array.from({ length: rank as number }, (_, i): Dim => `${target.name}[${i}]`)
    return { dtype: input.dtype, shape: broadcastShapes([input.shape, dims], where) }
  },
  vjp: { input: g => g, shape: null },
  samples: [
    { inputs: { input: normal([3, 1]), shape: values([2, 1, 4]) } },
    { inputs: { input: normal([2, 3]), shape: values([1, 3]) } },
  ],
})

export const tile = defineOp('Tile', {
  inputs: ['input', 'repeats'],
  integers: ['repeats'],
  infer: ({ input, repeats }, _attrs, where) => {
    const count = repeats.shape[0]
    if (typeof count === 'number' && count !== input.shape.length)
      throw new ShapeError({ code: 'tile-repeats', where, expected: `${input.shape.length} repeats`, received: count })
    const content = repeats.content ?? contentNumbers(repeats)
    return {
      dtype: input.dtype,
      shape: input.shape.map((dim, i) => mulDim(dim, content?.[i] ?? `${repeats.name}[${i}]`)),
    }
  },
  vjp: {
    // [r0·d0, r1·d1] → [r0, d0, r1, d1], summed over the repeats.
    input: (g, { in: { input, repeats } }): Value => {
      const rank = input.shape.length
      if (rank === 0) return g
      const counts = contentNumbers(repeats)
      const dims = input.shape.flatMap((_, i) => [
        counts?.[i] ?? extentsOfVector(repeats, i),
        extentsOrNumber(input, i),
      ])
      return reduceSum(
        reshape(g, dimsVector(g.graph, dims), { allowzero: 1 }),
        input.shape.map((_, i) => 2 * i),
        { keepdims: 0 },
      )
    },
    repeats: null,
  },
  samples: [
    { inputs: { input: normal([2, 3]), repeats: values([2, 1]) } },
    { inputs: { input: normal([3]), repeats: values([3]) } },
  ],
})
const extentsOrNumber = (x: Value, axis: number): number | Value => {
  const dim = x.shape[axis]!
  return typeof dim === 'number' ? dim : extentsOf(x, [axis])
}
const extentsOfVector = (vector: Value, i: number): Value => gather(vector, [i])

/** A tensor of the given shape, filled with `value` (one element; float32 0 when left out). */
export const constantOfShape = defineOp('ConstantOfShape', {
  inputs: ['input'],
  integers: ['input'],
  attrs: { value: tensorAttr.optional() },
  infer: ({ input }, { value }, where) => {
    const content = input.content ?? contentNumbers(input)
    const rank = input.shape[0]
    if (content === undefined && typeof rank !== 'number')
      throw new ShapeError({
        code: 'unknown-rank',
        where,
        expected: 'a shape input of known length',
        received: input.shape,
      })
    const dims = content ?? Array.from({ length: rank as number }, (_, i): Dim => `${input.name}[${i}]`)
    const fill = value === undefined ? 0 : Number(value.data[0])
    const dtype = value?.dtype ?? 'float32'
    const small = isStatic(dims) && dims.length === 1 && dims[0]! <= 64 && dtype === 'int64'
    return { dtype, shape: dims, content: small ? new Array<Dim>(dims[0] as number).fill(fill) : undefined }
  },
  vjp: { input: null },
  samples: [{ inputs: { input: values([2, 3]) }, forwardOnly: 'no float input' }],
})

/** start, start+delta, … below limit. */
export const range = defineOp('Range', {
  inputs: ['start', 'limit', 'delta'],
  integers: ['start', 'limit', 'delta'],
  infer: ({ start, limit, delta }) => {
    const [from, to, step] = [start, limit, delta].map(v => contentNumbers(v)?.[0])
    if (from === undefined || to === undefined || step === undefined || step === 0) {
      const unit = from === 0 && step === 1 ? limit.content?.[0] : undefined
      return { dtype: start.dtype, shape: [unit ?? `range(${start.name},${limit.name},${delta.name})`] }
    }
    const count = Math.max(0, Math.ceil((to - from) / step))
    const content =
      start.dtype === 'int64' && count <= 64 ? Array.from({ length: count }, (_, i) => from + i * step) : undefined
    return { dtype: start.dtype, shape: [count], content }
  },
  vjp: { start: null, limit: null, delta: null },
  samples: [
    {
      inputs: { start: values([1], []), limit: values([7], []), delta: values([2], []) },
      forwardOnly: 'no float input',
    },
  ],
})
