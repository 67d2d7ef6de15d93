import { axisNumber, shareOf } from './plot.js'
import type {
  BarChart,
  Chart,
  HistogramChart,
  LineChart,
  ParallelChart,
  ScatterChart,
  SurfaceChart,
  Table,
  TimelineChart,
} from './record.js'

/** Rows of the table beside a chart of lines: more points than this are thinned. */
const MOST_ROWS = 24

/** A chart in numbers: for readers who cannot see it, or want to know exactly. */
export function chartTable(chart: Chart): Table {
  switch (chart.kind) {
    case 'bars':
      return barsTable(chart)
    case 'histogram':
      return histogramTable(chart)
    case 'surface':
      return surfaceTable(chart)
    case 'scatter':
      return scatterTable(chart)
    case 'parallel':
      return parallelTable(chart)
    case 'timeline':
      return timelineTable(chart)
    default:
      return linesTable(chart)
  }
}

export const isLines = (chart: Chart): chart is LineChart => chart.kind === undefined || chart.kind === 'lines'

/** What a picture shows, in a sentence. */
export function labelOf(chart: Chart): string {
  switch (chart.kind) {
    case 'bars':
      return `${chart.title}: ${chart.valueLabel} of ${chart.categories.join(', ')}`
    case 'surface':
      return `${chart.title}: contours of ${chart.valueLabel} over ${chart.xLabel} and ${chart.yLabel}`
    case 'scatter':
      return `${chart.title}: ${chart.y.label} over ${chart.x.label}`
    case 'parallel':
      return `${chart.title}: ${chart.axes.map(axis => axis.label).join(', ')}`
    case 'timeline':
      return `${chart.title}: ${chart.bars.length} stretches of time, ${chart.xLabel}`
    default:
      return `${chart.title}: ${chart.yLabel} over ${chart.xLabel}`
  }
}

const right = (title: string) => ({ title, align: 'right' as const })
/** Four digits tell all that a picture can. */
export const short = (value: number): string =>
  Number.isFinite(value) ? axisNumber(Number(value.toPrecision(4))) : '—'
const withRange = (value: number, range: readonly [number, number] | undefined): string =>
  range === undefined ? short(value) : `${short(value)} (${short(range[0])} … ${short(range[1])})`

/** First, last, and evenly spaced ones between. */
const thin = <T>(items: readonly T[], most: number): T[] =>
  items.length <= most
    ? [...items]
    : Array.from({ length: most }, (_, i) => items[Math.round((i * (items.length - 1)) / (most - 1))]!)

function linesTable(chart: LineChart): Table {
  const series = chart.series.filter(s => !s.muted)
  const xs = [...new Set(series.flatMap(s => s.points.map(([x]) => x)))].sort((a, b) => a - b)
  const looked = series.map(s => ({
    values: new Map(s.points.map(([x, y]) => [x, y])),
    bands: new Map((s.band ?? []).map(([x, low, high]) => [x, [low, high] as const])),
  }))
  return {
    columns: [right(chart.xLabel), ...series.map(s => right(s.name))],
    rows: thin(xs, MOST_ROWS).map(x => [
      short(x),
      ...looked.map(({ values, bands }) => {
        const y = values.get(x)
        return y === undefined ? '—' : withRange(y, bands.get(x))
      }),
    ]),
    caption: chart.yLabel,
  }
}

const barsTable = (chart: BarChart): Table => ({
  columns: [{ title: '' }, ...chart.series.map(s => right(s.name))],
  rows: chart.categories.map((name, i) => [name, ...chart.series.map(s => withRange(s.values[i]!, s.ranges?.[i]))]),
  caption: chart.valueLabel,
})

function histogramTable(chart: HistogramChart): Table {
  const bins = chart.edges.slice(0, -1).map((from, i) => ({ i, from, to: chart.edges[i + 1]! }))
  return {
    columns: [right(chart.xLabel), ...chart.series.map(s => right(s.name))],
    rows: thin(bins, MOST_ROWS).map(({ i, from, to }) => [
      `${short(from)} … ${short(to)}`,
      ...chart.series.map(s => short(s.shares[i]!)),
    ]),
    caption: chart.yLabel,
  }
}

/** A place on an axis in words. */
export const onAxis = ({ names }: { readonly names?: readonly string[] }, value: number): string =>
  names === undefined ? short(value) : (names[value] ?? '—')

const scatterTable = (chart: ScatterChart): Table => ({
  columns: [{ title: '' }, right(chart.x.label), right(chart.y.label)],
  rows: thin(chart.points, MOST_ROWS).map(p => [p.label, onAxis(chart.x, p.x), onAxis(chart.y, p.y)]),
})

const parallelTable = (chart: ParallelChart): Table => ({
  columns: [{ title: '' }, ...chart.axes.map(axis => right(axis.label))],
  rows: thin(chart.lines, MOST_ROWS).map(line => [line.label, ...line.values]),
})

const timelineTable = (chart: TimelineChart): Table => ({
  columns: [{ title: '' }, { title: 'state' }, right('from'), right('to')],
  rows: thin(chart.bars, MOST_ROWS).map(bar => [
    bar.label,
    chart.kinds[bar.kind]?.name ?? '',
    short(bar.from),
    short(bar.to),
  ]),
  caption: chart.xLabel,
})

function surfaceTable(chart: SurfaceChart): Table {
  const point = (p: readonly [number, number] | undefined) =>
    p === undefined ? '—' : `(${short(p[0])}, ${short(p[1])})`
  return {
    columns: [{ title: '' }, right('points'), right('start'), right('end'), right(`${chart.valueLabel} at the end`)],
    rows: [
      ...(chart.paths ?? []).map(({ name, points }) => {
        const end = points.at(-1)
        return [
          name,
          String(points.length),
          point(points[0]),
          point(end),
          end === undefined ? '—' : short(groundAt(chart, end)),
        ]
      }),
      ...thin(chart.points ?? [], MOST_ROWS).map(p => [
        p.label,
        '',
        '',
        point([p.x, p.y]),
        short(groundAt(chart, [p.x, p.y])),
      ]),
      ...(chart.marks ?? []).map(m => [m.label, '', '', point([m.x, m.y]), short(groundAt(chart, [m.x, m.y]))]),
    ],
    caption: `${chart.xLabel}, ${chart.yLabel}; heights as the nearest point of the picture's grid has them`,
  }
}

/** The surface's value at the nearest point of its grid; NaN outside. */
export function groundAt({ x, y, xLog, yLog, values }: SurfaceChart, [px, py]: readonly [number, number]): number {
  const index = (axis: readonly number[], v: number, log = false) =>
    Math.round(shareOf(v, [axis[0]!, axis.at(-1)!], log) * (axis.length - 1))
  return values[index(y, py, yLog)]?.[index(x, px, xLog)] ?? Number.NaN
}
