import { LABEL, type Shape } from './head.js'
import { axisStyle, type Frame, type Plot, type PlotContext, rangeOf, shareOf } from './plot.js'
import type { TimelineChart } from './record.js'
import { colourOf } from './theme.js'

/** Bars in rows, from when to when. */
export function timelinePlot(chart: TimelineChart, { theme, ink, height }: PlotContext): Plot {
  const row = Math.max(Math.min(26, height / Math.max(chart.rows, 1)), 7)
  const span = rangeOf(
    {},
    chart.bars.flatMap(bar => [bar.from, bar.to]),
  )
  const colour = (kind: number) => colourOf(theme, chart.kinds[kind]?.group ?? kind)
  const used = new Set(chart.bars.map(bar => bar.kind))
  return {
    yLabel: chart.rowLabel,
    legend: chart.kinds.flatMap(({ name }, kind) =>
      used.has(kind) ? [{ name, colour: colour(kind), dot: true }] : [],
    ),
    margin: { left: 14, right: 14, bottom: 40 },
    height: row * Math.max(chart.rows, 1),
    xAxis: {
      ...axisStyle(ink),
      type: 'value',
      min: span[0],
      max: span[1],
      name: chart.xLabel,
      nameLocation: 'middle',
      nameGap: 24,
      nameTextStyle: { color: ink.faint, fontSize: LABEL },
      axisLabel: { ...axisStyle(ink).axisLabel, showMinLabel: false, showMaxLabel: false },
    },
    yAxis: { type: 'value', min: 0, max: 1, show: false },
    series: [],
    layers: frame => [{ z: 3, shapes: chart.bars.map(bar => stretch(bar, frame)) }],
  }

  function stretch({ row: at, from, to, kind }: TimelineChart['bars'][number], frame: Frame): Shape {
    const place = (x: number) => frame.left + shareOf(x, span) * (frame.right - frame.left)
    const [x, end] = [place(from), place(to)]
    const gap = row > 12 ? 2 : 1
    return {
      type: 'rect',
      silent: true,
      shape: { x, y: frame.top + at * row + gap, width: Math.max(end - x - 0.6, 0.8), height: row - 2 * gap, r: 1.5 },
      style: { fill: colour(kind) },
    }
  }
}
