import { create, toBinary } from '@bufbuild/protobuf'
import { type DType, dtypes } from './dtype.js'
import { GraphError } from './errors.js'
import { type AttrValue, capturedValues, type Graph, Graph as GraphClass, type Node, type Value } from './graph.js'
import {
  type AttributeProto,
  AttributeProtoSchema,
  AttributeProto_AttributeType as AttrType,
  type GraphProto,
  GraphProtoSchema,
  ModelProtoSchema,
  NodeProtoSchema,
  OperatorSetIdProtoSchema,
  StringStringEntryProtoSchema,
  type TensorProto,
  TensorProtoSchema,
  TrainingInfoProtoSchema,
  TypeProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from './proto/onnx_pb.js'
import type { Shape } from './shape.js'
import { bytesOf, type Tensor } from './tensor.js'

/** The operator set every graph is written in: the newest whose operators run on all the devices anneal uses. */
export const OPSET = 21
const IR_VERSION = 10

export interface EncodeOptions {
  /** The graph's outputs by the names they get in the file. */
  outputs: Readonly<Record<string, Value>>
  /** Graph inputs to declare, in order; those that the outputs need when left out. */
  inputs?: readonly Value[]
  /** Constants to write although no output needs them. */
  keep?: readonly Value[]
  /** Entries of `metadata_props`. */
  metadata?: Readonly<Record<string, string>>
  /** Tensors for `training_info`, where ONNX keeps what only training needs. Inference ignores it. */
  training?: Readonly<Record<string, Tensor>>
  /** Nodes to write; all that the outputs need when left out. */
  nodes?: readonly Node[]
}

/**
 * The nodes that `outputs` need, in order, without the rest of the graph.
 * @param within for a body: only its own nodes, not those of the graphs around it
 */
export function liveNodes(outputs: Iterable<Value>, within?: Graph): Node[] {
  const seen = new Set<Node>()
  const order: Node[] = []
  const stack: { node: Node; needs: readonly (Value | null)[]; next: number }[] = []
  const push = (value: Value | null) => {
    const node = value?.node
    if (!node || seen.has(node) || (within !== undefined && value.graph !== within)) return
    seen.add(node)
    stack.push({ node, needs: dependencies(node), next: 0 })
  }
  for (const output of outputs) {
    push(output)
    while (stack.length > 0) {
      const top = stack.at(-1)!
      if (top.next < top.needs.length) push(top.needs[top.next++]!)
      else {
        order.push(top.node)
        stack.pop()
      }
    }
  }
  return order
}

/** A node's inputs and what the bodies in its attributes take from around them. */
export function dependencies(node: Node): readonly (Value | null)[] {
  for (const name in node.attrs)
    if (node.attrs[name] instanceof GraphClass) return [...node.inputs, ...capturedValues(node)]
  return node.inputs
}

/** A graph as the bytes of an ONNX model. */
export function encodeOnnx(graph: Graph, options: EncodeOptions): Uint8Array {
  const proto = encodeGraph(graph, options)
  const domains = new Set<string>(['', ...collectDomains(options.nodes ?? liveNodes(Object.values(options.outputs)))])
  const model = create(ModelProtoSchema, {
    irVersion: BigInt(IR_VERSION),
    producerName: 'anneal',
    graph: proto,
    opsetImport: [...domains].map(domain =>
      create(OperatorSetIdProtoSchema, { domain, version: BigInt(domain === '' ? OPSET : 1) }),
    ),
    metadataProps: Object.entries(options.metadata ?? {}).map(([key, value]) =>
      create(StringStringEntryProtoSchema, { key, value }),
    ),
  })
  if (options.training !== undefined && Object.keys(options.training).length > 0)
    model.trainingInfo = [
      create(TrainingInfoProtoSchema, {
        algorithm: create(GraphProtoSchema, {
          name: 'training-state',
          initializer: Object.entries(options.training).map(([name, t]) => encodeTensor(t, name)),
        }),
      }),
    ]
  refuseTooLarge([...(model.graph?.initializer ?? []), ...(model.trainingInfo[0]?.algorithm?.initializer ?? [])])
  return toBinary(ModelProtoSchema, model)
}

/** Protocol buffers end at 2 GiB. */
function refuseTooLarge(tensors: readonly TensorProto[]): void {
  const total = tensors.reduce((sum, t) => sum + t.rawData.length, 0)
  if (total < 2 ** 31 - 2 ** 24) return
  const largest = tensors.reduce((a, b) => (a.rawData.length >= b.rawData.length ? a : b))
  throw new GraphError({
    code: 'too-large',
    where: largest.name,
    expected: 'less than 2 GiB of constants in one ONNX file',
    received: `${(total / 2 ** 30).toFixed(1)} GiB`,
    hint: 'make inputs of the large ones, and feed them',
  })
}

function* collectDomains(nodes: readonly Node[]): Iterable<string> {
  for (const node of nodes) {
    yield node.domain
    for (const attr of Object.values(node.attrs)) if (attr instanceof GraphClass) yield* collectDomains(attr.nodes)
  }
}

/** What a body must know of the graph around it: the names that values get there, and which names are taken. */
interface Surroundings {
  nameOf: (value: Value) => string
  isTaken: (name: string) => boolean
}

function encodeGraph(graph: Graph, options: EncodeOptions, around?: Surroundings): GraphProto {
  const isTaken = (name: string) => around?.isTaken(name) ?? false
  const free = (name: string): string => (isTaken(name) ? free(`${name}'`) : name)
  // ONNX wants the names in a body to differ from all around it; its results and inputs go by position.
  const outputs = Object.entries(options.outputs).map(([name, value]) => [free(name), value] as const)
  const nodes =
    options.nodes ??
    liveNodes(
      outputs.map(([, value]) => value),
      graph,
    )
  const used = new Set<Value>(options.keep ?? [])
  for (const node of nodes) for (const input of dependencies(node)) if (input !== null) used.add(input)
  for (const [, value] of outputs) used.add(value)

  const declared = options.inputs ?? graph.inputs.filter(input => used.has(input))
  const named = new Map<Value, string>()
  const aliases: { from: Value; to: string }[] = []
  for (const input of declared) named.set(input, free(input.name))
  const taken = new Set<string>(named.values())
  for (const [name, value] of outputs) {
    if (value.graph !== graph || value.node === null || named.has(value)) aliases.push({ from: value, to: name })
    else named.set(value, name)
    if (taken.has(name))
      throw new GraphError({
        code: 'output-name',
        where: name,
        expected: 'an output name that is not an input’s',
        received: name,
      })
    taken.add(name)
  }
  // A value that is not an output must not carry an output's name.
  const nameOf = (value: Value): string => {
    const known = named.get(value)
    if (known !== undefined) return known
    if (around !== undefined && value.graph !== graph) return around.nameOf(value)
    let name = free(value.name)
    while (taken.has(name)) name = free(`${name}'`)
    taken.add(name)
    named.set(value, name)
    return name
  }
  const inside: Surroundings = { nameOf, isTaken: name => taken.has(name) || graph.hasName(name) || isTaken(name) }

  const nodeProtos = nodes.map(node => {
    const wanted = node.outputs.map((output, i) => i === 0 || node.keepOutputs || used.has(output))
    const last = wanted.lastIndexOf(true)
    return create(NodeProtoSchema, {
      opType: node.op,
      domain: node.domain,
      name: node.name,
      input: trimTrailing(node.inputs.map(input => (input === null ? '' : nameOf(input)))),
      output: node.outputs.slice(0, last + 1).map((output, i) => (wanted[i] ? nameOf(output) : '')),
      attribute: Object.entries(node.attrs).flatMap(([name, value]) =>
        value === undefined ? [] : [encodeAttribute(name, value, node.floatAttrs.includes(name), inside)],
      ),
    })
  })
  for (const { from, to } of aliases)
    nodeProtos.push(
      create(NodeProtoSchema, { opType: 'Identity', name: `output ${to}`, input: [nameOf(from)], output: [to] }),
    )

  return create(GraphProtoSchema, {
    name: 'anneal',
    node: nodeProtos,
    input: declared.map(value => valueInfo(nameOf(value), value.dtype, value.shape)),
    output: outputs.map(([name, value]) => valueInfo(name, value.dtype, value.shape)),
    initializer: graph.constants
      .filter(value => used.has(value))
      .map(value => encodeTensor(value.constant!, nameOf(value))),
  })
}

const trimTrailing = (names: string[]): string[] => {
  let end = names.length
  while (end > 0 && names[end - 1] === '') end--
  return names.slice(0, end)
}

function valueInfo(name: string, dtype: DType, shape: Shape): ValueInfoProto {
  return create(ValueInfoProtoSchema, {
    name,
    type: create(TypeProtoSchema, {
      value: {
        case: 'tensorType',
        value: {
          elemType: dtypes[dtype].onnx,
          shape: {
            dim: shape.map(dim => ({
              value:
                typeof dim === 'number'
                  ? { case: 'dimValue' as const, value: BigInt(dim) }
                  : { case: 'dimParam' as const, value: dim },
            })),
          },
        },
      },
    }),
  })
}

/** A tensor as ONNX keeps it in a file, elements as raw little-endian bytes. */
export function encodeTensor(t: Tensor, name: string): TensorProto {
  const proto = create(TensorProtoSchema, { name, dataType: dtypes[t.dtype].onnx, dims: t.shape.map(BigInt) })
  if (t.dtype === 'string') proto.stringData = (t.data as string[]).map(text => new TextEncoder().encode(text))
  else proto.rawData = bytesOf(t) as Uint8Array<ArrayBuffer>
  return proto
}

function encodeAttribute(name: string, value: AttrValue, float: boolean, around: Surroundings): AttributeProto {
  const text = (s: string) => new TextEncoder().encode(s)
  const make = (fields: Partial<AttributeProto>) =>
    create(AttributeProtoSchema, { name, ...fields } as { name: string })
  if (typeof value === 'string') return make({ type: AttrType.STRING, s: text(value) })
  if (typeof value === 'boolean') return make({ type: AttrType.INT, i: value ? 1n : 0n })
  if (typeof value === 'number')
    return float || !Number.isInteger(value)
      ? make({ type: AttrType.FLOAT, f: value })
      : make({ type: AttrType.INT, i: BigInt(value) })
  if (value instanceof GraphClass) {
    const outputs = Object.fromEntries(value.results.map(({ name: result, value: v }) => [result, v]))
    return make({ type: AttrType.GRAPH, g: encodeGraph(value, { outputs, inputs: value.inputs }, around) })
  }
  if ('dtype' in value) return make({ type: AttrType.TENSOR, t: encodeTensor(value, '') })
  const list = value as readonly (number | string)[]
  if (list.some(item => typeof item === 'string'))
    return make({ type: AttrType.STRINGS, strings: list.map(item => text(String(item))) })
  return float
    ? make({ type: AttrType.FLOATS, floats: list as number[] })
    : make({ type: AttrType.INTS, ints: (list as number[]).map(BigInt) })
}
