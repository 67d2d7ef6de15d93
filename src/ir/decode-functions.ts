import {
  type AttributeDescription,
  type FunctionDescription,
  type GraphDescription,
  isGraphDescription,
  type ModelDescription,
  type NodeDescription,
  nodeLabel,
} from './decode-model.js'
import { FormatError } from './errors.js'

/** Functions that call functions can double a file's size with every few bytes. */
const MAX_NODES = 300_000
const MAX_DEPTH = 100

type Attributes = Readonly<Record<string, AttributeDescription>>
/** One use of a function: what its names and attributes stand for. */
interface Call {
  readonly rename: (name: string) => string
  readonly attrs: Attributes
}

/** The model with every call of a function it defines replaced by the function's nodes. */
export function inlineFunctions(model: ModelDescription): ModelDescription {
  if (model.functions.length === 0) return model
  const functions = new Map(model.functions.map(f => [keyOf(f), f]))
  const taken = new Set<string>()
  collectNames(model.graph, taken)
  let total = 0

  function expand(nodes: readonly NodeDescription[], open: readonly FunctionDescription[]): NodeDescription[] {
    return nodes.flatMap(node => {
      const called = functions.get(keyOf(node))
      if (++total > MAX_NODES)
        throw new FormatError({
          code: 'too-large',
          where: nodeLabel(node),
          expected: `at most ${MAX_NODES} nodes with functions expanded`,
          received: 'more',
        })
      if (called === undefined) return [mapBodies(node, body => ({ ...body, nodes: expand(body.nodes, open) }))]
      if (open.includes(called) || open.length >= MAX_DEPTH)
        throw new FormatError({
          code: 'recursive-function',
          where: nodeLabel(node),
          expected: `functions that do not call themselves, at most ${MAX_DEPTH} deep`,
          received: [...open.slice(-6), called].map(f => f.op).join(' → '),
        })
      return expand(inline(called, node), [...open, called])
    })
  }

  function inline(called: FunctionDescription, node: NodeDescription): NodeDescription[] {
    const label = nodeLabel(node)
    for (const name of called.attributes)
      if (!Object.hasOwn(node.attrs, name))
        throw new FormatError({
          code: 'missing-attribute',
          where: label,
          expected: `attribute ${name} of function ${called.op}`,
          received: 'nothing',
        })
    if (node.inputs.length > called.inputs.length || node.outputs.length > called.outputs.length)
      throw new FormatError({
        code: 'function-arguments',
        where: label,
        expected: `at most ${called.inputs.length} inputs and ${called.outputs.length} outputs`,
        received: `${node.inputs.length} and ${node.outputs.length}`,
      })
    const names = new Map(called.inputs.map((name, i) => [name, node.inputs[i] ?? '']))
    const passed: NodeDescription[] = []
    called.outputs.forEach((name, i) => {
      const given = node.outputs[i] ?? ''
      if (given === '') return
      if (!names.has(name)) names.set(name, given)
      else passed.push({ ...node, ...identity, inputs: [names.get(name)!], outputs: [given] })
    })
    const rename = (name: string): string => {
      if (name === '') return ''
      const known = names.get(name)
      if (known !== undefined) return known
      let fresh = `${label}/${name}`
      while (taken.has(fresh)) fresh = `${fresh}'`
      taken.add(fresh)
      names.set(name, fresh)
      return fresh
    }
    const call: Call = { rename, attrs: { ...called.defaults, ...node.attrs } }
    return [...called.nodes.map(inner => instantiate(inner, call, label)), ...passed]
  }

  return { ...model, functions: [], graph: { ...model.graph, nodes: expand(model.graph.nodes, []) } }
}

const identity = { op: 'Identity', domain: '', overload: '', name: '', opset: 1, attrs: {}, refs: {} }

/** A node of a function as it stands in one call. An attribute that refers to one the call leaves out is left out, too. */
function instantiate(node: NodeDescription, call: Call, label: string): NodeDescription {
  const given = Object.entries(node.refs).flatMap(([name, from]) =>
    Object.hasOwn(call.attrs, from) ? [[name, call.attrs[from]!] as const] : [],
  )
  const own = mapBodies(node, body => instantiateBody(body, call, label)).attrs
  return {
    ...node,
    name: node.name === '' ? '' : `${label}/${node.name}`,
    inputs: node.inputs.map(call.rename),
    outputs: node.outputs.map(call.rename),
    attrs: { ...own, ...Object.fromEntries(given) },
    refs: {},
  }
}

function instantiateBody(body: GraphDescription, call: Call, label: string): GraphDescription {
  return {
    name: body.name,
    inputs: body.inputs.map(port => ({ ...port, name: call.rename(port.name) })),
    outputs: body.outputs.map(port => ({ ...port, name: call.rename(port.name) })),
    initializers: new Map([...body.initializers].map(([name, t]) => [call.rename(name), t])),
    nodes: body.nodes.map(node => instantiate(node, call, label)),
  }
}

function mapBodies(node: NodeDescription, change: (body: GraphDescription) => GraphDescription): NodeDescription {
  if (!Object.values(node.attrs).some(isGraphDescription)) return node
  const attrs = Object.entries(node.attrs).map(([name, attr]) => [name, isGraphDescription(attr) ? change(attr) : attr])
  return { ...node, attrs: Object.fromEntries(attrs) }
}

/** Every name of values in a graph and its bodies. */
export function collectNames(graph: GraphDescription, names: Set<string>): void {
  for (const { name } of graph.inputs) names.add(name)
  for (const name of graph.initializers.keys()) names.add(name)
  for (const node of graph.nodes) {
    for (const name of node.outputs) names.add(name)
    for (const attr of Object.values(node.attrs)) if (isGraphDescription(attr)) collectNames(attr, names)
  }
}

const keyOf = (called: { domain: string; op: string; overload: string }): string =>
  `${called.domain}.${called.op}:${called.overload}`
