import { contentNumbers, type Dim, mulDim, normalizeAxis, ShapeError, tensor, type Value } from '../ir/index.js'
import { defineOp, flag, float, ints, type OldNode, string, type Upgraded } from './define.js'
import { type Interpolation, interpolationMatrix } from './interpolation.js'
import { mul } from './math.js'
import { matMul } from './matmul.js'
import { averagePool } from './pool.js'
import { normal, values } from './sample.js'
import { transpose } from './shape.js'

/** Resize: interpolation along axes. Its gradient is the transposed interpolation, axis by axis. */

interface ResizeAttrs extends Interpolation {
  readonly axes?: readonly number[] | undefined
  readonly keep_aspect_ratio_policy: string
}

interface AxisScale {
  readonly axis: number
  /** Which entry of scales, sizes and roi. */
  readonly entry: number
  readonly to: Dim
  readonly scale: number | undefined
}

/** What is known of each axis that scales or sizes speak of. */
function axisScales(X: Value, scales: Value | null, sizes: Value | null, a: ResizeAttrs, where: string): AxisScale[] {
  const axes = a.axes?.map(axis => normalizeAxis(axis, X.shape.length, where)) ?? X.shape.map((_, i) => i)
  const given = scales === null || scales.shape[0] === 0 ? sizes : scales
  if (given === null || (typeof given.shape[0] === 'number' && given.shape[0] !== axes.length))
    throw new ShapeError({
      code: 'resize-factors',
      where,
      expected: `scales or sizes, one for each of ${axes.length} axes`,
      received: given?.shape ?? 'neither',
    })
  const extent = (i: number): Dim => X.shape[axes[i]!]!
  if (given === scales) {
    const factors = contentNumbers(given)
    return axes.map((axis, entry) => ({
      axis,
      entry,
      scale: factors?.[entry],
      to: scaled(extent(entry), factors?.[entry], `${given.name}[${entry}]`),
    }))
  }
  const wanted = given.content ?? contentNumbers(given)
  const ratio = (to: Dim | undefined, i: number): number | undefined => {
    const from = extent(i)
    if (typeof to === 'number' && typeof from === 'number') return to / from
    return to === from ? 1 : undefined
  }
  if (a.keep_aspect_ratio_policy === 'stretch')
    return axes.map((axis, entry) => {
      const to = wanted?.[entry]
      return { axis, entry, to: to ?? `${given.name}[${entry}]`, scale: ratio(to, entry) }
    })
  // One factor for all axes: the image inside the box, or around it.
  const ratios = axes.map((_, i) => ratio(wanted?.[i], i))
  const known = ratios.every(r => r !== undefined)
  const scale = known
    ? Math[a.keep_aspect_ratio_policy === 'not_larger' ? 'min' : 'max'](...(ratios as number[]))
    : undefined
  return axes.map((axis, entry) => ({
    axis,
    entry,
    scale,
    to: scale === undefined ? `${given.name}[${entry}]` : Math.round(scale * Number(extent(entry))),
  }))
}

function scaled(extent: Dim, scale: number | undefined, name: string): Dim {
  if (scale === 1) return extent
  if (scale !== undefined && typeof extent === 'number') return Math.floor(extent * scale)
  return scale !== undefined && Number.isInteger(scale) ? mulDim(extent, scale) : `floor(${extent}*${scale ?? name})`
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
    X: (g, { in: { X, roi, scales, sizes }, attrs: a, node }): Value => {
      const crops = a.coordinate_transformation_mode === 'tf_crop_and_resize'
      const all = axisScales(X, scales, sizes, a, node.name)
      const changed = all.filter(s => s.scale !== 1 || crops)
      const plain = a.coordinate_transformation_mode === 'asymmetric' && a.nearest_mode === 'floor'
      if (a.mode === 'nearest' && plain && changed.every(s => Number.isInteger(s.scale) && s.axis >= 2)) {
        // Every element stands repeated in a block: the sum of a block is an average times its size.
        const kernel = X.shape.slice(2).map((_, i) => changed.find(s => s.axis === i + 2)?.scale ?? 1)
        if (changed.length === 0) return g
        const size = kernel.reduce((p, k) => p * k, 1)
        return mul(averagePool(g, { kernel_shape: kernel, strides: kernel }), size)
      }
      const bounds = roi === null ? undefined : contentNumbers(roi)
      return changed.reduce((out, { axis, entry, to, scale }) => {
        const from = X.shape[axis]!
        if (typeof from !== 'number' || typeof to !== 'number' || scale === undefined)
          throw new ShapeError({
            code: 'dynamic-resize',
            where: node.name,
            expected: 'extents, and scales or sizes, known when the graph is built',
            received: X.shape,
            hint: 'give the dimensions numbers: importOnnx(bytes, { dims: { height: 224, width: 224 } })',
          })
        const crop = bounds === undefined ? undefined : ([bounds[entry]!, bounds[all.length + entry]!] as const)
        const weights = interpolationMatrix({ from, to, scale, crop }, a)
        return along(out, axis, g.graph.constant(tensor(weights, [to, from], g.dtype)))
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
    {
      inputs: { X: normal([1, 1, 6, 4]), sizes: values([4, 4]) },
      attrs: { mode: 'linear', axes: [2, 3], keep_aspect_ratio_policy: 'not_larger' },
    },
    { inputs: { X: normal([1, 1, 7, 8]), sizes: values([1, 1, 3, 5]) }, attrs: { mode: 'linear', antialias: 1 } },
    {
      inputs: { X: normal([1, 1, 5, 6]), scales: values([1, 1, 1.3, 0.6], [4], 'float32') },
      attrs: { mode: 'linear', coordinate_transformation_mode: 'half_pixel_symmetric' },
      constants: ['scales'],
    },
    {
      inputs: {
        X: normal([1, 1, 4, 5]),
        roi: values([0, 0, 0.25, 0.1, 1, 1, 0.75, 1.2], [8], 'float32'),
        sizes: values([1, 1, 3, 4]),
      },
      attrs: { mode: 'linear', coordinate_transformation_mode: 'tf_crop_and_resize' },
      constants: ['roi'],
    },
    {
      inputs: { X: normal([1, 1, 5, 4]), sizes: values([1, 1, 8, 3]) },
      attrs: { mode: 'cubic', exclude_outside: 1, cubic_coeff_a: -0.5 },
    },
  ],
})

/** `x` times a matrix on the right, along any axis. */
function along(x: Value, axis: number, matrix: Value): Value {
  const last = x.shape.length - 1
  if (axis === last) return matMul(x, matrix)
  const perm = x.shape.map((_, i) => (i === axis ? last : i === last ? axis : i))
  return transpose(matMul(transpose(x, { perm }), matrix), { perm })
}

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
