import { groundAt, short } from './numbers.js'
import type { Chart } from './record.js'

/**
 * What a pointer over a chart is told: places in the plot (0 … 1 from its left and top) and the words for each. The
 * nearest one counts, along x, along y, or in the plane.
 */
export interface Tips {
  readonly along: 'x' | 'y' | 'xy'
  readonly at: readonly (readonly [x: number, y: number, text: string])[]
}

const MOST = 200
/** Of a path: there may be many in a picture, and pictures in a page. */
const MOST_OF_PATH = 50
const round = (value: number) => Math.round(value * 1e4) / 1e4

export function tipsOf(chart: Chart): Tips {
  switch (chart.kind) {
    case 'bars':
      return {
        along: 'y',
        at: chart.categories.map((name, i) => [
          0.5,
          round((i + 0.5) / chart.categories.length),
          [name, ...chart.series.map(s => `${s.name} ${short(s.values[i]!)}${rangeText(s.ranges?.[i])}`)].join('\n'),
        ]),
      }
    case 'histogram': {
      const bins = chart.edges.length - 1
      const ridges = chart.layout === 'ridges'
      return {
        along: 'x',
        at: chart.edges
          .slice(0, -1)
          .map((from, k) => [
            round((k + 0.5) / bins),
            0.5,
            [
              `${short(from)} … ${short(chart.edges[k + 1]!)}`,
              ...chart.series.map(
                s => `${s.name} ${ridges ? `${(100 * s.shares[k]!).toFixed(1)} %` : short(s.shares[k]!)}`,
              ),
            ].join('\n'),
          ]),
      }
    }
    case 'surface': {
      const place = (axis: readonly number[], v: number) => (v - axis[0]!) / (axis.at(-1)! - axis[0]!)
      return {
        along: 'xy',
        at: (chart.paths ?? []).flatMap(({ name, points }) => {
          const every = Math.ceil(points.length / MOST_OF_PATH)
          return points.flatMap((point, step) => {
            const height = groundAt(chart, point)
            if ((step % every !== 0 && step < points.length - 1) || !Number.isFinite(height)) return []
            const text = `${name}, point ${step}\n(${short(point[0])}, ${short(point[1])})\n${chart.valueLabel} ≈ ${short(height)}`
            return [[round(place(chart.x, point[0])), round(1 - place(chart.y, point[1])), text] as const]
          })
        }),
      }
    }
    default: {
      const series = chart.series.filter(s => !s.muted)
      const drawn = chart.series.flatMap(s => s.points.map(([x]) => x))
      const scale = (x: number) => (chart.xLog ? Math.log(x) : x)
      const [low, high] = [scale(Math.min(...drawn)), scale(Math.max(...drawn))]
      const xs = [...new Set(series.flatMap(s => s.points.map(([x]) => x)))].sort((a, b) => a - b)
      const values = series.map(s => new Map(s.points.map(([x, y]) => [x, y])))
      const bands = series.map(s => new Map((s.band ?? []).map(([x, ...range]) => [x, range as [number, number]])))
      const every = Math.ceil(xs.length / MOST)
      return {
        along: 'x',
        at: xs
          .filter((_, i) => i % every === 0 || i === xs.length - 1)
          .map(x => [
            high === low ? 0.5 : round((scale(x) - low) / (high - low)),
            0.5,
            [
              `${chart.xLabel} ${short(x)}`,
              ...series.flatMap((s, i) => {
                const y = values[i]!.get(x)
                return y === undefined ? [] : [`${s.name} ${short(y)}${rangeText(bands[i]!.get(x))}`]
              }),
            ].join('\n'),
          ]),
      }
    }
  }
}

const rangeText = (range: readonly [number, number] | undefined): string =>
  range === undefined ? '' : ` (${short(range[0])} … ${short(range[1])})`
