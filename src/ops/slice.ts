import { addDim, contentNumbers, type Dim, normalizeAxis, ShapeError, subDim, tensor, type Value } from '../ir/index.js'
import { defineOp, string, type Upgraded } from './define.js'
import { dimsVector, extentOf, extentsOf, reshapeTo, sliceAxis } from './dims.js'
import { concat } from './join.js'
import { neg, sub } from './math.js'
import { reduceSum } from './reduce.js'
import { normal, uniform, values } from './sample.js'
import { scatterND } from './scatter.js'
import { constantOfShape, intsInput, range, reshape, squeeze, transpose, unsqueeze } from './shape.js'

/** Slice and Pad, each the other's gradient where the step is 1. */

/** Where a slice begins and how many elements it takes: ONNX's clamping, which is numpy's but for negative steps from before the first. */
export function sliceExtent(extent: number, start: number, end: number, step: number): { from: number; count: number } {
  const clamp = (x: number, low: number, high: number) => Math.min(Math.max(x < 0 ? x + extent : x, low), high)
  const from = step > 0 ? clamp(start, 0, extent) : clamp(start, 0, extent - 1)
  const to = step > 0 ? clamp(end, 0, extent) : end < -extent ? -1 : clamp(end, -1, extent - 1)
  return { from, count: Math.max(0, Math.ceil((to - from) / step)) }
}

interface AxisSlice {
  axis: number
  start: number | undefined
  end: number | undefined
  step: number | undefined
}

/** What is known of a slice, one entry per sliced axis. */
function axisSlices(
  data: Value,
  starts: Value,
  ends: Value,
  axes: Value | null,
  steps: Value | null,
  where: string,
): AxisSlice[] {
  const rank = data.shape.length
  const number = (dim: Dim | undefined) => (typeof dim === 'number' ? dim : undefined)
  const from = starts.content ?? contentNumbers(starts)
  const to = ends.content ?? contentNumbers(ends)
  const count = starts.shape[0]
  const on = axes === null ? undefined : contentNumbers(axes)
  if (typeof count !== 'number' || (axes !== null && on === undefined))
    throw new ShapeError({
      code: 'dynamic-axes',
      where,
      expected: 'axes known when the graph is built',
      received: axes?.name ?? starts.shape,
    })
  const by = steps === null ? undefined : contentNumbers(steps)
  return Array.from({ length: count }, (_, i) => ({
    axis: normalizeAxis(on?.[i] ?? i, rank, where),
    start: number(from?.[i]),
    end: number(to?.[i]),
    step: steps === null ? 1 : by?.[i],
  }))
}

export const slice = defineOp('Slice', {
  inputs: ['data', 'starts', 'ends', 'axes?', 'steps?'],
  integers: ['starts', 'ends', 'axes', 'steps'],
  infer: ({ data, starts, ends, axes, steps }, _attrs, where) => {
    const dims = [...data.shape]
    let content = data.shape.length === 1 ? data.content : undefined
    axisSlices(data, starts, ends, axes, steps, where).forEach(({ axis, start, end, step }, i) => {
      const extent = dims[axis]!
      if (step === 0) throw new ShapeError({ code: 'slice-step', where, expected: 'steps other than 0', received: 0 })
      if (typeof extent === 'number' && start !== undefined && end !== undefined && step !== undefined) {
        const { from, count } = sliceExtent(extent, start, end, step)
        dims[axis] = count
        content =
          content === undefined ? undefined : Array.from({ length: count }, (_, k) => content![from + k * step]!)
      } else {
        content = undefined
        const endName = ends.content?.[i]
        if (start === 0 && step === 1 && (endName === extent || (end !== undefined && end >= 2 ** 31 - 1))) return
        if (start === 0 && step === 1 && typeof endName === 'string') dims[axis] = endName
        else if (step === 1 && start !== undefined && start >= 0 && end !== undefined && end >= 2 ** 31 - 1)
          dims[axis] = subDim(extent, start)
        else if (step === 1 && start !== undefined && start >= 0 && end !== undefined && end < 0)
          dims[axis] = subDim(extent, start - end)
        else if (step === -1 && start === -1) return
        else
          dims[axis] =
            `slice(${extent},${start ?? `${starts.name}[${i}]`},${end ?? endName ?? `${ends.name}[${i}]`},${step ?? 's'})`
      }
    })
    return { dtype: data.dtype, shape: dims, content }
  },
  vjp: {
    data: (g, { in: { data, starts, ends, axes, steps } }): Value => {
      let out = g
      axisSlices(data, starts, ends, axes, steps, 'Slice').forEach(({ axis, start, end, step }, i) => {
        const extent = data.shape[axis]!
        if (typeof extent === 'number' && start !== undefined && end !== undefined && step !== undefined) {
          const { from, count } = sliceExtent(extent, start, end, step)
          out = insert(out, axis, extent, from, count, step)
        } else if (step === 1 && start !== undefined && start >= 0) out = padBehind(out, data, axis, start)
        else
          out = scatterAxis(
            out,
            data,
            axis,
            [starts, ends, steps].map(v => (v === null ? null : sliceAxis(v, 0, i, i + 1))),
          )
      })
      return out
    },
    starts: null,
    ends: null,
    axes: null,
    steps: null,
  },
  upgrade: (node): Upgraded =>
    node.attrs.starts === undefined
      ? undefined
      : [slice(node.inputs[0]!, intsInput(node, 'starts')!, intsInput(node, 'ends')!, intsInput(node, 'axes'))],
  samples: [
    {
      inputs: {
        data: normal([4, 5]),
        starts: values([1, 0]),
        ends: values([3, 5]),
        axes: values([0, 1]),
        steps: values([1, 2]),
      },
    },
    {
      inputs: { data: normal([7]), starts: values([-1]), ends: values([-100]), axes: values([0]), steps: values([-3]) },
    },
    { inputs: { data: normal([4, 5]), starts: values([1]), ends: values([2147483647]), axes: values([-1]) } },
    { inputs: { data: normal([6, 2]), starts: values([0, 0]), ends: values([-1, 1]) } },
  ],
})

/** Puts `g` back at every `step`-th place from `from` along `axis`, among `extent` places, zeros elsewhere. */
function insert(g: Value, axis: number, extent: number, from: number, count: number, step: number): Value {
  let out = g
  if (step < 0) {
    out = slice(out, [-1], [-(2 ** 31)], [axis], [-1])
    from += (count - 1) * step
    step = -step
  }
  if (count === 0) return padAxis(out, axis, extent, 0)
  if (step > 1) {
    const apart = padAxis(unsqueeze(out, [axis + 1]), axis + 1, 0, step - 1)
    const merged = out.shape.map((dim, i) => (i === axis ? count * step : dim))
    out = reshapeTo(apart, merged, () =>
      dimsVector(
        g.graph,
        g.shape.map((dim, i) => (i === axis ? count * step : typeof dim === 'number' ? dim : extentOf(g, i))),
      ),
    )
  }
  const after = extent - from - count * step
  return from === 0 && after === 0 ? out : padAxis(out, axis, from, after)
}

/** The same for neighbouring elements of an extent known only at run time: whatever is missing follows as zeros. */
function padBehind(g: Value, data: Value, axis: number, start: number): Value {
  const rank = data.shape.length
  const missing = sub(sub(extentOf(data, axis), extentOf(g, axis)), start)
  const pads = Array.from({ length: 2 * rank }, (_, i) => (i === axis ? start : i === rank + axis ? missing : 0))
  const padded = pad(g, dimsVector(g.graph, pads))
  // The runtime knows the extents; their names are told by the shape.
  return reshape(padded, shapeWith(g, axis, data))
}
const shapeWith = (x: Value, axis: number, data: Value): Value =>
  dimsVector(
    x.graph,
    x.shape.map((dim, i) => (i === axis ? extentOf(data, axis) : typeof dim === 'number' ? dim : extentOf(x, i))),
  )

/** The same for any extents known only at run time: the indices the slice took are sliced from a range. */
function scatterAxis(g: Value, data: Value, axis: number, [starts, ends, steps]: (Value | null)[]): Value {
  const rank = data.shape.length
  const swap = data.shape.map((_, i) => (i === 0 ? axis : i === axis ? 0 : i))
  const all = range(0, squeeze(extentOf(data, axis), [0]), 1)
  const taken = slice(all, starts!, ends!, [0], steps ?? null)
  const others = extentsOf(g, swap.slice(1))
  const zeros = zerosOf(g, concat([extentOf(data, axis), others], { axis: 0 }))
  const put = scatterND(zeros, unsqueeze(taken, [1]), rank > 1 ? transpose(g, { perm: swap }) : g, { reduction: 'add' })
  return rank > 1 ? transpose(put, { perm: swap }) : put
}
const zerosOf = (like: Value, dims: Value): Value => constantOfShape(dims, { value: tensor([0], [1], like.dtype) })

/** `x` with zeros before and after it along one axis (negative: cut). */
export const padAxis = (x: Value, axis: number, before: number, after: number): Value => {
  const rank = x.shape.length
  const pads = new Array<number>(2 * rank).fill(0)
  pads[axis] = before
  pads[rank + axis] = after
  return pad(x, pads)
}

/** Adds (or, where negative, cuts) elements before and after each axis. */
export const pad = defineOp('Pad', {
  inputs: ['data', 'pads', 'constant_value?', 'axes?'],
  integers: ['pads', 'axes'],
  attrs: { mode: string('constant', ['constant', 'reflect', 'edge', 'wrap']) },
  infer: ({ data, pads, axes }, _attrs, where) => {
    const rank = data.shape.length
    const amounts = pads.content ?? contentNumbers(pads)
    const on =
      axes === null ? data.shape.map((_, i) => i) : contentNumbers(axes)?.map(axis => normalizeAxis(axis, rank, where))
    if (on === undefined)
      throw new ShapeError({
        code: 'dynamic-axes',
        where,
        expected: 'axes known when the graph is built',
        received: axes?.name,
      })
    if (amounts !== undefined && amounts.length !== 2 * on.length)
      throw new ShapeError({
        code: 'pad-length',
        where,
        expected: `${2 * on.length} pads: all begins, then all ends`,
        received: amounts,
      })
    const dims = [...data.shape]
    on.forEach((axis, i) => {
      const before = amounts?.[i] ?? `${pads.name}[${i}]`
      const after = amounts?.[on.length + i] ?? `${pads.name}[${on.length + i}]`
      dims[axis] = addDim(addDim(dims[axis]!, before), after)
    })
    return { dtype: data.dtype, shape: dims }
  },
  vjp: {
    data: (g, { in: { data, pads, axes }, attrs: { mode } }): Value => {
      if (mode !== 'constant') return padBack(g, data, pads, axes, mode)
      const back = contentNumbers(pads)
      const negated = back !== undefined ? back.map(amount => -amount) : neg(pads)
      return axes === null ? pad(g, negated) : pad(g, negated, null, axes)
    },
    pads: null,
    constant_value: (g, { in: { pads, axes } }): Value => {
      const back = contentNumbers(pads)
      const negated = back !== undefined ? back.map(amount => -amount) : neg(pads)
      const inner = axes === null ? pad(g, negated) : pad(g, negated, null, axes)
      return sub(reduceSum(g, { keepdims: 0 }), reduceSum(inner, { keepdims: 0 }))
    },
    axes: null,
  },
  upgrade: (node): Upgraded =>
    node.attrs.pads === undefined
      ? undefined
      : [
          pad(
            node.inputs[0]!,
            intsInput(node, 'pads')!,
            node.graph.constant(tensor([(node.attrs.value as number) ?? 0], [], node.inputs[0]!.dtype)),
            {
              mode: (node.attrs.mode as 'constant' | undefined) ?? 'constant',
            },
          ),
        ],
  samples: [
    { inputs: { data: normal([2, 3]), pads: values([1, 0, 0, 2]) } },
    { inputs: { data: normal([4, 3]), pads: values([-1, 0, 1, 2]), constant_value: uniform([], 1, 2) } },
    { inputs: { data: normal([2, 3]), pads: values([1, 1]), axes: values([-1]) } },
    { inputs: { data: normal([4, 5]), pads: values([2, 1, 3, 4]) }, attrs: { mode: 'reflect' } },
    { inputs: { data: normal([2, 3]), pads: values([2, 1, 0, 2]) }, attrs: { mode: 'edge' } },
    { inputs: { data: normal([3, 4]), pads: values([2, 1, 1, 3]) }, attrs: { mode: 'wrap' } },
  ],
})

/** Padding by copying is a gather along each axis; its gradient scatters back. Indices come from padding a range. */
function padBack(
  g: Value,
  data: Value,
  pads: Value,
  axes: Value | null,
  mode: 'constant' | 'reflect' | 'edge' | 'wrap',
): Value {
  const rank = data.shape.length
  const amounts = contentNumbers(pads)
  const on = axes === null ? data.shape.map((_, i) => i) : contentNumbers(axes)!.map(axis => normalizeAxis(axis, rank))
  let out = g
  on.forEach((axis, i) => {
    const ends = [i, on.length + i]
    if (amounts !== undefined && ends.every(end => amounts[end] === 0)) return
    const around = concat(
      ends.map(end => sliceAxis(pads, 0, end, end + 1)),
      { axis: 0 },
    )
    const source = pad(range(0, squeeze(extentOf(data, axis), [0]), 1), around, null, { mode })
    const swap = data.shape.map((_, k) => (k === 0 ? axis : k === axis ? 0 : k))
    const moved = rank > 1 ? transpose(out, { perm: swap }) : out
    const zeros = zerosOf(
      g,
      concat([extentOf(data, axis), extentsOf(moved, moved.shape.map((_, k) => k).slice(1))], { axis: 0 }),
    )
    const put = scatterND(zeros, unsqueeze(source, [1]), moved, { reduction: 'add' })
    out = rank > 1 ? transpose(put, { perm: swap }) : put
  })
  return out
}
