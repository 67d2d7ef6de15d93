export { type ChartSize, chartSvg, type Theme } from './chart.js'
export { reportHtml } from './html.js'
export { chartTable, short } from './numbers.js'
export type {
  Axis,
  BarChart,
  Chart,
  HistogramChart,
  LineChart,
  Panels,
  ParallelChart,
  Report,
  ScatterChart,
  Section,
  Series,
  SurfaceChart,
  SurfacePath,
  Table,
  TimelineChart,
} from './record.js'
export { chartText, reportText, sparkline, tableText } from './text.js'
