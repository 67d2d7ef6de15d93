import { groundAt, onAxis, short } from './numbers.js'
import { rangeOf, shareOf } from './plot.js'
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
/** Every so manieth, and the last. */
const fewer = <T>(items: readonly T[], most: number): readonly { item: T; index: number }[] => {
  const every = Math.ceil(items.length / most)
  return items.flatMap((item, index) => (index % every === 0 || index === items.length - 1 ? [{ item, index }] : []))
}

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
      const spot = (point: readonly [number, number], words: string) => {
        const height = groundAt(chart, point)
        if (!Number.isFinite(height)) return []
        const text = `${words}\n(${short(point[0])}, ${short(point[1])})\n${chart.valueLabel} ≈ ${short(height)}`
        const across = shareOf(point[0], [chart.x[0]!, chart.x.at(-1)!], chart.xLog)
        const up = shareOf(point[1], [chart.y[0]!, chart.y.at(-1)!], chart.yLog)
        return [[round(across), round(1 - up), text] as const]
      }
      return {
        along: 'xy',
        at: [
          ...(chart.paths ?? []).flatMap(({ name, points }) =>
            fewer(points, MOST_OF_PATH).flatMap(({ item, index }) => spot(item, `${name}, point ${index}`)),
          ),
          ...fewer(chart.points ?? [], MOST).flatMap(({ item }) => spot([item.x, item.y], item.label)),
        ],
      }
    }
    case 'scatter': {
      const [x, y] = [
        rangeOf(
          chart.x,
          chart.points.map(p => p.x),
        ),
        rangeOf(
          chart.y,
          chart.points.map(p => p.y),
        ),
      ]
      return {
        along: 'xy',
        at: fewer(chart.points, MOST).map(({ item: p }) => [
          round(shareOf(p.x, x, chart.x.log)),
          round(1 - shareOf(p.y, y, chart.y.log)),
          [p.label, `${chart.x.label} ${onAxis(chart.x, p.x)}`, `${chart.y.label} ${onAxis(chart.y, p.y)}`].join('\n'),
        ]),
      }
    }
    case 'parallel':
      return {
        along: 'xy',
        at: fewer(chart.lines, MOST_OF_PATH).flatMap(({ item: line }) => {
          const words = [line.label, ...chart.axes.map((axis, k) => `${axis.label} ${line.values[k]}`)].join('\n')
          return line.at.flatMap((at, k) =>
            at === null ? [] : [[round(k / Math.max(chart.axes.length - 1, 1)), round(1 - at), words] as const],
          )
        }),
      }
    case 'timeline': {
      const span = rangeOf(
        {},
        chart.bars.flatMap(bar => [bar.from, bar.to]),
      )
      return {
        along: 'xy',
        at: fewer(chart.bars, MOST).map(({ item: bar }) => [
          round(shareOf((bar.from + bar.to) / 2, span)),
          round((bar.row + 0.5) / chart.rows),
          `${bar.label}: ${chart.kinds[bar.kind]?.name ?? ''}\n${short(bar.from)} … ${short(bar.to)} (${short(bar.to - bar.from)})`,
        ]),
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
