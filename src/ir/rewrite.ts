import { dependencies, liveNodes } from './encode.js'
import { Graph, type Node, type Value } from './graph.js'
import type { Shape } from './shape.js'

/** A graph with what it is asked for: what passes take and return. */
export interface Traced {
  readonly graph: Graph
  readonly outputs: Readonly<Record<string, Value>>
}

/** Maps a node to the values that take the place of its outputs, given its inputs in the new graph; undefined copies it. */
export type Visit = (node: Node, inputs: readonly (Value | null)[], to: Graph) => readonly Value[] | undefined

/**
 * A copy of the live part of a graph, node by node through `visit`. Names of inputs, constants and nodes are kept.
 * @param inputShape shapes of the new graph's inputs, where they are to be others
 */
export function rewrite(
  { graph, outputs }: Traced,
  visit: Visit = () => undefined,
  inputShape: (input: Value) => Shape = input => input.shape,
): Traced & { image: ReadonlyMap<Value, Value> } {
  const to = new Graph(graph.outer, graph.tunables)
  const image = new Map<Value, Value>()
  for (const input of graph.inputs) image.set(input, to.input(input.name, input.dtype, inputShape(input)))
  const of = (value: Value): Value => {
    const known = image.get(value)
    if (known !== undefined) return known
    // A constant used for the first time, or a value of an enclosing graph.
    const copy =
      value.constant !== null && value.graph === graph ? to.constant(value.constant, keepName(to, value)) : value
    image.set(value, copy)
    return copy
  }
  for (const original of liveNodes(Object.values(outputs))) {
    const node = withBodies(original, to, of)
    const inputs = node.inputs.map(input => (input === null ? null : of(input)))
    const replaced = visit(node, inputs, to) ?? copyNode(node, inputs, to).outputs
    node.outputs.forEach((output, i) => {
      if (replaced[i] !== undefined) image.set(output, replaced[i])
    })
  }
  return {
    graph: to,
    outputs: Object.fromEntries(Object.entries(outputs).map(([name, value]) => [name, of(value)])),
    image,
  }
}

/** The node with the bodies in its attributes copied for the new graph, where what they use of it has new values. */
function withBodies(node: Node, to: Graph, of: (value: Value) => Value): Node {
  if (dependencies(node) === node.inputs) return node
  const attrs = Object.entries(node.attrs).map(([name, attr]) => [
    name,
    attr instanceof Graph ? copyBody(attr, to, of) : attr,
  ])
  return { ...node, attrs: Object.fromEntries(attrs) }
}

function copyBody(body: Graph, outer: Graph, outside: (value: Value) => Value): Graph {
  const to = new Graph(outer)
  const image = new Map<Value, Value>()
  for (const input of body.inputs) image.set(input, to.input(freeName(to, input.name), input.dtype, input.shape))
  const of = (value: Value): Value => {
    if (value.graph !== body) return outside(value)
    const known = image.get(value)
    if (known !== undefined) return known
    const copy = to.constant(value.constant!, keepName(to, value))
    image.set(value, copy)
    return copy
  }
  for (const node of body.nodes) {
    const inputs = node.inputs.map(input => (input === null ? null : of(input)))
    const copy = copyNode(withBodies(node, to, of), inputs, to)
    node.outputs.forEach((output, i) => {
      image.set(output, copy.outputs[i]!)
    })
  }
  for (const { name, value } of body.results) to.results.push({ name, value: of(value) })
  return to
}

const freeName = (to: Graph, name: string): string => (to.hasName(name) ? freeName(to, `${name}'`) : name)

// Generated names may be shared (equal scalars are kept once); names from a file or a user stay.
const keepName = (to: Graph, value: Value): string | undefined => {
  const generated = /(^|\/)const_\d+$/.test(value.name) && (value.constant?.data.length ?? 0) <= 8
  return generated || to.hasName(value.name) ? undefined : value.name
}

/** The same node in another graph. */
export const copyNode = (node: Node, inputs: readonly (Value | null)[], to: Graph): Node =>
  to.node({
    op: node.op,
    domain: node.domain,
    name: node.name,
    attrs: node.attrs,
    floatAttrs: node.floatAttrs,
    inputs,
    outputs: node.outputs,
    outputNames: node.outputs.map(output => output.name),
    ...(node.stopGradient ? { stopGradient: true } : {}),
    ...(node.keepOutputs ? { keepOutputs: true } : {}),
  })
