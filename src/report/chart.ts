import type { EChartsOption } from 'echarts'
import { barsPlot } from './bars.js'
import { headOf } from './head.js'
import { histogramPlot } from './histogram.js'
import { linesPlot } from './lines.js'
import { parallelPlot } from './parallel.js'
import type { Frame, Layer, Plot, PlotContext } from './plot.js'
import type { Chart } from './record.js'
import { scatterPlot } from './scatter.js'
import { surfacePlot } from './surface.js'
import { FONT, inks, type Theme } from './theme.js'
import { timelinePlot } from './timeline.js'

export type { Theme } from './theme.js'

export interface ChartSize {
  readonly width?: number
  /** Height of the plot itself; title, legend and axis come on top. */
  readonly height?: number
}

/** A drawing, and where in it the plot itself lies. */
export interface Drawing {
  readonly svg: string
  readonly width: number
  readonly height: number
  readonly frame: Frame
}

const plotOf = (chart: Chart, context: PlotContext): Plot => {
  switch (chart.kind) {
    case 'bars':
      return barsPlot(chart, context)
    case 'histogram':
      return histogramPlot(chart, context)
    case 'surface':
      return surfacePlot(chart, context)
    case 'scatter':
      return scatterPlot(chart, context)
    case 'parallel':
      return parallelPlot(chart, context)
    case 'timeline':
      return timelinePlot(chart, context)
    default:
      return linesPlot(chart, context)
  }
}

/** A chart as an SVG string of its own, drawn by ECharts without a browser. */
export async function chartSvg(chart: Chart, theme: Theme, size: ChartSize = {}): Promise<string> {
  return (await drawChart(chart, theme, size)).svg
}

export async function drawChart(
  chart: Chart,
  theme: Theme,
  { width = 620, height = 260 }: ChartSize = {},
): Promise<Drawing> {
  const echarts = await import('echarts/dist/echarts.esm.min.mjs')
  const ink = inks[theme]
  const plot = plotOf(chart, { theme, ink, width, height })
  const head = headOf({ title: chart.title, yLabel: plot.yLabel, legend: plot.legend }, width, ink)
  const frame: Frame = {
    left: plot.margin.left,
    top: head.bottom + (plot.margin.top ?? 0),
    right: width - plot.margin.right,
    bottom: head.bottom + (plot.margin.top ?? 0) + plot.height,
  }
  const total = frame.bottom + plot.margin.bottom
  const instance = echarts.init(null, null, { renderer: 'svg', ssr: true, width, height: total })
  try {
    instance.setOption({
      animation: false,
      backgroundColor: 'transparent',
      textStyle: { fontFamily: FONT, color: ink.text },
      grid: {
        left: frame.left,
        top: frame.top,
        width: frame.right - frame.left,
        height: plot.height,
        outerBoundsMode: 'none',
      },
      xAxis: plot.xAxis,
      yAxis: plot.yAxis,
      series: [...plot.series, ...(plot.layers?.(frame) ?? []).map(layerSeries)].map(series => ({
        silent: true,
        emphasis: { disabled: true },
        ...series,
      })),
      graphic: head.shapes,
    } as EChartsOption)
    return { svg: tidy(instance.renderToSVGString()), width, height: total, frame }
  } finally {
    instance.dispose()
  }
}

/** Loose shapes as a series: ECharts' graphic elements know neither paths nor clipping. */
const layerSeries = ({ z, clip = false, shapes }: Layer) => ({
  type: 'custom',
  z,
  clip,
  data: [[0, 0]],
  // No place on the axes: the shapes stand where they stand.
  encode: { x: -1, y: -1 },
  renderItem: () => ({ type: 'group', children: [...shapes] }),
})

/** Drops what only a page with ECharts in it would need, and digits nobody sees. */
const tidy = (svg: string): string =>
  svg
    .replace(/<style\s*>[\s\S]*?<\/style>/g, '')
    .replace(/ class="zr\d+-cls-\d+"| ecmeta_\w+="[^"]*"| pointer-events="visible"/g, '')
    .replace(/ (?:d|transform)="[^"]*"/g, place => place.replace(/(\d\.\d\d)\d+/g, '$1'))
    .replace(/\n+/g, '\n')
