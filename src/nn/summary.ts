import type { Network } from './network.js'

export interface SummaryRow {
  readonly name: string
  readonly type: string
  readonly output: string
  readonly parameters: number
  readonly inputs: readonly string[]
}

/** A network's layers as plain records. */
export const summarize = (net: Network): SummaryRow[] =>
  net.calls.map((call, i) => ({
    name: call.name,
    type: call.layer.type,
    output: `[${call.output.shape.join(', ')}]`,
    // A shared layer's weights count where it is used first.
    parameters:
      net.calls.findIndex(c => c.name === call.name) === i
        ? call.weights.reduce((n, w) => n + w.shape.reduce((a, b) => a * b, 1), 0)
        : 0,
    inputs: call.inputs.map(from => (from < 0 ? net.inputs[-1 - from]!.name : net.calls[from]!.name)),
  }))

/** The same as a table, with totals. */
export function summary(net: Network): string {
  const rows = summarize(net).map(row => [
    `${row.name} (${row.type})`,
    row.output,
    row.parameters.toLocaleString('en-US'),
    row.inputs.join(', '),
  ])
  const head = ['Layer (type)', 'Output', 'Parameters', 'From']
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map(row => row[i]!.length)))
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, i) => (i === 2 ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!)))
      .join('  ')
      .trimEnd()
  const count = (trainable: boolean) =>
    net.weights.filter(w => w.trainable === trainable).reduce((n, w) => n + w.shape.reduce((a, b) => a * b, 1), 0)
  const [trained, fixed] = [count(true), count(false)]
  return [
    `Model: ${net.name}`,
    line(head),
    widths.map(width => '─'.repeat(width)).join('  '),
    ...rows.map(line),
    '',
    `Parameters: ${(trained + fixed).toLocaleString('en-US')} (${trained.toLocaleString('en-US')} trainable, ${fixed.toLocaleString('en-US')} not)`,
  ].join('\n')
}
