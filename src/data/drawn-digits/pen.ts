import type { Dice } from './dice.js'
import type { Point, Shape, Stroke } from './shapes.js'

/** What the pen draws: a line of short straight pieces as x, y, x, y, … */
export type Line = number[]

/** Straight pieces for each span of a smooth stroke. */
const piecesPerSpan = 4

/** Moves every point a little; points at one place move together, so that strokes stay joined. */
export function tremble({ strokes }: Shape, deviation: number, roll: Dice): Stroke[] {
  const moved = new Map<string, Point>()
  return strokes.map(stroke => ({
    smooth: stroke.smooth,
    points: stroke.points.map(([x, y]) => {
      const key = `${x} ${y}`
      const point = moved.get(key) ?? ([x + roll.normal(deviation), y + roll.normal(deviation)] as const)
      moved.set(key, point)
      return point
    }),
  }))
}

/** The line through a stroke's points: a Catmull-Rom spline where it is smooth. */
export function trace({ points, smooth }: Stroke): Line {
  const line: Line = []
  const last = points.length - 1
  for (let i = 0; i < last; i++) {
    const [b, c] = [points[i]!, points[i + 1]!]
    const [a, d] = [points[Math.max(i - 1, 0)]!, points[Math.min(i + 2, last)]!]
    for (let k = 0; k < piecesPerSpan; k++) {
      const t = k / piecesPerSpan
      if (smooth) line.push(spline(a[0], b[0], c[0], d[0], t), spline(a[1], b[1], c[1], d[1], t))
      else line.push(b[0] + t * (c[0] - b[0]), b[1] + t * (c[1] - b[1]))
    }
  }
  line.push(points[last]![0], points[last]![1])
  return line
}

const spline = (a: number, b: number, c: number, d: number, t: number): number =>
  b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)))

/**
 * Bends the plane by slow waves (elastic distortion), then stretches, slants and turns it, in place. The waves are
 * what makes two digits of one shape different hands; the affine part is posture.
 */
export function distort(lines: readonly Line[], strength: number, roll: Dice): void {
  const waves = Array.from({ length: 3 }, () => ({
    fx: roll.uniform(-4.5, 4.5),
    fy: roll.uniform(-4.5, 4.5),
    phase: roll.uniform(0, 2 * Math.PI),
    dx: roll.normal(strength),
    dy: roll.normal(strength),
  }))
  const slant = 0.16 + roll.normal(0.22)
  const turn = roll.normal(0.12)
  const wide = Math.exp(-0.05 + roll.normal(0.17))
  const [cos, sin] = [Math.cos(turn), Math.sin(turn)]
  for (const line of lines)
    for (let i = 0; i < line.length; i += 2) {
      let [x, y] = [line[i]! - 0.5, line[i + 1]! - 0.5]
      for (const { fx, fy, phase, dx, dy } of waves) {
        const wave = Math.sin(fx * line[i]! + fy * line[i + 1]! + phase)
        x += dx * wave
        y += dy * wave
      }
      x = (x - slant * y) * wide
      line[i] = cos * x - sin * y
      line[i + 1] = sin * x + cos * y
    }
}

/** Scales the lines so that they fill a square of `size`, in place, and moves the ink's centre of mass to `centre`. */
export function place(lines: readonly Line[], size: number, centre: number): void {
  let [left, right, top, bottom] = [Infinity, -Infinity, Infinity, -Infinity]
  let [mass, mx, my] = [0, 0, 0]
  for (const line of lines)
    for (let i = 0; i < line.length; i += 2) {
      const [x, y] = [line[i]!, line[i + 1]!]
      left = Math.min(left, x)
      right = Math.max(right, x)
      top = Math.min(top, y)
      bottom = Math.max(bottom, y)
      if (i === 0) continue
      // Ink is spread evenly along the line.
      const length = Math.hypot(x - line[i - 2]!, y - line[i - 1]!)
      mass += length
      mx += (length * (x + line[i - 2]!)) / 2
      my += (length * (y + line[i - 1]!)) / 2
    }
  const scale = size / Math.max(right - left, bottom - top, 0.2)
  for (const line of lines)
    for (let i = 0; i < line.length; i += 2) {
      line[i] = (line[i]! - mx / mass) * scale + centre
      line[i + 1] = (line[i + 1]! - my / mass) * scale + centre
    }
}
