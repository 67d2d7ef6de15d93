import { type CounterRandom, counterRandom, type Tensor } from '../ir/index.js'
import { digitShapes, type Stroke } from './digit-shapes.js'

/** A generator of digits: strokes, bent and moved at random, drawn with a pen, so that examples need no files. */

const SIDE = 28
/** Digits are drawn into a box of this many pixels and centred by mass, as MNIST's are. */
const BOX = 20

type Point = [x: number, y: number]

export interface DrawOptions {
  /** Default 0. */
  seed?: number
  /** Number of the first digit in the endless series of this seed; default 0. */
  offset?: number
}

/** `count` digits: images uint8 [count, 28, 28] (ink 255 on 0), labels uint8 [count]. The same seed draws the same. */
export function drawDigits(
  count: number,
  { seed = 0, offset = 0 }: DrawOptions = {},
): { images: Tensor; labels: Tensor } {
  const images = new Uint8Array(count * SIDE * SIDE)
  const labels = new Uint8Array(count)
  for (let i = 0; i < count; i++) {
    const random = sequence(counterRandom(seed, offset + i, 0x44))
    const label = Math.floor(random.uniform(0, 10))
    labels[i] = label
    drawDigit(label, random, images.subarray(i * SIDE * SIDE, (i + 1) * SIDE * SIDE))
  }
  return {
    images: { dtype: 'uint8', shape: [count, SIDE, SIDE], data: images },
    labels: { dtype: 'uint8', shape: [count], data: labels },
  }
}

interface Sequence {
  uniform(low: number, high: number): number
  normal(scale: number): number
}

function sequence(random: CounterRandom): Sequence {
  let next = 0
  return {
    uniform: (low, high) => low + (high - low) * random.uniform(next++),
    normal: scale => {
      // Three uniform numbers are normal enough for handwriting.
      const sum = random.uniform(next) + random.uniform(next + 1) + random.uniform(next + 2)
      next += 3
      return (sum - 1.5) * 2 * scale
    },
  }
}

function drawDigit(label: number, random: Sequence, out: Uint8Array): void {
  const variants = digitShapes[label]!
  const strokes = variants[Math.floor(random.uniform(0, variants.length))]!
  // Each control point trembles, then the whole is bent by slow waves, sheared, turned and stretched.
  const lines = strokes.map(stroke => trace(tremble(stroke, random)))
  const bent = bend(lines, random)
  const placed = place(bent, random)
  ink(placed, random, out)
}

const tremble = (stroke: Stroke, random: Sequence): Stroke => ({
  ...stroke,
  points: stroke.points.map(([x, y]) => [x + random.normal(0.028), y + random.normal(0.028)] as const),
})

/** A stroke as a line of short pieces: a Catmull-Rom spline, or straight where it has corners. */
function trace({ points, corners }: Stroke): Point[] {
  if (corners || points.length < 3) return points.map(([x, y]) => [x, y])
  const at = (i: number) => points[Math.min(Math.max(i, 0), points.length - 1)]!
  const line: Point[] = []
  for (let i = 0; i < points.length - 1; i++) {
    const [a, b, c, d] = [at(i - 1), at(i), at(i + 1), at(i + 2)]
    for (let k = 0; k < 5; k++) {
      const t = k / 5
      const spline = (axis: 0 | 1) =>
        0.5 *
        (2 * b[axis] +
          (c[axis] - a[axis]) * t +
          (2 * a[axis] - 5 * b[axis] + 4 * c[axis] - d[axis]) * t * t +
          (3 * b[axis] - a[axis] - 3 * c[axis] + d[axis]) * t ** 3)
      line.push([spline(0), spline(1)])
    }
  }
  const [x, y] = points.at(-1)!
  line.push([x, y])
  return line
}

/** Elastic distortion: a sum of slow waves moves every point. */
function bend(lines: readonly Point[][], random: Sequence): Point[][] {
  const waves = Array.from({ length: 3 }, () => ({
    fx: random.uniform(-1.3, 1.3),
    fy: random.uniform(-1.3, 1.3),
    phase: random.uniform(0, 2 * Math.PI),
    dx: random.normal(0.05),
    dy: random.normal(0.05),
  }))
  const slant = random.normal(0.22) + 0.12
  const turn = random.normal(0.13)
  const [wide, high] = [random.uniform(0.65, 1.2), random.uniform(0.85, 1.1)]
  const [cos, sin] = [Math.cos(turn), Math.sin(turn)]
  return lines.map(line =>
    line.map(([x, y]): Point => {
      let [u, v] = [x - 0.5, y - 0.5]
      for (const wave of waves) {
        const s = Math.sin(2 * Math.PI * (wave.fx * x + wave.fy * y) * 0.5 + wave.phase)
        u += wave.dx * s
        v += wave.dy * s
      }
      u = (u - slant * v) * wide
      v *= high
      return [cos * u - sin * v, sin * u + cos * v]
    }),
  )
}

/** Scales to the box and centres; sizes vary a little. */
function place(lines: readonly Point[][], random: Sequence): Point[][] {
  const all = lines.flat()
  const [xs, ys] = [all.map(p => p[0]), all.map(p => p[1])]
  const [left, right, top, bottom] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)]
  const scale = ((BOX - 2.5) * random.uniform(0.82, 1.06)) / Math.max(right - left, bottom - top, 0.3)
  return lines.map(line =>
    line.map(
      ([x, y]): Point => [(x - (left + right) / 2) * scale + SIDE / 2, (y - (top + bottom) / 2) * scale + SIDE / 2],
    ),
  )
}

/** Draws with a round pen whose pressure changes along the stroke; then moves the centre of mass to the middle. */
function ink(lines: readonly Point[][], random: Sequence, out: Uint8Array): void {
  const width = random.uniform(0.75, 1.7)
  const soft = random.uniform(0.55, 0.95)
  const swing = random.uniform(0, 0.3)
  const phase = random.uniform(0, 6)
  const sheet = new Float64Array(SIDE * SIDE)
  for (const line of lines)
    for (let i = 0; i + 1 < line.length; i++) {
      const [[x0, y0], [x1, y1]] = [line[i]!, line[i + 1]!]
      const pen = width * (1 + swing * Math.sin(phase + (i / line.length) * 5))
      const reach = pen + soft + 0.5
      const length = (x1 - x0) ** 2 + (y1 - y0) ** 2
      const rows = [
        Math.max(0, Math.floor(Math.min(y0, y1) - reach)),
        Math.min(SIDE - 1, Math.ceil(Math.max(y0, y1) + reach)),
      ]
      const columns = [
        Math.max(0, Math.floor(Math.min(x0, x1) - reach)),
        Math.min(SIDE - 1, Math.ceil(Math.max(x0, x1) + reach)),
      ]
      for (let y = rows[0]!; y <= rows[1]!; y++)
        for (let x = columns[0]!; x <= columns[1]!; x++) {
          const t = length === 0 ? 0 : Math.min(1, Math.max(0, ((x - x0) * (x1 - x0) + (y - y0) * (y1 - y0)) / length))
          const distance = Math.hypot(x - x0 - t * (x1 - x0), y - y0 - t * (y1 - y0))
          const value = Math.min(1, Math.max(0, (pen - distance) / (2 * soft) + 0.5))
          const at = y * SIDE + x
          if (value > sheet[at]!) sheet[at] = value
        }
    }
  let [mass, mx, my] = [0, 0, 0]
  sheet.forEach((value, at) => {
    mass += value
    mx += value * (at % SIDE)
    my += value * Math.floor(at / SIDE)
  })
  const [dx, dy] = [Math.round((SIDE - 1) / 2 - mx / mass), Math.round((SIDE - 1) / 2 - my / mass)]
  const strength = random.uniform(225, 255)
  for (let y = 0; y < SIDE; y++)
    for (let x = 0; x < SIDE; x++) {
      const [fx, fy] = [x - dx, y - dy]
      const value = fx >= 0 && fx < SIDE && fy >= 0 && fy < SIDE ? sheet[fy * SIDE + fx]! : 0
      // Paper stays clean, as in MNIST; ink is uneven.
      out[y * SIDE + x] = value === 0 ? 0 : Math.min(255, Math.max(0, Math.round(value * strength + random.normal(10))))
    }
}
