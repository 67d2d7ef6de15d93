export { type ChartSize, chartSvg, type Theme } from './chart.js'
export { reportHtml } from './html.js'
export { chartTable } from './numbers.js'
export type {
  BarChart,
  Chart,
  HistogramChart,
  LineChart,
  Panels,
  Report,
  Section,
  Series,
  SurfaceChart,
  SurfacePath,
  Table,
} from './record.js'
export { chartText, reportText, sparkline, tableText } from './text.js'
