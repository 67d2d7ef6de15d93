export { chartSvg, type Theme } from './chart.js'
export { reportHtml } from './html.js'
export type { LineChart, Report, Section, Series, Table } from './record.js'
export { tableText } from './text.js'
