import type { Chart, Panels, SurfaceChart } from '../../report/index.js'
import type { Descent, Landscape } from './record.js'
import { testSurfaces } from './surfaces.js'

const GRID = 61

const axis = ([low, high]: readonly [number, number]): number[] =>
  Array.from({ length: GRID }, (_, i) => low + ((high - low) * i) / (GRID - 1))

/** A surface once for each family of optimizers: a dozen paths in one picture would hide each other. */
export function descentCharts({ surface, formula, minima, range, paths }: Descent): Chart[] {
  const { value } = testSurfaces.find(s => s.name === surface)!
  const [x, y] = [axis(range.x), axis(range.y)]
  const heights = y.map(v => x.map(u => value(u, v)))
  const lowest = Math.min(...minima.map(([u, v]) => value(u, v)))
  const families = [...new Set(paths.map(path => path.family))]
  return families.map((family): SurfaceChart => {
    const own = paths.filter(path => path.family === family)
    return {
      kind: 'surface',
      title: families.length === 1 ? surface : `${surface}: ${family}`,
      xLabel: 'x',
      yLabel: 'y',
      valueLabel: 'f(x, y)',
      // Where the lowest point is at zero the contours keep their ratios, else their differences.
      log: lowest === 0,
      x,
      y,
      values: heights,
      marks: minima.map(([u, v]) => ({ x: u, y: v, label: 'minimum' })),
      note: `f(x, y) = ${formula}. Learning rates: ${own.map(path => `${path.name} ${path.learningRate}`).join(', ')}. Ended from the minimum: ${own.map(path => `${path.name} ${path.distance.toPrecision(2)}`).join(', ')}.`,
      paths: own.map(({ name, points }, group) => ({ name, points, group })),
    }
  })
}

/** The plane of all ways first, then the ground around each end. */
export function landscapeCharts(landscapes: readonly Landscape[]): (Chart | Panels)[] {
  const charts = landscapes.map((landscape): SurfaceChart => {
    const { kind, of, share, x, y, values, paths } = landscape
    const principal = kind === 'principal directions'
    const inPlane = `${(100 * share).toFixed(share < 0.1 ? 1 : 0)} %`
    return {
      kind: 'surface',
      title: principal ? 'Training loss in the plane of the paths' : of,
      xLabel: principal ? 'first principal direction' : 'first random direction',
      yLabel: principal ? 'second principal direction' : 'second random direction',
      valueLabel: 'loss (nats)',
      log: true,
      x,
      y,
      values,
      note: principal
        ? `First seed, all from the same weights (ring). The plane holds ${inPlane} of the paths’ squared distance from the start; the rest lies beside it, so the ground below a dot is not the loss reached: ${paths.map(path => `${path.name} ${Number(path.loss.toPrecision(2))}`).join(', ')}.`
        : `Loss at the end (middle): ${Number(paths[0]!.loss.toPrecision(2))}. The plane holds ${inPlane} of the path’s squared distance from there.`,
      paths: paths.map(({ name, points }, group) => ({ name, points, group })),
    }
  })
  const around = charts.slice(1)
  return [
    ...charts.slice(0, 1),
    ...(around.length === 0
      ? []
      : [
          {
            kind: 'panels' as const,
            title: 'Around the end of each, along two random directions with filter normalization',
            note: 'The same random numbers for all, scaled to each one’s own weights. The wider the dark ground, the flatter the minimum.',
            panels: around,
          },
        ]),
  ]
}
