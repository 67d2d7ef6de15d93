import { DASHES, LABEL } from './head.js'
import { axisStyle, type Plot, type PlotContext } from './plot.js'
import type { LineChart, Series } from './record.js'
import { colourOf } from './theme.js'

type Mark = NonNullable<LineChart['marks']>[number]

/** Context behind, then bands, then lines, so that no line is hidden by a band. */
export function linesPlot(chart: LineChart, { theme, ink, height }: PlotContext): Plot {
  const colour = (series: Series, i: number) => (series.muted ? ink.muted : colourOf(theme, series.group ?? i))
  const shown = chart.series.map((series, i) => ({ series, colour: colour(series, i) }))
  const dots = ({ series, colour }: (typeof shown)[number]) => ({
    type: 'scatter',
    data: series.points.map(point => [...point]),
    z: series.muted ? 2 : 3,
    symbolSize: series.muted ? 4.5 : 6,
    itemStyle: { color: colour, opacity: series.muted ? 0.9 : 0.75 },
  })
  const line = ({ series, colour }: (typeof shown)[number]) => ({
    type: 'line',
    data: series.points.map(point => [...point]),
    z: series.muted ? 2 : 4,
    ...(series.draw === 'steps' ? { step: 'end' } : {}),
    ...(series.points.length === 1 ? { symbol: 'circle', symbolSize: 7 } : { symbol: 'none' }),
    lineStyle: {
      width: series.muted ? 1.4 : 2.2,
      cap: 'round',
      join: 'round',
      ...(series.dashed ? { type: DASHES } : {}),
    },
    color: colour,
  })
  const bands = shown.filter(({ series }) => (series.band?.length ?? 0) > 1)
  const whole = chart.series.every(s => s.points.every(([x]) => Number.isInteger(x)))
  const points = (chart.marks ?? []).filter((mark): mark is Required<Mark> => mark.y !== undefined)
  const places = (chart.marks ?? []).filter(mark => mark.y === undefined)
  return {
    yLabel: chart.yLabel,
    legend: shown
      .filter(({ series }) => !series.muted)
      .map(({ series, colour }) => ({
        name: series.name,
        colour,
        dashed: series.dashed ?? false,
        dot: series.points.length === 1 || series.draw === 'dots',
      })),
    margin: { left: 46, right: 14, bottom: 40, top: places.length > 0 ? 14 : 0 },
    height,
    xAxis: {
      ...axisStyle(ink),
      ...(chart.xLog ? { axisLabel: { ...axisStyle(ink).axisLabel, formatter: powerOfTen } } : {}),
      type: chart.xLog ? 'log' : 'value',
      min: 'dataMin',
      max: 'dataMax',
      name: chart.xLabel,
      nameLocation: 'middle',
      nameGap: 24,
      nameTextStyle: { color: ink.faint, fontSize: LABEL },
      splitLine: { show: false },
      // Epochs have no halves.
      ...(chart.xLog || !whole ? {} : { minInterval: 1 }),
      // Ends that are no round numbers would crowd the first that are.
      ...(chart.xLog || whole
        ? {}
        : { axisLabel: { ...axisStyle(ink).axisLabel, showMinLabel: false, showMaxLabel: false } }),
    },
    yAxis: {
      ...axisStyle(ink),
      type: chart.yLog ? 'log' : 'value',
      scale: true,
      splitNumber: 4,
      axisLine: { show: false },
      ...endsOf(chart),
    },
    series: [
      ...bands.map(({ series, colour }) => band(series, colour)),
      ...shown.map((entry, i) => ({
        ...(entry.series.draw === 'dots' ? dots(entry) : line(entry)),
        ...(i === 0 && places.length > 0 ? { markLine: markLines(places, ink) } : {}),
      })),
      ...(points.length === 0 ? [] : [markPoints(points, ink)]),
    ],
  }
}

/**
 * The ends of the upright axis and the powers of ten between ticks, where they are not left to the drawing: a logarithmic
 * one ends at powers of ten.
 */
function endsOf({ series, yLog, yRange }: LineChart): {
  readonly min?: number
  readonly max?: number
  readonly interval?: number
} {
  if (yRange !== undefined) return { min: yRange[0], max: yRange[1] }
  if (!yLog) return {}
  let [low, high] = [Infinity, 0]
  for (const [, ...values] of series.flatMap(s => [...s.points, ...(s.band ?? [])]))
    for (const y of values)
      if (y > 0 && y < Infinity) {
        low = Math.min(low, y)
        high = Math.max(high, y)
      }
  if (high === 0) return {}
  const most = Math.ceil(Math.log10(high))
  const span = Math.max(1, most - Math.floor(Math.log10(low)))
  const interval = Math.ceil(span / 6)
  return { min: 10 ** (most - interval * Math.ceil(span / interval)), max: 10 ** most, interval }
}

/** A filled polygon: stacked areas, the usual way, are wrong on a logarithmic axis. */
function band(series: Series, colour: string) {
  const points = series.band!
  return {
    type: 'custom',
    z: 3,
    clip: true,
    data: points.map(point => [...point]),
    encode: { x: 0, y: [1, 2] },
    renderItem: (
      { dataIndex }: { dataIndex: number },
      api: { coord(point: readonly number[]): readonly [number, number] },
    ) => {
      if (dataIndex > 0) return undefined
      const at = (x: number, y: number) =>
        api
          .coord([x, y])
          .map(v => v.toFixed(1))
          .join(' ')
      const there = points.map(([x, , high]) => at(x, high))
      const back = points.map(([x, low]) => at(x, low)).reverse()
      return {
        type: 'path',
        shape: { pathData: `M${[...there, ...back].join('L')}Z` },
        style: { fill: colour, opacity: 0.2 },
      }
    },
  }
}

const markPoints = (points: readonly Required<Mark>[], ink: PlotContext['ink']) => ({
  type: 'scatter',
  z: 6,
  symbolSize: 9,
  itemStyle: { color: ink.text, borderColor: ink.paper, borderWidth: 2 },
  data: points.map(({ x, y, label }) => ({
    value: [x, y],
    label: {
      show: true,
      formatter: () => label,
      position: 'top',
      color: ink.text,
      fontSize: LABEL,
      textBorderColor: ink.paper,
      textBorderWidth: 3,
    },
  })),
})

const markLines = (marks: readonly Mark[], ink: PlotContext['ink']) => ({
  symbol: 'none',
  silent: true,
  precision: 15, // ECharts would round places to two decimals
  lineStyle: { type: 'dotted', width: 1.5, color: ink.text },
  label: { formatter: '{b}', color: ink.text, fontSize: LABEL },
  data: marks.map(mark => ({ xAxis: mark.x, name: mark.label })),
})

/** Names whole powers of ten; the ends of an axis that lie between them stay bare. */
function powerOfTen(value: number): string {
  const power = Math.log10(value)
  if (Math.abs(power - Math.round(power)) > 1e-6) return ''
  return `10${[...String(Math.round(power))].map(digit => '⁰¹²³⁴⁵⁶⁷⁸⁹'[Number(digit)] ?? '⁻').join('')}`
}
