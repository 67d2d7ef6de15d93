import { decodeAttribute } from './decode-attribute.js'
import {
  type AttributeDescription,
  type FunctionDescription,
  type GraphDescription,
  isGraphDescription,
  type NodeDescription,
  nodeLabel,
  type PortDescription,
} from './decode-model.js'
import { checkedDims, checkedDtype, decodeTensor } from './decode-tensor.js'
import { FormatError, nearest } from './errors.js'
import type { ExternalFiles } from './external.js'
import type { FunctionProto, GraphProto, NodeProto, OperatorSetIdProto, ValueInfoProto } from './proto/onnx_pb.js'
import type { Dim } from './shape.js'
import type { Tensor } from './tensor.js'

export interface GraphContext {
  readonly opsets: Readonly<Record<string, number>>
  readonly files: ExternalFiles | undefined
  /** Whether an enclosing graph has a name: a body may use it and must not define it again. */
  readonly outer: (name: string) => boolean
  /** Where the graph stands, for errors; '' for the model's own. */
  readonly where: string
}

/** ONNX's own domain has two spellings. */
export const domainOf = (domain: string): string => (domain === 'ai.onnx' ? '' : domain)

export function decodeOpsets(imports: readonly OperatorSetIdProto[], where: string): Record<string, number> {
  const opsets = new Map<string, number>()
  for (const { domain: given, version } of imports) {
    const domain = domainOf(given)
    if ((opsets.has(domain) && opsets.get(domain) !== Number(version)) || version < 1n || version > 1_000_000n)
      throw new FormatError({
        code: 'bad-opset',
        where,
        expected: `one version ≥ 1 of operator set '${domain}'`,
        received: `${opsets.get(domain) ?? ''} ${version}`.trim(),
      })
    opsets.set(domain, Number(version))
  }
  if (opsets.size === 0)
    throw new FormatError({ code: 'missing-opset', where, expected: 'opset_import', received: 'none' })
  return Object.fromEntries(opsets)
}

/** A graph or body: every name defined once, every name used defined, nodes in an order in which they can run. */
export function decodeGraph(proto: GraphProto, context: GraphContext): GraphDescription {
  const { where } = context
  const at = (name: string) => (where === '' ? name : `${where}/${name}`)
  if (proto.sparseInitializer.length > 0)
    throw new FormatError({
      code: 'sparse-initializer',
      where: at(proto.sparseInitializer[0]!.values?.name ?? 'sparse_initializer'),
      expected: 'dense initializers',
      received: 'a sparse one',
    })
  const own = new Set<string>()
  const define = definer(own, context)
  const inputs = proto.input.map(port => decodePort(port, at(port.name)))
  for (const { name } of inputs) define(name)
  const initializers = new Map<string, Tensor>()
  for (const t of proto.initializer) {
    // Up to IR version 3 every initializer is listed among the inputs, too.
    if (initializers.has(t.name) || !own.has(t.name)) define(t.name)
    initializers.set(t.name, decodeTensor(t, at(t.name), context.files))
  }
  const nodes = decodeNodes(proto.node, own, context)
  const outputs = proto.output.map(port => decodePort(port, at(port.name)))
  const seen = new Set<string>()
  for (const { name } of outputs) {
    if (!own.has(name) && !context.outer(name)) undefinedName(name, at('outputs'), own)
    if (seen.has(name)) duplicate(name, at('outputs'))
    seen.add(name)
  }
  return { name: proto.name, inputs, outputs, initializers, nodes }
}

export function decodeFunction(proto: FunctionProto, files: ExternalFiles | undefined): FunctionDescription {
  const where = `function ${proto.domain}.${proto.name}`
  const context: GraphContext = { opsets: decodeOpsets(proto.opsetImport, where), files, outer: () => false, where }
  const own = new Set<string>()
  const define = definer(own, context)
  for (const name of proto.input) define(name)
  const nodes = decodeNodes(proto.node, own, context)
  for (const name of proto.output) if (!own.has(name)) undefinedName(name, where, own)
  return {
    domain: domainOf(proto.domain),
    op: proto.name,
    overload: proto.overload,
    inputs: proto.input,
    outputs: proto.output,
    attributes: proto.attribute,
    defaults: Object.fromEntries(
      proto.attributeProto.map(attr => [
        attr.name,
        decodeAttribute(attr, `${where}.${attr.name}`, files, (graph, at) =>
          decodeGraph(graph, { ...context, outer: name => own.has(name), where: at }),
        ),
      ]),
    ),
    nodes,
  }
}

function decodeNodes(protos: readonly NodeProto[], own: Set<string>, context: GraphContext): NodeDescription[] {
  const define = definer(own, context)
  for (const proto of protos) for (const output of proto.output) if (output !== '') define(output)
  const nodes = protos.map(proto => decodeNode(proto, own, context))
  return sortNodes(nodes, context.where)
}

function decodeNode(proto: NodeProto, own: ReadonlySet<string>, context: GraphContext): NodeDescription {
  const visible = (name: string) => own.has(name) || context.outer(name)
  const label = nodeLabel({ op: proto.opType, name: proto.name, outputs: proto.output })
  const where = context.where === '' ? label : `${context.where}/${label}`
  const domain = domainOf(proto.domain)
  if (proto.opType === '')
    throw new FormatError({ code: 'missing-operator', where, expected: 'op_type', received: 'nothing' })
  const opset = Object.hasOwn(context.opsets, domain) ? context.opsets[domain] : undefined
  if (opset === undefined)
    throw new FormatError({
      code: 'missing-opset',
      where,
      expected: `opset_import of the domain '${domain}' of ${proto.opType}`,
      received: `only ${Object.keys(context.opsets)
        .map(name => `'${name}'`)
        .join(', ')}`,
    })
  for (const input of proto.input) if (input !== '' && !visible(input)) undefinedName(input, where, own)
  const attrs = new Map<string, AttributeDescription>()
  const refs = new Map<string, string>()
  for (const attr of proto.attribute) {
    if (attrs.has(attr.name) || refs.has(attr.name)) duplicate(attr.name, where)
    const body = (graph: GraphProto, at: string) => decodeGraph(graph, { ...context, outer: visible, where: at })
    if (attr.refAttrName !== '') refs.set(attr.name, attr.refAttrName)
    else attrs.set(attr.name, decodeAttribute(attr, `${where}.${attr.name}`, context.files, body))
  }
  return {
    op: proto.opType,
    domain,
    overload: proto.overload,
    name: proto.name,
    opset,
    inputs: proto.input,
    outputs: proto.output,
    attrs: Object.fromEntries(attrs),
    refs: Object.fromEntries(refs),
  }
}

function decodePort(proto: ValueInfoProto, where: string): PortDescription {
  const type = proto.type?.value
  if (type === undefined || type.case === undefined) return { name: proto.name, dtype: undefined, shape: undefined }
  if (type.case !== 'tensorType')
    throw new FormatError({ code: 'unsupported-type', where, expected: 'a tensor', received: type.case })
  const { elemType, shape } = type.value
  const dtype = elemType === 0 ? undefined : checkedDtype(elemType, where)
  if (shape === undefined) return { name: proto.name, dtype, shape: undefined }
  const dims = shape.dim.map(({ value }, i): Dim => {
    if (value.case === 'dimValue') return Number(value.value)
    return value.case === 'dimParam' && value.value !== '' ? value.value : `${proto.name}:${i}`
  })
  checkedDims(
    dims.map(dim => (typeof dim === 'number' ? dim : 1)),
    where,
  )
  return { name: proto.name, dtype, shape: dims }
}

/** The nodes in an order in which they can run: as they stand wherever that is one. */
function sortNodes(nodes: readonly NodeDescription[], where: string): NodeDescription[] {
  const producers = new Map<string, NodeDescription>()
  for (const node of nodes) for (const output of node.outputs) if (output !== '') producers.set(output, node)
  const state = new Map<NodeDescription, 'open' | 'done'>()
  const sorted: NodeDescription[] = []
  for (const root of nodes) {
    if (state.has(root)) continue
    const path = [{ node: root, needs: namesUsed(root), next: 0 }]
    state.set(root, 'open')
    while (path.length > 0) {
      const top = path.at(-1)!
      if (top.next === top.needs.length) {
        state.set(top.node, 'done')
        sorted.push(top.node)
        path.pop()
        continue
      }
      const producer = producers.get(top.needs[top.next++]!)
      if (producer === undefined || state.get(producer) === 'done') continue
      if (state.get(producer) === 'open') {
        const circle = path.slice(path.findIndex(entry => entry.node === producer)).map(entry => nodeLabel(entry.node))
        throw new FormatError({
          code: 'cycle',
          where: where === '' ? nodeLabel(producer) : `${where}/${nodeLabel(producer)}`,
          expected: 'nodes that do not depend on themselves',
          received: [...circle.slice(0, 6), ...(circle.length > 6 ? ['…'] : []), nodeLabel(producer)].join(' ← '),
        })
      }
      state.set(producer, 'open')
      path.push({ node: producer, needs: namesUsed(producer), next: 0 })
    }
  }
  return sorted
}

/** The names a node needs, those its bodies take from around them included. */
function namesUsed(node: NodeDescription, names: string[] = []): string[] {
  for (const name of node.inputs) if (name !== '') names.push(name)
  for (const attr of Object.values(node.attrs))
    if (isGraphDescription(attr)) {
      for (const inner of attr.nodes) namesUsed(inner, names)
      for (const output of attr.outputs) names.push(output.name)
    }
  return names
}

const definer = (own: Set<string>, context: GraphContext) => (name: string) => {
  const where = context.where === '' ? name : `${context.where}/${name}`
  if (name === '') throw new FormatError({ code: 'missing-name', where, expected: 'a name', received: 'none' })
  if (own.has(name) || context.outer(name)) duplicate(name, where)
  own.add(name)
}

function duplicate(name: string, where: string): never {
  throw new FormatError({ code: 'duplicate-name', where, expected: 'every name once', received: name })
}

function undefinedName(name: string, where: string, known: ReadonlySet<string>): never {
  throw new FormatError({
    code: 'undefined-value',
    where,
    expected: 'an input, an initializer or the output of a node',
    received: name,
    hint: `nearest: ${nearest(name, [...known].slice(0, 1000)).join(', ')}`,
  })
}
