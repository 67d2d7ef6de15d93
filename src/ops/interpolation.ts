import { GraphError } from '../ir/index.js'

/** The weights of Resize along one axis, as ONNX's text and ONNX Runtime's kernel have them. */

export interface Interpolation {
  readonly antialias: number
  readonly coordinate_transformation_mode: string
  readonly cubic_coeff_a: number
  readonly exclude_outside: number
  readonly mode: string
  readonly nearest_mode: string
}

export interface AxisResize {
  readonly from: number
  readonly to: number
  readonly scale: number
  /** Begin and end of the part taken, from 0 to 1: for tf_crop_and_resize. */
  readonly crop?: readonly [number, number] | undefined
}

/** Where in the input an output position lies. */
function sourceOf(position: number, { from, to, scale, crop }: AxisResize, mode: string): number {
  switch (mode) {
    case 'asymmetric':
      return position / scale
    case 'align_corners':
      return to === 1 ? 0 : (position * (from - 1)) / (to - 1)
    case 'pytorch_half_pixel':
      return to > 1 ? (position + 0.5) / scale - 0.5 : 0
    case 'half_pixel':
      return (position + 0.5) / scale - 0.5
    case 'half_pixel_symmetric':
      return (from / 2) * (1 - to / (scale * from)) + (position + 0.5) / scale - 0.5
    case 'tf_crop_and_resize': {
      if (crop === undefined)
        throw new GraphError({
          code: 'resize-roi',
          where: 'Resize',
          expected: 'a roi known when the graph is built',
          received: 'none',
        })
      const [begin, end] = crop
      const wide = begin * (from - 1) + (position * (end - begin) * (from - 1)) / (to - 1)
      return to > 1 ? wide : 0.5 * (begin + end) * (from - 1)
    }
  }
  throw new GraphError({
    code: 'resize-mode',
    where: 'Resize',
    expected: 'a coordinate_transformation_mode of ONNX',
    received: mode,
  })
}

function nearestOf(x: number, mode: string): number {
  if (mode === 'floor') return Math.floor(x)
  if (mode === 'ceil') return Math.ceil(x)
  if (mode === 'round_prefer_ceil') return Math.floor(x + 0.5)
  return Math.ceil(x - 0.5)
}

const triangle = (t: number): number => Math.max(0, 1 - Math.abs(t))
/** Keys 1981: cubic convolution with the free coefficient `a`. */
const cubic = (a: number) => (t: number) => {
  const d = Math.abs(t)
  if (d <= 1) return (a + 2) * d ** 3 - (a + 3) * d ** 2 + 1
  return d < 2 ? a * d ** 3 - 5 * a * d ** 2 + 8 * a * d - 4 * a : 0
}

/** The weights [to, from] with which one axis is interpolated, row by row. */
export function interpolationMatrix(resize: AxisResize, a: Interpolation): Float64Array {
  const { from, to, scale } = resize
  const matrix = new Float64Array(from * to)
  for (let row = 0; row < to; row++) {
    const x = sourceOf(row, resize, a.coordinate_transformation_mode)
    // Outside the image a crop is filled with extrapolation_value, which no input reaches.
    if (a.coordinate_transformation_mode === 'tf_crop_and_resize' && (x < 0 || x > from - 1)) continue
    for (const { at, weight } of contributions(x, from, scale, a))
      matrix[row * from + Math.min(Math.max(at, 0), from - 1)]! += weight
  }
  return matrix
}

function contributions(x: number, from: number, scale: number, a: Interpolation): { at: number; weight: number }[] {
  if (a.mode === 'nearest') return [{ at: nearestOf(x, a.nearest_mode), weight: 1 }]
  const linear = a.mode === 'linear'
  // Antialiasing widens the filter by as much as the image shrinks.
  const stretch = a.antialias === 1 ? Math.max(1, 1 / scale) : 1
  const filter = linear ? triangle : cubic(a.cubic_coeff_a)
  const reach = (linear ? 1 : 2) * stretch
  const centre = linear && a.antialias === 0 ? Math.min(Math.max(x, 0), from - 1) : x
  const taps: { at: number; weight: number }[] = []
  for (let at = Math.ceil(centre - reach); at <= Math.floor(centre + reach); at++) {
    if (a.exclude_outside === 1 && (at < 0 || at >= from)) continue
    const weight = filter((at - centre) / stretch)
    if (weight !== 0) taps.push({ at, weight })
  }
  const total = taps.reduce((sum, tap) => sum + tap.weight, 0)
  return a.antialias === 1 || a.exclude_outside === 1
    ? taps.map(({ at, weight }) => ({ at, weight: weight / total }))
    : taps
}
