import { isStatic, ShapeError, type TensorType, tensor, type Value } from '../ir/index.js'
import { cast } from './cast.js'
import { convTranspose } from './conv.js'
import { defineOp, flag, int, ints, string } from './define.js'
import { reshapeLike, zerosLike } from './dims.js'
import { equal } from './logic.js'
import { div, mul } from './math.js'
import { reduceMax, reduceMean } from './reduce.js'
import { resize } from './resize.js'
import { distinct, normal, type Sample } from './sample.js'
import { scatterElements } from './scatter.js'
import { reshape } from './shape.js'
import { pad, slice } from './slice.js'
import { resolveWindow, slideShape, staticSpatial, type Window, type WindowAttrs } from './window.js'

/** Pooling over spatial windows. */

const windowAttributes = {
  auto_pad: string('NOTSET', ['NOTSET', 'SAME_UPPER', 'SAME_LOWER', 'VALID']),
  ceil_mode: flag(0),
  dilations: ints.optional(),
  kernel_shape: ints.required(),
  pads: ints.optional(),
  strides: ints.optional(),
}
const infer = (X: Value, a: WindowAttrs & { ceil_mode: number }, where: string): TensorType => {
  const w = resolveWindow(X, a.kernel_shape!, a, where)
  return {
    dtype: X.dtype,
    shape: [X.shape[0]!, X.shape[1]!, ...slideShape(X.shape.slice(2), w, a.ceil_mode === 1, where)],
  }
}

/** Windows that tile the input from its first element on. */
const tiles = (w: Window): boolean =>
  w.kernel.every((k, i) => w.strides[i] === k && w.dilations[i] === 1 && w.before[i] === 0 && w.after[i] === 0)

/** Each element repeated over its window. */
const repeat = (x: Value, kernel: readonly number[]): Value =>
  resize(x, null, tensor(Float32Array.from([1, 1, ...kernel]), [kernel.length + 2]), null, {
    mode: 'nearest',
    coordinate_transformation_mode: 'asymmetric',
    nearest_mode: 'floor',
  })

/** `x` cut or filled with zeros to the given spatial extents. */
function cropOrPad(x: Value, spatial: readonly number[], value = 0): Value {
  const have = x.shape.slice(2) as number[]
  if (have.every((extent, i) => extent === spatial[i])) return x
  const none = spatial.map(() => 0)
  return pad(x, [0, 0, ...none, 0, 0, ...spatial.map((extent, i) => extent - have[i]!)], tensor([value], [], x.dtype))
}

const spatialSamples: Sample['attrs'][] = [
  { kernel_shape: [2, 2], strides: [2, 2] },
  { kernel_shape: [3, 2], strides: [2, 1], pads: [1, 0, 1, 1] },
  { kernel_shape: [3, 3], strides: [2, 2], ceil_mode: 1 },
  { kernel_shape: [2, 3], auto_pad: 'SAME_UPPER', strides: [2, 2] },
]

/**
 * The largest of each window. Where windows tile the input the gradient goes to every element that equals the largest
 * (PyTorch: the first of them); elsewhere to the one ONNX Runtime names. The first way is eight times cheaper: it does
 * not ask for indices.
 */
export const maxPool = defineOp('MaxPool', {
  inputs: ['X'],
  outputs: ['Y', 'Indices?'],
  attrs: { ...windowAttributes, storage_order: int(0) },
  infer: ({ X }, a, where): TensorType[] => {
    const type = infer(X, a, where)
    return [type, { dtype: 'int64', shape: type.shape }]
  },
  vjp: {
    X: (g, { in: { X }, out, attrs: a, node }): Value => {
      const w = resolveWindow(X, a.kernel_shape, a, node.name)
      if (tiles(w) && a.ceil_mode === 0 && isStatic(X.shape.slice(2))) {
        const spatial = X.shape.slice(2) as number[]
        const covered = (out[0]!.shape.slice(2) as number[]).map((n, i) => n * w.kernel[i]!)
        const whole = covered.every((extent, i) => extent === spatial[i])
        const x = whole
          ? X
          : slice(
              X,
              covered.map(() => 0),
              covered,
              covered.map((_, i) => i + 2),
            )
        const mask = cast(equal(x, repeat(out[0]!, w.kernel)), { to: g.dtype })
        return cropOrPad(mul(mask, repeat(g, w.kernel)), spatial)
      }
      if (a.storage_order !== 0)
        throw new ShapeError({
          code: 'storage-order',
          where: node.name,
          expected: 'storage_order 0 for a gradient',
          received: a.storage_order,
        })
      const flat = scatterElements(reshape(zerosLike(X), [-1]), reshape(out[1]!, [-1]), reshape(g, [-1]), {
        reduction: 'add',
      })
      return reshapeLike(flat, X)
    },
  },
  samples: [
    ...spatialSamples.map(attrs => ({ inputs: { X: distinct([2, 2, 5, 6]) }, attrs: attrs! })),
    { inputs: { X: distinct([1, 2, 7]) }, attrs: { kernel_shape: [3], dilations: [2] } },
    { inputs: { X: distinct([1, 1, 4, 4, 2]) }, attrs: { kernel_shape: [2, 2, 2], strides: [2, 2, 2] } },
  ],
})

/** The number of elements each window averages over, by output position; constant. */
function windowCounts(X: Value, out: readonly number[], w: Window, includePad: boolean): Float64Array {
  const spatial = staticSpatial(X, 'AveragePool')
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
  infer: ({ X }, a, where) => infer(X, a, where),
  vjp: {
    X: (g, { in: { X }, attrs: a, node }): Value => {
      const w = resolveWindow(X, a.kernel_shape, a, node.name)
      const spatial = staticSpatial(X, node.name)
      const out = staticSpatial(g, node.name)
      const size = w.kernel.reduce((p, k) => p * k, 1)
      if (tiles(w) && a.ceil_mode === 0) return cropOrPad(repeat(div(g, size), w.kernel), spatial)
      const counts = tensor(windowCounts(X, out, w, a.count_include_pad === 1), [1, 1, ...out], g.dtype)
      const channels = Number(X.shape[1])
      const ones = tensor(new Float64Array(channels * size).fill(1), [channels, 1, ...w.kernel], g.dtype)
      // Spread over the whole padded input, then cut the padding off: right for every rounding mode.
      const spread = convTranspose(div(g, counts), ones, null, {
        group: channels,
        strides: w.strides,
        dilations: w.dilations,
      })
      const full = cropOrPad(
        spread,
        spatial.map((extent, i) => extent + w.before[i]!),
      )
      return w.before.every(p => p === 0)
        ? full
        : slice(
            full,
            [...w.before],
            spatial.map((extent, i) => extent + w.before[i]!),
            spatial.map((_, i) => i + 2),
          )
    },
  },
  samples: [
    ...spatialSamples.map(attrs => ({ inputs: { X: normal([2, 2, 5, 6]) }, attrs: attrs! })),
    { inputs: { X: normal([2, 2, 5, 6]) }, attrs: { kernel_shape: [3, 3], pads: [1, 1, 1, 1], count_include_pad: 1 } },
    { inputs: { X: normal([1, 2, 7]) }, attrs: { kernel_shape: [3], strides: [2], pads: [1, 1] } },
  ],
})

const spatialAxes = (x: Value): number[] => x.shape.map((_, i) => i).slice(2)
/** ReduceMean over the spatial axes: three times faster than the operator itself. */
export const globalAveragePool = defineOp('GlobalAveragePool', {
  inputs: ['X'],
  infer: ({ X }) => ({ dtype: X.dtype, shape: X.shape.map((dim, i) => (i < 2 ? dim : 1)) }),
  vjp: 'body',
  body: ({ X }): Value => reduceMean(X, spatialAxes(X)),
  samples: [{ inputs: { X: normal([2, 3, 4, 2]) } }, { inputs: { X: normal([2, 3, 4]) } }],
})
export const globalMaxPool = defineOp('GlobalMaxPool', {
  inputs: ['X'],
  infer: ({ X }) => ({ dtype: X.dtype, shape: X.shape.map((dim, i) => (i < 2 ? dim : 1)) }),
  vjp: 'body',
  body: ({ X }): Value => reduceMax(X, spatialAxes(X)),
  samples: [{ inputs: { X: distinct([2, 3, 4, 2]) } }],
})
