import { chartTable, isLines, labelOf, short } from './numbers.js'
import type { Chart, Report, Table } from './record.js'

/** A table for a terminal. */
export function tableText(table: Table): string {
  const widths = table.columns.map((column, i) =>
    Math.max(column.title.length, ...table.rows.map(row => row[i]?.length ?? 0)),
  )
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, i) => (table.columns[i]?.align === 'right' ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!)))
      .join('   ')
      .trimEnd()
  return [
    line(table.columns.map(column => column.title)),
    widths.map(width => '─'.repeat(width)).join('───'),
    ...table.rows.map(line),
  ].join('\n')
}

const SPARKS = '▁▂▃▄▅▆▇█'

/** Values as a line of little bars, each column the last of its share of the values. */
export function sparkline(values: readonly number[], width = 32): string {
  const finite = values.filter(Number.isFinite)
  const [low, high] = [Math.min(...finite), Math.max(...finite)]
  const columns = Math.min(width, values.length)
  return Array.from({ length: columns }, (_, i) => {
    const value = values[Math.ceil(((i + 1) * values.length) / columns) - 1]!
    if (!Number.isFinite(value)) return ' '
    return SPARKS[high === low ? 0 : Math.round(((value - low) / (high - low)) * (SPARKS.length - 1))]!
  }).join('')
}

/** A chart for a terminal: lines and histograms as sparklines, everything else as its table. */
export function chartText(chart: Chart): string {
  const rows = (names: readonly string[], line: (i: number) => string) => {
    const width = Math.max(0, ...names.map(name => name.length))
    return names.map((name, i) => `  ${name.padEnd(width)}  ${line(i)}`)
  }
  if (isLines(chart)) {
    const series = chart.series.filter(s => !s.muted && s.points.length > 0)
    const ends = (i: number) => {
      const ys = series[i]!.points.map(([, y]) => y)
      return `${sparkline(ys)}  ${short(ys[0]!)} → ${short(ys.at(-1)!)}`
    }
    return [
      `${chart.title}: ${chart.yLabel} over ${chart.xLabel}`,
      ...rows(
        series.map(s => s.name),
        ends,
      ),
    ].join('\n')
  }
  if (chart.kind === 'histogram') {
    const [from, to] = [short(chart.edges[0]!), short(chart.edges.at(-1)!)]
    const spread = (i: number) => `${sparkline(chart.series[i]!.shares)}  ${chart.series[i]!.remark ?? ''}`.trimEnd()
    return [
      `${chart.title}: ${chart.xLabel} from ${from} to ${to}`,
      ...rows(
        chart.series.map(s => s.name),
        spread,
      ),
    ].join('\n')
  }
  return `${labelOf(chart)}\n${tableText(chartTable(chart))}`
}

/** A whole report as plain text. */
export function reportText(report: Report): string {
  const parts = [report.title, '═'.repeat(report.title.length), report.lead]
  for (const section of report.sections) {
    parts.push('', section.heading, '─'.repeat(section.heading.length), ...(section.text ?? []))
    if (section.table !== undefined) {
      parts.push('', tableText(section.table))
      if (section.table.caption !== undefined) parts.push(section.table.caption)
    }
    for (const chart of section.charts ?? [])
      parts.push(
        '',
        chart.kind === 'panels' ? [chart.title, ...chart.panels.map(chartText)].join('\n') : chartText(chart),
      )
  }
  return `${parts.join('\n')}\n`
}
