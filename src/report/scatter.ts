import { LABEL, textWidth } from './head.js'
import { axisKind, axisStyle, type Plot, type PlotContext, rangeOf } from './plot.js'
import type { Axis, ScatterChart } from './record.js'
import { type Ink, shadeOf } from './theme.js'

/** Dots, the strong ones over the faint ones; on axes of names they stand a little beside each other. */
export function scatterPlot(chart: ScatterChart, { ink, width, height }: PlotContext): Plot {
  const names = chart.y.names ?? []
  const wide = Math.ceil(Math.max(0, ...names.map(name => textWidth(name, 11)))) + 12
  const order = chart.points
    .map((point, i) => ({ point, i }))
    .sort(
      (a, b) => Number(b.point.hollow ?? false) - Number(a.point.hollow ?? false) || shade(a.point) - shade(b.point),
    )
  return {
    yLabel: chart.y.label,
    legend: chart.shades === undefined ? [] : legendOf(chart.shades, ink),
    margin: {
      left: names.length === 0 ? 46 : Math.min(Math.max(wide, 30), Math.floor(width * 0.4)),
      right: 14,
      bottom: 40,
    },
    height,
    xAxis: {
      ...axisOf(
        chart.x,
        chart.points.map(p => p.x),
        ink,
      ),
      name: chart.x.label,
      nameLocation: 'middle',
      nameGap: 24,
      nameTextStyle: { color: ink.faint, fontSize: LABEL },
    },
    yAxis: {
      ...axisOf(
        chart.y,
        chart.points.map(p => p.y),
        ink,
      ),
      splitNumber: 4,
    },
    series: [
      {
        type: 'scatter',
        symbolSize: 7,
        data: order.map(({ point, i }) => ({
          value: [point.x + beside(chart.x, i), point.y + beside(chart.y, i + 1)],
          itemStyle: point.hollow
            ? { color: 'transparent', borderColor: ink.muted, borderWidth: 1.2 }
            : { color: shadeOf(ink, shade(point)), borderColor: ink.paper, borderWidth: 0.6 },
        })),
      },
    ],
  }
}

const shade = (point: { readonly shade?: number }): number => point.shade ?? 1

/** The ends of the scale of shades and what lies between them. */
export const legendOf = ([faint, strong]: readonly [string, string], ink: Ink) => [
  { name: faint, colour: shadeOf(ink, 0), dot: true },
  { name: '…', colour: shadeOf(ink, 0.5), dot: true },
  { name: strong, colour: shadeOf(ink, 1), dot: true },
]

/** Points of one name would hide each other: they are spread by the golden ratio, which never repeats. */
const beside = ({ names }: Axis, i: number): number => (names === undefined ? 0 : (((i * 0.618034) % 1) - 0.5) * 0.44)

function axisOf(axis: Axis, values: readonly number[], ink: Ink) {
  const [min, max] = rangeOf(axis, values)
  const style = axisStyle(ink)
  if (axis.names !== undefined)
    return {
      ...style,
      type: 'value',
      min,
      max,
      splitLine: { show: false },
      axisLabel: {
        ...style.axisLabel,
        // Ticks would begin at the axis's end, half a place before the first name.
        customValues: [...axis.names.keys()],
        formatter: (place: number) => axis.names?.[place] ?? '',
      },
    }
  return {
    ...style,
    ...axisKind(axis.log, min, max),
    min,
    max,
    splitLine: { lineStyle: { color: ink.grid } },
    axisLabel: { ...style.axisLabel, showMinLabel: false, showMaxLabel: false },
  }
}
