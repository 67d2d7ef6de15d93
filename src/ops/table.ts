import { GraphError, nearest } from '../ir/index.js'
import type { OpRecord } from './define.js'
import * as everything from './index.js'

/** Every operator anneal knows, by `domain.name` (ONNX's own domain is empty: `.Conv`). Built from what `index.ts` exports. */
export const operators: ReadonlyMap<string, OpRecord> = new Map(
  Object.values(everything).flatMap(member => {
    const record = typeof member === 'function' && 'record' in member ? member.record : undefined
    return record === undefined ? [] : [[`${record.domain}.${record.op}`, record] as const]
  }),
)

/** The record of an operator, or an error that names node and operator. */
export function operatorOf(node: { op: string; domain: string; name: string }): OpRecord {
  const record = operators.get(`${node.domain}.${node.op}`)
  if (record === undefined)
    throw new GraphError({
      code: 'unknown-operator',
      where: node.name,
      expected: 'an operator in docs/operators.md',
      received: node.domain === '' ? node.op : `${node.domain}.${node.op}`,
      hint: `nearest known: ${nearest(
        node.op,
        [...operators.values()].map(r => r.op),
      ).join(', ')}`,
    })
  return record
}
