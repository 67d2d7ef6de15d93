import type { DType } from './dtype.js'
import { GraphError } from './errors.js'
import type { Dim, Shape } from './shape.js'
import { isStatic } from './shape.js'
import { numbersOf, type Tensor, tensor } from './tensor.js'

/** Attribute values of a node, as ONNX has them. A `Graph` is the body of Loop, Scan or If. */
export type AttrValue = number | string | boolean | Tensor | Graph | readonly number[] | readonly string[]
export type Attrs = Readonly<Record<string, AttrValue | undefined>>

export interface TensorType {
  readonly dtype: DType
  readonly shape: Shape
  /**
   * What is known of the content of a small integer tensor while the graph is built: a number, or a dimension's name.
   * This is how a Reshape to `concat(shape(x)[0], 64)` knows its output shape.
   */
  readonly content?: readonly Dim[] | undefined
}

/** A typed edge of a graph: a graph input, a constant, or an output of a node. */
export interface Value extends TensorType {
  readonly graph: Graph
  readonly name: string
  /** The node that computes it; null for graph inputs and constants. */
  readonly node: Node | null
  /** Which output of `node`. */
  readonly index: number
  /** The content of a constant. */
  readonly constant: Tensor | null
}

/** One application of an ONNX operator. Outputs that nothing uses are left out when the graph is encoded. */
export interface Node {
  readonly op: string
  /** '' is ONNX's own operator set. */
  readonly domain: string
  /** Unique in the graph; begins with the scope in force when it was built (`dense_1/MatMul_4`). */
  readonly name: string
  readonly attrs: Attrs
  readonly inputs: readonly (Value | null)[]
  readonly outputs: readonly Value[]
  /** Which number attributes are floats: ONNX files tell 1 from 1.0. */
  readonly floatAttrs: readonly string[]
  /** The reverse sweep does not pass this node. */
  readonly stopGradient?: boolean
  /** ONNX demands every output in the file, used or not. */
  readonly keepOutputs?: boolean
}

export interface NodeSpec {
  op: string
  domain?: string
  name?: string
  attrs?: Attrs
  inputs: readonly (Value | null)[]
  /** Types of the outputs, in order. */
  outputs: readonly TensorType[]
  /** Names of the outputs; made from the node's name where missing. */
  outputNames?: readonly (string | undefined)[]
  floatAttrs?: readonly string[]
  stopGradient?: boolean
  keepOutputs?: boolean
}

/** Integer tensors up to this many elements have their content tracked while the graph is built. */
export const CONTENT_LIMIT = 64

/** A growing list of nodes over named inputs and constants. Nodes stand in an order in which they can run. */
export class Graph {
  readonly inputs: Value[] = []
  readonly constants: Value[] = []
  readonly nodes: Node[] = []
  /** The graph whose values this one's nodes may also use: set for the body of Loop, Scan and If. */
  readonly outer: Graph | null
  /** What the inputs that stand for tunable numbers are to be fed, by name; null where those numbers are constants. */
  readonly tunables: Map<string, Tensor> | null
  /** The results of a body, by the names they get; what a whole model returns is said when it is compiled or encoded. */
  readonly results: { name: string; value: Value }[] = []
  readonly #names = new Set<string>()
  readonly #counts = new Map<string, number>()
  readonly #scalars = new Map<string, Value>()
  #scope = ''

  /** @param tunables a map to be filled: then what is `tunable` becomes inputs, and graphs do not differ by it */
  constructor(outer: Graph | null = null, tunables: Map<string, Tensor> | null = outer?.tunables ?? null) {
    this.outer = outer
    this.tunables = tunables
  }

  /** A graph input. Dimensions given as strings are symbolic; equal names mean equal extents. */
  input(name: string, dtype: DType, shape: Shape): Value {
    if (this.hasName(name))
      throw new GraphError({
        code: 'duplicate-name',
        where: name,
        expected: 'a name not yet used in this graph',
        received: name,
      })
    for (const dim of shape)
      if (typeof dim === 'number' && (!Number.isInteger(dim) || dim < 0))
        throw new GraphError({
          code: 'bad-dimension',
          where: name,
          expected: 'whole numbers ≥ 0 or names',
          received: shape,
        })
    this.#names.add(name)
    const value: Value = { graph: this, name, dtype, shape: [...shape], node: null, index: 0, constant: null }
    this.inputs.push(value)
    return value
  }

  /** A constant. Equal scalars are kept once; a name that is taken is an error. */
  constant(data: Tensor, name?: string): Value {
    const key =
      name === undefined && data.data.length <= 8 ? `${data.dtype}[${data.shape}]${scalarKey(data)}` : undefined
    const known = key === undefined ? undefined : this.#scalars.get(key)
    if (known !== undefined) return known
    if (name !== undefined && this.hasName(name))
      throw new GraphError({
        code: 'duplicate-name',
        where: name,
        expected: 'a name not yet used in this graph',
        received: name,
      })
    const unique = name ?? this.#fresh('const')
    this.#names.add(unique)
    const small = data.data.length <= CONTENT_LIMIT && data.shape.length <= 1
    const value: Value = {
      graph: this,
      name: unique,
      dtype: data.dtype,
      shape: data.shape,
      node: null,
      index: 0,
      constant: data,
      content:
        small && (data.dtype === 'int64' || data.dtype === 'int32' || data.dtype === 'bool')
          ? numbersOf(data)
          : undefined,
    }
    this.constants.push(value)
    if (key !== undefined) this.#scalars.set(key, value)
    return value
  }

  /**
   * A number that models of one architecture may differ by: a constant, or where the graph has `tunables` an input of
   * its own, whose value is noted there.
   */
  tunable(dtype: DType, value: number): Value {
    const t = tensor(value, [], dtype)
    if (this.tunables === null) return this.constant(t)
    if (this.outer !== null) return this.outer.tunable(dtype, value)
    const input = this.input(`tunable/${this.tunables.size}`, dtype, [])
    this.tunables.set(input.name, t)
    return input
  }

  /** Adds a node with output types already known. Everyday code uses the builders of `anneal/ops`, which infer them. */
  node(spec: NodeSpec): Node {
    for (const input of spec.inputs)
      if (input !== null && !this.#sees(input.graph))
        throw new GraphError({
          code: 'foreign-value',
          where: spec.op,
          expected: 'values of one graph',
          received: input.name,
          hint: 'a value belongs to the graph it was made in; build both operands from inputs of the same graph()',
        })
    const name = spec.name !== undefined && !this.hasName(spec.name) ? spec.name : this.#fresh(spec.op)
    this.#names.add(name)
    const outputs: Value[] = []
    const node: Node = {
      op: spec.op,
      domain: spec.domain ?? '',
      name,
      attrs: spec.attrs ?? {},
      inputs: [...spec.inputs],
      outputs,
      floatAttrs: spec.floatAttrs ?? [],
      ...(spec.stopGradient ? { stopGradient: true } : {}),
      ...(spec.keepOutputs ? { keepOutputs: true } : {}),
    }
    spec.outputs.forEach((type, index) => {
      const wanted = spec.outputNames?.[index]
      const outputName =
        wanted !== undefined && wanted !== '' && !this.hasName(wanted)
          ? wanted
          : this.#unique(index === 0 ? `${name}:0` : `${name}:${index}`)
      this.#names.add(outputName)
      const content = type.content !== undefined && type.content.length <= CONTENT_LIMIT ? type.content : undefined
      outputs.push({
        graph: this,
        name: outputName,
        dtype: type.dtype,
        shape: [...type.shape],
        content,
        node,
        index,
        constant: null,
      })
    })
    this.nodes.push(node)
    return node
  }

  /** Runs `build` with `name/` in front of the names of the nodes it makes. */
  scope<T>(name: string, build: () => T): T {
    const before = this.#scope
    this.#scope = `${before}${name}/`
    try {
      return build()
    } finally {
      this.#scope = before
    }
  }

  /** The scope in force, without its last slash: for errors. */
  get scopePath(): string {
    return this.#scope.replace(/\/$/, '')
  }

  /** Gives a value of this graph another name, if that is free: for what stands in the place of a value of a file. */
  rename(value: Value, name: string): void {
    if (value.graph !== this || this.hasName(name)) return
    this.#names.add(name)
    const named: { name: string } = value
    named.name = name
  }

  hasName(name: string): boolean {
    return this.#names.has(name) || (this.outer?.hasName(name) ?? false)
  }

  #sees(graph: Graph): boolean {
    for (let at: Graph | null = this; at !== null; at = at.outer) if (at === graph) return true
    return false
  }

  #fresh(stem: string): string {
    const key = `${this.#scope}${stem}`
    let name: string
    do {
      const count = this.#counts.get(key) ?? 0
      this.#counts.set(key, count + 1)
      name = `${key}_${count}`
    } while (this.hasName(name))
    return name
  }

  #unique(name: string): string {
    return this.hasName(name) ? this.#fresh(name) : name
  }
}

function scalarKey(t: Tensor): string {
  // Object.is semantics: −0 and 0 are different constants.
  return Array.from(t.data as ArrayLike<unknown>, v => (Object.is(v, -0) ? '-0' : String(v))).join(',')
}

/** A new, empty graph. */
export const graph = (): Graph => new Graph()

/** A scalar constant of `dtype` in `g`. */
export const scalar = (g: Graph, dtype: DType, value: number): Value => g.constant(tensor(value, [], dtype))

/**
 * A hyperparameter of a layer, loss, penalty or optimizer as a scalar beside `like`: programs that are shared do not
 * differ by it. Not for what decides which nodes there are, and not for exponents.
 */
export const tunable = (like: Value, value: number): Value => like.graph.tunable(like.dtype, value)

/** What is statically known of an integer tensor's content, as numbers; undefined where any of it is symbolic. */
export function contentNumbers(value: TensorType & { constant?: Tensor | null }): number[] | undefined {
  if (value.content !== undefined) return isStatic(value.content) ? [...value.content] : undefined
  return value.constant ? numbersOf(value.constant) : undefined
}

/** The values of enclosing graphs that the bodies in `node`'s attributes use. */
export function capturedValues(node: Node): Value[] {
  const bodies = new Set<Graph>()
  const used = new Set<Value>()
  const visit = (body: Graph): void => {
    bodies.add(body)
    for (const inner of body.nodes) {
      for (const input of inner.inputs) if (input !== null) used.add(input)
      for (const attr of Object.values(inner.attrs)) if (attr instanceof Graph) visit(attr)
    }
    for (const { value } of body.results) used.add(value)
  }
  for (const attr of Object.values(node.attrs)) if (attr instanceof Graph) visit(attr)
  return [...used].filter(value => !bodies.has(value.graph))
}
