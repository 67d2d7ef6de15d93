import { isFloat, ShapeError, type TensorType, tensor, type Value } from '../ir/index.js'
import { inputGradient } from './conv-gradient.js'
import { fitSpatial, product } from './conv-views.js'
import { defineOp, flag, int, ints, string } from './define.js'
import { reshapeLike, zerosLike } from './dims.js'
import { expectDtype } from './infer.js'
import { div, mul } from './math.js'
import { firstOfTiles } from './pool-ties.js'
import { resize } from './resize.js'
import { distinct, normal, type Sample } from './sample.js'
import { scatterElements } from './scatter.js'
import { reshape } from './shape.js'
import { resolveWindow, slideShape, spatialOf, staticSpatial, type Window, type WindowAttrs } from './window.js'

/** Pooling over spatial windows. */

export const windowAttributes = {
  auto_pad: string('NOTSET', ['NOTSET', 'SAME_UPPER', 'SAME_LOWER', 'VALID']),
  ceil_mode: flag(0),
  dilations: ints.optional(),
  kernel_shape: ints.required(),
  pads: ints.optional(),
  strides: ints.optional(),
}
export const inferPool = (X: Value, a: WindowAttrs & { ceil_mode: number }, where: string): TensorType => {
  expectDtype(X, isFloat(X.dtype) ? 'float' : 'integer', where)
  return { dtype: X.dtype, shape: [X.shape[0]!, X.shape[1]!, ...slideShape(X, a.kernel_shape!, a, where)] }
}

/** Windows that tile the input from its first element on. */
const tiles = (w: Window): boolean =>
  w.kernel.every((k, i) => w.strides[i] === k && w.dilations[i] === 1 && w.before[i] === 0 && w.after[i] === 0)

/** Each element repeated over its window. */
export const repeat = (x: Value, kernel: readonly number[]): Value =>
  resize(x, null, tensor(Float32Array.from([1, 1, ...kernel]), [kernel.length + 2]), null, {
    mode: 'nearest',
    coordinate_transformation_mode: 'asymmetric',
    nearest_mode: 'floor',
  })

export const poolSamples: NonNullable<Sample['attrs']>[] = [
  { kernel_shape: [2, 2], strides: [2, 2] },
  { kernel_shape: [3, 2], strides: [2, 1], pads: [1, 0, 1, 1] },
  { kernel_shape: [3, 3], strides: [2, 2], ceil_mode: 1 },
  { kernel_shape: [2, 3], auto_pad: 'SAME_UPPER', strides: [2, 2] },
]

/**
 * The largest of each window; its gradient goes to the first of equals, as in PyTorch. Where windows tile the input that
 * element is found by comparison, elsewhere ONNX Runtime names it: asking for indices makes pooling several times dearer.
 */
export const maxPool = defineOp('MaxPool', {
  inputs: ['X'],
  outputs: ['Y', 'Indices?'],
  attrs: { ...windowAttributes, storage_order: int(0) },
  infer: ({ X }, a, where): TensorType[] => {
    const type = inferPool(X, a, where)
    return [type, { dtype: 'int64', shape: type.shape }]
  },
  vjp: {
    X: (g, { in: { X }, out, attrs: a, node }): Value => {
      const Y = out[0]!
      const w = spatialOf(X) === undefined ? undefined : resolveWindow(X, a.kernel_shape, a, node.name)
      const first = w !== undefined && tiles(w) && a.ceil_mode === 0 ? firstOfTiles(X, Y, w.kernel) : undefined
      if (first !== undefined) return fitSpatial(mul(first, repeat(g, a.kernel_shape)), X)
      const { storage_order, ...others } = a
      // Indices of the other storage order count along other axes: ask again.
      const indices = storage_order === 0 ? out[1]! : maxPool.all(X, { ...others }).Indices
      const zeros = reshape(zerosLike(X), [-1])
      const flat = scatterElements(zeros, reshape(indices, [-1]), reshape(g, [-1]), { reduction: 'add' })
      return reshapeLike(flat, X)
    },
  },
  samples: [
    ...poolSamples.map(attrs => ({ inputs: { X: distinct([2, 2, 5, 6]) }, attrs })),
    { inputs: { X: distinct([1, 2, 7]) }, attrs: { kernel_shape: [3], dilations: [2] } },
    { inputs: { X: distinct([2, 2, 9]) }, attrs: { kernel_shape: [4], strides: [4] } },
    { inputs: { X: distinct([1, 1, 4, 4, 2]) }, attrs: { kernel_shape: [2, 2, 2], strides: [2, 2, 2] } },
    { inputs: { X: distinct([1, 2, 4, 5]) }, attrs: { kernel_shape: [3, 3], storage_order: 1 } },
  ],
})

/** One number a window given to every element of the window, summed where windows overlap. */
export function spread(g: Value, X: Value, w: Window, where: string): Value {
  const channels = X.shape[1]!
  if (typeof channels !== 'number')
    throw new ShapeError({ code: 'dynamic-channels', where, expected: 'a known number of channels', received: X.shape })
  const ones = new Float64Array(channels * product(w.kernel)).fill(1)
  const kernel = g.graph.constant(tensor(ones, [channels, 1, ...w.kernel], g.dtype))
  return inputGradient(g, X, kernel, w, channels)
}

/** The number of elements each window averages over, by output position; constant. */
function windowCounts(X: Value, out: readonly number[], w: Window, includePad: boolean, where: string): Float64Array {
  const spatial = staticSpatial(X, where)
  const perAxis = out.map((n, i) =>
    Array.from({ length: n }, (_, o) => {
      let count = 0
      for (let k = 0; k < w.kernel[i]!; k++) {
        const at = o * w.strides[i]! + k * w.dilations[i]! - w.before[i]!
        const low = includePad ? -w.before[i]! : 0
        const high = spatial[i]! + (includePad ? w.after[i]! : 0)
        if (at >= low && at < high) count++
      }
      return count
    }),
  )
  return Float64Array.from(perAxis.reduce<number[]>((list, axis) => list.flatMap(a => axis.map(b => a * b)), [1]))
}

/** The mean of each window; padding counts only with count_include_pad. */
export const averagePool = defineOp('AveragePool', {
  inputs: ['X'],
  attrs: { ...windowAttributes, count_include_pad: flag(0) },
  infer: ({ X }, a, where) => inferPool(X, a, where),
  vjp: {
    X: (g, { in: { X }, attrs: a, node }): Value => {
      const w = resolveWindow(X, a.kernel_shape, a, node.name)
      const size = product(w.kernel)
      if (tiles(w) && a.ceil_mode === 0) return fitSpatial(repeat(div(g, size), w.kernel), X)
      const padded = [...w.before, ...w.after].some(p => p > 0)
      if (a.ceil_mode === 0 && (a.count_include_pad === 1 || !padded)) return spread(div(g, size), X, w, node.name)
      const out = staticSpatial(g, node.name)
      const counts = windowCounts(X, out, w, a.count_include_pad === 1, node.name)
      return spread(div(g, tensor(counts, [1, 1, ...out], g.dtype)), X, w, node.name)
    },
  },
  samples: [
    ...poolSamples.map(attrs => ({ inputs: { X: normal([2, 2, 5, 6]) }, attrs })),
    { inputs: { X: normal([2, 2, 5, 6]) }, attrs: { kernel_shape: [3, 3], pads: [1, 1, 1, 1], count_include_pad: 1 } },
    { inputs: { X: normal([1, 2, 7]) }, attrs: { kernel_shape: [3], strides: [2], pads: [1, 1] } },
    { inputs: { X: normal([1, 2, 6, 7]) }, attrs: { kernel_shape: [2, 3], dilations: [2, 2] } },
  ],
})
