import type { OpRecord } from '../src/ops/define.js'
import { operators } from '../src/ops/table.js'

/** The table of operators, from the records themselves. */
export function operatorTable(): string {
  const records = [...operators.values()].sort((a, b) => a.op.localeCompare(b.op))
  const checked = records.filter(
    record => record.samples.some(sample => sample.forwardOnly === undefined) && hasGradient(record),
  )
  return `# Operators

Generated from the records in \`src/ops\` by \`npm run docs\`. ${records.length} operators, ${checked.length} of them with a gradient that the test suite checks by central differences, first and second order, on the number of samples given. Every operator is written at opset 21 and read from opset 9 on where an upgrade is named or the operator has not changed.

| operator | inputs (gradient) | attributes | samples | reads old opsets |
| --- | --- | --- | ---: | --- |
${records.map(row).join('\n')}

Gradient: **bold** inputs have a rule, *italic* ones are differentiated through the operator's body, plain ones have none by definition (integers, steps, conditions).
`
}

const hasGradient = (record: OpRecord): boolean =>
  record.vjp === 'body' || Object.values(record.vjp).some(rule => rule !== null)

function row(record: OpRecord): string {
  const inputs = record.inputs.map(input => {
    const name = `${input.name}${input.optional ? '?' : ''}${input.variadic ? '…' : ''}`
    if (record.vjp === 'body') return `*${name}*`
    return record.vjp[input.name] === null ? name : `**${name}**`
  })
  const name = record.domain === '' ? record.op : `${record.domain}.${record.op}`
  return `| ${name} | ${inputs.join(', ')} | ${Object.keys(record.attrs).join(', ') || '–'} | ${record.samples.length} | ${record.upgrade === undefined ? 'unchanged' : 'upgraded'} |`
}
