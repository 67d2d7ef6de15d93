import {
  contentNumbers,
  type Dim,
  GraphError,
  mulDim,
  normalizeAxis,
  ShapeError,
  tensor,
  type Value,
} from '../ir/index.js'
import { defineOp, flag, float, ints, type OldNode, string, type Upgraded } from './define.js'
import { mul } from './math.js'
import { matMul } from './matmul.js'
import { averagePool } from './pool.js'
import { normal, values } from './sample.js'
import { transpose } from './shape.js'

/** Resize: interpolation along axes. Its gradient is the transposed interpolation, axis by axis. */

interface ResizeAttrs {
  readonly axes?: readonly number[] | undefined
  readonly coordinate_transformation_mode: string
  readonly cubic_coeff_a: number
  readonly exclude_outside: number
  readonly mode: string
  readonly nearest_mode: string
}

/** Where in the input an output position lies. */
function sourceOf(position: number, scale: number, from: number, to: number, mode: string): number {
  if (mode === 'asymmetric') return position / scale
  if (mode === 'align_corners') return to === 1 ? 0 : (position * (from - 1)) / (to - 1)
  if (mode === 'pytorch_half_pixel') return to > 1 ? (position + 0.5) / scale - 0.5 : 0
  if (mode === 'half_pixel_symmetric') {
    const adjusted = to / (scale * from)
    return (from / 2) * (1 - adjusted) + (position + 0.5) / scale - 0.5
  }
  if (mode === 'half_pixel') return (position + 0.5) / scale - 0.5
  throw new GraphError({
    code: 'resize-mode',
    where: 'Resize',
    expected: 'a coordinate_transformation_mode with a gradient',
    received: mode,
  })
}

function nearestOf(x: number, mode: string): number {
  if (mode === 'floor') return Math.floor(x)
  if (mode === 'ceil') return Math.ceil(x)
  if (mode === 'round_prefer_ceil') return Math.floor(x + 0.5)
  return Math.ceil(x - 0.5)
}

/** The weights [to, from] with which one axis is interpolated. */
export function interpolationMatrix(from: number, to: number, scale: number, a: ResizeAttrs): Float64Array {
  const matrix = new Float64Array(from * to)
  const put = (row: number, column: number, weight: number) => {
    matrix[row * from + Math.min(Math.max(column, 0), from - 1)]! += weight
  }
  for (let row = 0; row < to; row++) {
    const x = sourceOf(row, scale, from, to, a.coordinate_transformation_mode)
    if (a.mode === 'nearest') put(row, nearestOf(x, a.nearest_mode), 1)
    else if (a.mode === 'linear') {
      const inside = Math.min(Math.max(x, 0), from - 1)
      const left = Math.floor(inside)
      put(row, left, 1 - (inside - left))
      put(row, left + 1, inside - left)
    } else {
      const left = Math.floor(x)
      const c = a.cubic_coeff_a
      const weights = [-1, 0, 1, 2].map(k => {
        const t = Math.abs(x - (left + k))
        if (t <= 1) return (c + 2) * t ** 3 - (c + 3) * t ** 2 + 1
        return t < 2 ? c * t ** 3 - 5 * c * t ** 2 + 8 * c * t - 4 * c : 0
      })
      const used = weights.map((weight, k) =>
        a.exclude_outside === 1 && (left + k - 1 < 0 || left + k - 1 >= from) ? 0 : weight,
      )
      const total = a.exclude_outside === 1 ? used.reduce((s, weight) => s + weight, 0) : 1
      for (const [k, weight] of used.entries()) put(row, left + k - 1, weight / total)
    }
  }
  return matrix
}

interface AxisScale {
  readonly axis: number
  readonly to: Dim
  readonly scale: number | undefined
}

function axisScales(X: Value, scales: Value | null, sizes: Value | null, a: ResizeAttrs, where: string): AxisScale[] {
  const axes = a.axes?.map(axis => normalizeAxis(axis, X.shape.length, where)) ?? X.shape.map((_, i) => i)
  const byScale = scales === null || scales.shape[0] === 0 ? undefined : contentNumbers(scales)
  const bySize = sizes === null ? undefined : (sizes.content ?? contentNumbers(sizes))
  if (byScale === undefined && bySize === undefined)
    throw new ShapeError({
      code: 'dynamic-resize',
      where,
      expected: 'scales or sizes known when the graph is built',
      received: (sizes ?? scales)?.name ?? 'neither',
    })
  return axes.map((axis, i) => {
    const extent = X.shape[axis]!
    if (byScale !== undefined) {
      const scale = byScale[i]!
      return {
        axis,
        scale,
        to:
          typeof extent === 'number'
            ? Math.floor(extent * scale)
            : scale === 1
              ? extent
              : Number.isInteger(scale)
                ? mulDim(extent, scale)
                : `floor(${extent}*${scale})`,
      }
    }
    const to = bySize![i]!
    return {
      axis,
      to,
      scale: typeof to === 'number' && typeof extent === 'number' ? to / extent : to === extent ? 1 : undefined,
    }
  })
}

export const resize = defineOp('Resize', {
  inputs: ['X', 'roi?', 'scales?', 'sizes?'],
  integers: ['sizes'],
  attrs: {
    antialias: flag(0),
    axes: ints.optional(),
    coordinate_transformation_mode: string('half_pixel', [
      'half_pixel',
      'half_pixel_symmetric',
      'pytorch_half_pixel',
      'align_corners',
      'asymmetric',
      'tf_crop_and_resize',
    ]),
    cubic_coeff_a: float(-0.75),
    exclude_outside: flag(0),
    extrapolation_value: float(0),
    keep_aspect_ratio_policy: string('stretch', ['stretch', 'not_larger', 'not_smaller']),
    mode: string('nearest', ['nearest', 'linear', 'cubic']),
    nearest_mode: string('round_prefer_floor', ['round_prefer_floor', 'round_prefer_ceil', 'floor', 'ceil']),
  },
  infer: ({ X, scales, sizes }, a, where) => {
    const shape = [...X.shape]
    for (const { axis, to } of axisScales(X, scales, sizes, a, where)) shape[axis] = to
    return { dtype: X.dtype, shape }
  },
  vjp: {
    X: (g, { in: { X, scales, sizes }, attrs: a, node }): Value => {
      if (a.antialias === 1 || a.keep_aspect_ratio_policy !== 'stretch')
        throw new GraphError({
          code: 'no-gradient',
          where: node.name,
          expected: 'Resize without antialias and with policy stretch',
          received: 'another',
        })
      const changed = axisScales(X, scales, sizes, a, node.name).filter(s => s.scale !== 1)
      const repeats = changed.every(s => Number.isInteger(s.scale) && s.axis >= 2) && X.shape.length > 2
      if (
        repeats &&
        a.mode === 'nearest' &&
        a.coordinate_transformation_mode === 'asymmetric' &&
        a.nearest_mode === 'floor'
      ) {
        const kernel = X.shape.slice(2).map((_, i) => changed.find(s => s.axis === i + 2)?.scale ?? 1)
        return mul(
          averagePool(g, { kernel_shape: kernel, strides: kernel }),
          kernel.reduce((p, k) => p * k, 1),
        )
      }
      return changed.reduce((out, { axis, to, scale }) => {
        const from = X.shape[axis]!
        if (typeof from !== 'number' || typeof to !== 'number')
          throw new ShapeError({
            code: 'dynamic-resize',
            where: node.name,
            expected: 'static extents for a gradient',
            received: X.shape,
          })
        const matrix = tensor(interpolationMatrix(from, to, scale!, a), [to, from], g.dtype)
        const last = out.shape.length - 1
        const swap = out.shape.map((_, i) => (i === axis ? last : i === last ? axis : i))
        return axis === last
          ? matMul(out, matrix)
          : transpose(matMul(transpose(out, { perm: swap }), matrix), { perm: swap })
      }, g)
    },
    roi: null,
    scales: null,
    sizes: null,
  },
  upgrade: (node: OldNode, opset): Upgraded => {
    if (opset >= 11) return undefined
    // Opset 10's Resize: coordinates as `asymmetric`, nearest rounds down.
    return [
      resize(node.inputs[0]!, null, node.inputs[1]!, {
        mode: (node.attrs.mode as 'nearest') ?? 'nearest',
        coordinate_transformation_mode: 'asymmetric',
        nearest_mode: 'floor',
      }),
    ]
  },
  samples: [
    {
      inputs: { X: normal([1, 2, 3, 3]), scales: values([1, 1, 2, 2], [4], 'float32') },
      attrs: { coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' },
      constants: ['scales'],
    },
    { inputs: { X: normal([1, 1, 4, 3]), sizes: values([1, 1, 6, 5]) }, attrs: { mode: 'linear' } },
    {
      inputs: { X: normal([1, 1, 4, 5]), sizes: values([1, 1, 2, 3]) },
      attrs: { mode: 'linear', coordinate_transformation_mode: 'align_corners' },
    },
    {
      inputs: { X: normal([1, 1, 4, 4]), scales: values([1, 1, 1.5, 2], [4], 'float32') },
      attrs: { mode: 'cubic' },
      constants: ['scales'],
    },
    { inputs: { X: normal([1, 2, 5, 4]), sizes: values([1, 2, 3, 7]) } },
  ],
})

/** Upsample, which ONNX dropped at opset 10, as the Resize it became. */
export function fromUpsample(node: OldNode): Upgraded {
  const given = node.attrs.scales as readonly number[] | undefined
  const scales =
    given === undefined ? node.inputs[1]! : node.graph.constant(tensor(Float32Array.from(given), [given.length]))
  const mode = node.attrs.mode === 'linear' || node.attrs.mode === 'bilinear' ? 'linear' : 'nearest'
  return [
    resize(node.inputs[0]!, null, scales, {
      mode,
      coordinate_transformation_mode: 'asymmetric',
      nearest_mode: 'floor',
    }),
  ]
}
