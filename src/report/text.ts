import type { Table } from './record.js'

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
