import type { Value } from '../../ir/index.js'
import * as ops from '../../ops/index.js'
import { descender } from './descend.js'
import type { Recipe } from './recipe.js'
import type { Descent } from './record.js'

/** A function of two variables: as a graph to walk on, and as plain numbers to draw. */
export interface TestSurface {
  readonly name: string
  readonly formula: string
  readonly start: readonly [number, number]
  readonly minima: readonly (readonly [number, number])[]
  readonly range: Descent['range']
  readonly value: (x: number, y: number) => number
  readonly graph: (x: Value, y: Value) => Value
}

const square = (x: Value): Value => ops.mul(x, x)

export const testSurfaces: readonly TestSurface[] = [
  {
    name: 'Rosenbrock’s valley',
    formula: '(1 − x)² + 100 (y − x²)²',
    start: [-0.5, 2.5],
    minima: [[1, 1]],
    range: { x: [-2, 2], y: [-0.8, 2.8] },
    value: (x, y) => (1 - x) ** 2 + 100 * (y - x * x) ** 2,
    graph: (x, y) => ops.add(square(ops.sub(x, 1)), ops.mul(square(ops.sub(y, square(x))), 100)),
  },
  {
    name: 'Beale’s function',
    formula: '(1.5 − x + xy)² + (2.25 − x + xy²)² + (2.625 − x + xy³)²',
    start: [0.7, 1.4],
    minima: [[3, 0.5]],
    range: { x: [-1, 4.5], y: [-1.5, 2] },
    value: (x, y) => (1.5 - x + x * y) ** 2 + (2.25 - x + x * y * y) ** 2 + (2.625 - x + x * y ** 3) ** 2,
    graph: (x, y) => {
      const term = (constant: number, power: Value) => square(ops.add(ops.sub(ops.mul(x, power), x), constant))
      const y2 = square(y)
      return ops.add(ops.add(term(1.5, y), term(2.25, y2)), term(2.625, ops.mul(y2, y)))
    },
  },
  {
    name: 'A saddle between two hollows',
    formula: 'x² − y² + y⁴/4',
    start: [-1.6, 0.01],
    minima: [
      [0, Math.SQRT2],
      [0, -Math.SQRT2],
    ],
    range: { x: [-2, 2], y: [-1.8, 2] },
    value: (x, y) => x * x - y * y + y ** 4 / 4,
    graph: (x, y) => {
      const y2 = square(y)
      return ops.add(ops.sub(square(x), y2), ops.mul(square(y2), 0.25))
    },
  },
]

/** Half decades from 10⁻⁴ to 3. */
const RATES = Array.from({ length: 10 }, (_, i) => Number((10 ** (-4 + i / 2)).toPrecision(1)))

/**
 * The way of each optimizer on each surface, each at the rate that comes down fastest: no one rate is fair to all. By
 * the mean over the way of the height's logarithm, so that one that gets there late, or dances about, does not win.
 */
export async function walkSurfaces(recipes: readonly Recipe[], steps: number): Promise<Descent[]> {
  const descents: Descent[] = []
  for (const surface of testSurfaces) {
    const { name, formula, minima, range, start, value } = surface
    const floor = Math.min(...minima.map(([x, y]) => value(x, y)))
    const loss = (point: Value): Value => surface.graph(ops.gather(point, 0), ops.gather(point, 1))
    const paths: Descent['paths'][number][] = []
    for (const recipe of recipes) {
      const walk = descender(recipe.optimizer(RATES[0]!), loss, 2)
      let best: Descent['paths'][number] | undefined
      let least = Number.POSITIVE_INFINITY
      for (const learningRate of RATES) {
        const points = (await walk(start, learningRate, steps)) as [number, number][]
        const heights = points.map(([x, y]) => Math.log(value(x, y) - floor + 1e-6))
        const whole = points.length > steps
        const mean = whole ? heights.reduce((a, b) => a + b, 0) / points.length : Number.POSITIVE_INFINITY
        if (best !== undefined && !(mean < least)) continue
        least = mean
        const end = points.at(-1)!
        const distance = Math.min(...minima.map(([x, y]) => Math.hypot(end[0] - x, end[1] - y)))
        best = { name: recipe.name, family: recipe.family, learningRate, points, value: value(...end), distance }
      }
      paths.push(best!)
    }
    descents.push({ surface: name, formula, minima, range, steps, paths })
  }
  return descents
}
