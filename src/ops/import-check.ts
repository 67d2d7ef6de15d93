import { type GraphDescription, isGraphDescription, type NodeDescription, nodeLabel } from '../ir/decode-model.js'
import { type Attrs, ConfigError, type ErrorDetails, GraphError, nearest, type Value } from '../ir/index.js'
import type { OldNode, OpRecord, Upgraded } from './define.js'
import { fromUpsample } from './resize.js'

/** Operators that ONNX dropped, as what took their place. */
export const retired: Readonly<Record<string, (node: OldNode, opset: number) => Upgraded>> = { Upsample: fromUpsample }
const successors: Readonly<Record<string, string>> = { Upsample: '.Resize', Scatter: '.ScatterElements' }

/** The record of a node's operator, or of the one that took its place. */
export const recordOf = (node: NodeDescription, operators: ReadonlyMap<string, OpRecord>): OpRecord | undefined =>
  operators.get((node.domain === '' ? successors[node.op] : undefined) ?? `${node.domain}.${node.op}`)

/** Names every operator that anneal does not know, all at once. */
export function refuseUnknown(graph: GraphDescription, operators: ReadonlyMap<string, OpRecord>): void {
  const unknown = new Map<string, string[]>()
  const visit = (nodes: readonly NodeDescription[]) => {
    for (const node of nodes) {
      const constant = node.op === 'Constant' && node.domain === ''
      if (!constant && recordOf(node, operators) === undefined) {
        const op = node.domain === '' ? node.op : `${node.domain}.${node.op}`
        unknown.set(op, [...(unknown.get(op) ?? []), nodeLabel(node)])
      }
      for (const attr of Object.values(node.attrs)) if (isGraphDescription(attr)) visit(attr.nodes)
    }
  }
  visit(graph.nodes)
  if (unknown.size === 0) return
  const all = [...operators.values()].map(record => record.op)
  throw new GraphError({
    code: 'unknown-operators',
    expected: 'operators in docs/operators.md',
    received: [...unknown.keys()].sort(),
    problems: [...unknown].map(
      ([op, nodes]): ErrorDetails => ({
        code: 'unknown-operator',
        where: `${nodes.slice(0, 3).join(', ')}${nodes.length > 3 ? ` and ${nodes.length - 3} more` : ''}`,
        received: op,
        hint: `nearest known: ${nearest(op, all).join(', ')}`,
      }),
    ),
  })
}

/** Lengths that only a hostile file has, and on which inference would take for ever. */
export function refuseAbsurd(
  node: NodeDescription,
  record: OpRecord,
  inputs: readonly (Value | null)[],
  attrs: Attrs,
): void {
  const refuse = (expected: string, received: unknown): never => {
    throw new GraphError({ code: 'absurd-size', where: nodeLabel(node), expected, received })
  }
  inputs.forEach((input, i) => {
    const spec = record.inputs[Math.min(i, record.inputs.length - 1)]
    if (spec !== undefined && vectors.has(spec.name) && Number(input?.shape[0] ?? 0) > MAX_VECTOR)
      refuse(`at most ${MAX_VECTOR} elements in ${spec.name}`, input!.shape[0])
    if ((input?.shape.length ?? 0) > MAX_RANK) refuse(`at most ${MAX_RANK} axes`, input!.shape.length)
  })
  for (const [name, attr] of Object.entries(attrs))
    if (Array.isArray(attr) && attr.length > MAX_VECTOR)
      refuse(`at most ${MAX_VECTOR} elements in ${name}`, attr.length)
  if (record.outputs[0]?.variadic && typeof attrs.num_outputs === 'number' && attrs.num_outputs !== node.outputs.length)
    refuse(`${node.outputs.length} outputs`, attrs.num_outputs)
}
const MAX_RANK = 64
const MAX_VECTOR = 4096
/** Inputs with one number per axis (or per part). */
const vectors = new Set(['shape', 'axes', 'repeats', 'starts', 'ends', 'steps', 'pads', 'split', 'sizes', 'scales'])

/** Every name of `dims` must be a symbolic dimension of the model. */
export function checkDims(graph: GraphDescription, dims: Readonly<Record<string, number>>): void {
  const symbols = new Set(graph.inputs.flatMap(port => port.shape ?? []).filter(dim => typeof dim === 'string'))
  for (const [name, size] of Object.entries(dims)) {
    if (!symbols.has(name))
      throw new ConfigError({
        code: 'unknown-dimension',
        where: `dims.${name}`,
        expected: symbols.size === 0 ? 'no dims: the inputs are static' : `one of ${[...symbols].join(', ')}`,
        received: name,
      })
    if (!Number.isSafeInteger(size) || size < 1)
      throw new ConfigError({
        code: 'bad-dimension',
        where: `dims.${name}`,
        expected: 'a whole number ≥ 1',
        received: size,
      })
  }
}
