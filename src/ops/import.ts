import { decodeOnnx } from '../ir/decode.js'
import { collectNames, inlineFunctions } from '../ir/decode-functions.js'
import {
  type GraphDescription,
  isGraphDescription,
  type ModelDescription,
  type NodeDescription,
  nodeLabel,
  type PortDescription,
} from '../ir/decode-model.js'
import type { ExternalFiles } from '../ir/external.js'
import {
  type Attrs,
  type AttrValue,
  type Dim,
  Graph,
  GraphError,
  isAnnealError,
  isFloat,
  type Shape,
  type Tensor,
  type TensorType,
  type Traced,
  type Value,
} from '../ir/index.js'
import { applyOp, type OldNode, type OpRecord, type Upgraded } from './define.js'
import { checkDims, recordOf, refuseAbsurd, refuseUnknown, retired } from './import-check.js'
import { constantOf, foldSmall } from './import-fold.js'
import { operators as known } from './table.js'

export interface ImportOptions {
  /** Where tensors outside the model are found: `folderFiles(folder)` in Node, `memoryFiles({ … })` anywhere. */
  files?: ExternalFiles | undefined
  /** Numbers for symbolic dimensions, as in `{ batch: 4 }`. */
  dims?: Readonly<Record<string, number>> | undefined
  /**
   * Which float initializers become inputs of the graph, to be fed (and trained), rather than constants: none (default),
   * all, or those for which the function says so.
   */
  parameters?: 'constants' | 'inputs' | ((name: string, value: Tensor) => boolean) | undefined
  /** Operators of your own, by `domain.name`, beside those of anneal. */
  operators?: ReadonlyMap<string, OpRecord> | undefined
}

/** An ONNX model as a typed graph. Names of inputs, outputs, initializers, nodes and values are those of the file. */
export interface ImportedModel extends Traced {
  /** What the model is fed, by name; initializers are not among them. */
  readonly inputs: Readonly<Record<string, Value>>
  readonly outputs: Readonly<Record<string, Value>>
  /** Every initializer: a constant of the graph, or an input where `parameters` asks for it. */
  readonly initializers: ReadonlyMap<string, Value>
  /** What the initializers hold that became inputs. */
  readonly parameters: ReadonlyMap<string, Tensor>
  readonly metadata: Readonly<Record<string, string>>
  readonly training: ReadonlyMap<string, Tensor>
  readonly opset: number
  readonly producer: string
}

/**
 * Builds a typed graph from an ONNX model, operator by operator: nodes of older operator sets are rewritten to current
 * ones, functions of the file are put in the place of their calls, dtypes and shapes are inferred.
 *
 * @param model the bytes of a file, or what `decodeOnnx` made of them
 * @throws FormatError for a malformed file, GraphError `unknown-operators` with every operator anneal does not know,
 *   ShapeError where shapes do not fit, ConfigError for dims the model does not have
 */
export function importOnnx(model: Uint8Array | ModelDescription, options: ImportOptions = {}): ImportedModel {
  const decoded = model instanceof Uint8Array ? decodeOnnx(model, options) : model
  const description = inlineFunctions(decoded)
  const operators = options.operators === undefined ? known : new Map([...known, ...options.operators])
  refuseUnknown(description.graph, operators)
  checkDims(description.graph, options.dims ?? {})
  const names = new Set<string>()
  collectNames(description.graph, names)
  const parameters = new Map<string, Tensor>()
  const choose = options.parameters ?? 'constants'
  const place: Place = {
    graph: new Graph(),
    values: new Map(),
    outer: null,
    operators,
    names,
    dims: options.dims ?? {},
    weights: new Set(),
    isParameter: (name, value) => {
      const wanted = isFloat(value.dtype) && (typeof choose === 'function' ? choose(name, value) : choose === 'inputs')
      if (wanted) parameters.set(name, value)
      return wanted
    },
  }
  const { inputs, outputs } = buildGraph(description.graph, place, [])
  return {
    graph: place.graph,
    inputs: Object.fromEntries(inputs),
    outputs: Object.fromEntries(outputs),
    initializers: new Map([...description.graph.initializers.keys()].map(name => [name, place.values.get(name)!])),
    parameters,
    metadata: description.metadata,
    training: description.training,
    opset: description.opsets[''] ?? 0,
    producer: description.producer,
  }
}

/** A graph under construction and the names known in it. */
interface Place {
  readonly graph: Graph
  readonly values: Map<string, Value>
  readonly outer: Place | null
  readonly operators: ReadonlyMap<string, OpRecord>
  /** Names of all values of the file: no node may take one of them for itself. */
  readonly names: ReadonlySet<string>
  readonly dims: Readonly<Record<string, number>>
  /** Float initializers of the file. */
  readonly weights: Set<Value>
  readonly isParameter: (name: string, value: Tensor) => boolean
}

function buildGraph(
  description: GraphDescription,
  place: Place,
  types: readonly (TensorType | undefined)[],
): { inputs: [string, Value][]; outputs: [string, Value][] } {
  const { graph, values } = place
  const inputs: [string, Value][] = []
  description.inputs.forEach((port, i) => {
    if (description.initializers.has(port.name)) return
    const dtype = port.dtype ?? types[i]?.dtype
    const shape = port.shape ?? types[i]?.shape
    if (dtype === undefined || shape === undefined)
      throw new GraphError({
        code: 'untyped-input',
        where: port.name,
        expected: 'a declared dtype and rank',
        received: `${dtype ?? 'no dtype'}, ${shape === undefined ? 'no shape' : `[${shape.join(', ')}]`}`,
      })
    const input = graph.input(port.name, dtype, bind(shape, place.dims))
    values.set(port.name, input)
    inputs.push([port.name, input])
  })
  for (const [name, content] of description.initializers) {
    const value = place.isParameter(name, content)
      ? graph.input(name, content.dtype, content.shape)
      : graph.constant(content, name)
    if (isFloat(content.dtype)) place.weights.add(value)
    values.set(name, value)
  }
  for (const node of description.nodes) buildNode(node, place)
  const outputs = description.outputs.map((port): [string, Value] => [port.name, output(port, place)])
  return { inputs, outputs }
}

function output(port: PortDescription, place: Place): Value {
  const value = find(port.name, place)
  if (port.dtype !== undefined && port.dtype !== value.dtype)
    throw new GraphError({
      code: 'output-type',
      where: port.name,
      expected: `${port.dtype}, as the file declares`,
      received: value.dtype,
    })
  return value
}

function buildNode(node: NodeDescription, place: Place): void {
  const { graph, values } = place
  if (node.op === 'Constant' && node.domain === '') {
    const name = node.outputs[0] ?? ''
    if (name !== '') values.set(name, graph.constant(constantOf(node), name))
    return
  }
  const label = nodeLabel(node)
  const inputs = node.inputs.map(name => (name === '' ? null : find(name, place)))
  while (inputs.at(-1) === null) inputs.pop()
  // Never what comes from a float initializer: that may be trained.
  const fixed = node.outputs.length === 1 && !inputs.some(value => value !== null && place.weights.has(value))
  const folded = fixed ? foldSmall(node, inputs) : undefined
  if (folded !== undefined) {
    values.set(node.outputs[0]!, graph.constant(folded, node.outputs[0]!))
    return
  }
  const attrs = Object.fromEntries(
    Object.entries(node.attrs).map(([name, attr]): [string, AttrValue] => [
      name,
      isGraphDescription(attr) ? buildBody(attr, place, bodyTypes(node, inputs)) : attr,
    ]),
  )
  try {
    build(node, inputs, attrs, place).forEach((value, i) => {
      const name = node.outputs[i]
      if (name !== undefined && name !== '') values.set(name, value)
    })
  } catch (cause) {
    if (isAnnealError(cause)) throw cause
    throw new GraphError({
      code: 'inference',
      where: label,
      expected: `inputs and attributes that ${node.op} can have`,
      received: cause instanceof Error ? cause.message : String(cause),
      cause,
    })
  }
}

/** The outputs of a node: of current operators where it is from an older operator set. */
function build(node: NodeDescription, inputs: (Value | null)[], attrs: Attrs, place: Place): readonly Value[] {
  const { graph } = place
  const label = nodeLabel(node)
  const record = recordOf(node, place.operators)!
  refuseAbsurd(node, record, inputs, attrs)
  const old: OldNode = { graph, op: node.op, name: label, attrs, inputs, outputCount: node.outputs.length }
  const before = graph.nodes.length
  const upgraded = graph.scope(label, (): Upgraded => (retired[node.op] ?? record.upgrade)?.(old, node.opset))
  if (upgraded === undefined) {
    const taken = node.name === '' || place.names.has(node.name)
    const name = taken ? nodeLabel({ ...node, name: '' }) : node.name
    const { outputs } = applyOp(record, graph, inputs, attrs, { name, outputNames: node.outputs })
    tooMany(node, outputs.length)
    return outputs
  }
  tooMany(node, upgraded.length)
  const added = new Set(graph.nodes.slice(before))
  return upgraded.map((value, i) => {
    const name = node.outputs[i] ?? ''
    if (name === '') return value
    // What was there before has a name of its own.
    if (value.node === null || !added.has(value.node))
      return graph.node({ op: 'Identity', inputs: [value], outputs: [value], outputNames: [name] }).outputs[0]!
    graph.rename(value, name)
    return value
  })
}

function tooMany(node: NodeDescription, count: number): void {
  const extra = node.outputs.slice(count).find(name => name !== '')
  if (extra !== undefined)
    throw new GraphError({
      code: 'too-many-outputs',
      where: nodeLabel(node),
      expected: `at most ${count} outputs of ${node.op}`,
      received: node.outputs.length,
    })
}

function buildBody(body: GraphDescription, outer: Place, types: readonly (TensorType | undefined)[]): Graph {
  const graph = new Graph(outer.graph)
  const { outputs } = buildGraph(body, { ...outer, graph, values: new Map(), outer, isParameter: () => false }, types)
  for (const [name, value] of outputs) graph.results.push({ name, value })
  return graph
}

/** What Loop and Scan pass to their bodies, for files that do not say. */
function bodyTypes(node: NodeDescription, inputs: readonly (Value | null)[]): readonly (TensorType | undefined)[] {
  const types = inputs.map(value => value ?? undefined)
  if (node.op === 'Loop') return [{ dtype: 'int64', shape: [] }, { dtype: 'bool', shape: [] }, ...types.slice(2)]
  if (node.op !== 'Scan') return []
  const states = inputs.length - Number(node.attrs.num_scan_inputs ?? 0)
  const axes = (node.attrs.scan_input_axes ?? []) as readonly number[]
  // A step sees a slice of what is scanned.
  return types.map((type, i) => {
    if (type === undefined || i < states) return type
    const axis = axes[i - states] ?? 0
    return { dtype: type.dtype, shape: type.shape.filter((_, k) => k !== (axis < 0 ? axis + type.shape.length : axis)) }
  })
}

function find(name: string, place: Place): Value {
  for (let at: Place | null = place; at !== null; at = at.outer) {
    const value = at.values.get(name)
    if (value !== undefined) return value
  }
  throw new GraphError({
    code: 'undefined-value',
    where: name,
    expected: 'a value computed before it is used',
    received: name,
  })
}

const bind = (shape: Shape, dims: Readonly<Record<string, number>>): Dim[] =>
  shape.map(dim => (typeof dim === 'string' && Object.hasOwn(dims, dim) ? dims[dim]! : dim))
