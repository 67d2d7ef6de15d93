import { LABEL, type Shape, textShape, textWidth } from './head.js'
import { axisStyle, type Frame, type Plot, type PlotContext } from './plot.js'
import type { HistogramChart } from './record.js'
import { colourOf } from './theme.js'

const RIDGE = 34
/** How far a ridge may reach over the one above it. */
const OVERLAP = 1.45

/** Steps of equal width: one outline for each series over the others, or each on a line of its own. */
export function histogramPlot(chart: HistogramChart, { theme, ink, width, height }: PlotContext): Plot {
  const ridges = chart.layout === 'ridges'
  const n = chart.series.length
  const colour = (i: number) => colourOf(theme, chart.series[i]!.group ?? i)
  const [first, last] = [chart.edges[0]!, chart.edges.at(-1)!]
  const widest = (texts: readonly string[]) => Math.ceil(Math.max(0, ...texts.map(text => textWidth(text, LABEL))))
  const left = ridges ? Math.min(widest(chart.series.map(s => s.name)) + 12, Math.floor(width * 0.36)) : 46
  const remarks = ridges ? widest(chart.series.map(s => s.remark ?? '')) : 0
  const peak = Math.max(...chart.series.flatMap(s => s.shares), Number.MIN_VALUE)
  return {
    yLabel: chart.yLabel,
    legend: ridges ? [] : chart.series.map((s, i) => ({ name: s.name, colour: colour(i) })),
    margin: { left, right: remarks > 0 ? remarks + 12 : 14, bottom: 40 },
    height: ridges ? RIDGE * n + RIDGE * (OVERLAP - 1) : height,
    xAxis: {
      ...axisStyle(ink),
      type: 'value',
      min: first,
      max: last,
      name: chart.xLabel,
      nameLocation: 'middle',
      nameGap: 24,
      nameTextStyle: { color: ink.faint, fontSize: LABEL },
      splitLine: { show: ridges, lineStyle: { color: ink.grid } },
    },
    yAxis: {
      ...axisStyle(ink),
      type: 'value',
      min: 0,
      max: ridges ? 1 : peak * 1.05,
      axisLine: { show: false },
      splitNumber: 4,
      axisLabel: { ...axisStyle(ink).axisLabel, show: !ridges, showMaxLabel: false },
      ...(ridges ? { splitLine: { show: false } } : {}),
    },
    series: [],
    layers: frame => [{ z: 5, shapes: chart.series.flatMap((_, i) => (ridges ? ridge(i, frame) : outline(i, frame))) }],
  }

  function steps(i: number, frame: Frame, base: number, scale: number): { area: string; line: string } {
    const { shares } = chart.series[i]!
    const x = (edge: number) => frame.left + ((edge - first) / (last - first)) * (frame.right - frame.left)
    const points = shares.flatMap((share, k) => {
      const y = (base - share * scale).toFixed(1)
      return [`${x(chart.edges[k]!).toFixed(1)} ${y}`, `${x(chart.edges[k + 1]!).toFixed(1)} ${y}`]
    })
    const line = `M${points.join('L')}`
    return { line, area: `${line}L${frame.right.toFixed(1)} ${base}L${frame.left} ${base}Z` }
  }

  function outline(i: number, frame: Frame): Shape[] {
    const { area, line } = steps(i, frame, frame.bottom, (frame.bottom - frame.top) / (peak * 1.05))
    return [
      path(area, { fill: colour(i), opacity: 0.14 }),
      path(line, { fill: 'none', stroke: colour(i), lineWidth: 2 }),
    ]
  }

  function ridge(i: number, frame: Frame): Shape[] {
    const { name, remark, shares } = chart.series[i]!
    const base = frame.bottom - (n - 1 - i) * RIDGE
    const { area, line } = steps(i, frame, base, (RIDGE * OVERLAP) / Math.max(...shares, Number.MIN_VALUE))
    return [
      path(area, { fill: ink.paper, opacity: 0.75 }),
      path(area, { fill: colour(i), opacity: 0.45 }),
      path(line, { fill: 'none', stroke: colour(i), lineWidth: 1.6 }),
      textShape(frame.left - 8, base - 15, name, ink.text, LABEL, { align: 'right' }),
      ...(remark === undefined ? [] : [textShape(frame.right + 8, base - 15, remark, ink.faint, LABEL)]),
    ]
  }
}

const path = (pathData: string, style: Record<string, unknown>): Shape => ({
  type: 'path',
  silent: true,
  shape: { pathData },
  style,
})
