import type { DType } from './dtype.js'
import type { Shape } from './shape.js'
import type { Tensor } from './tensor.js'

/** What an ONNX file says, as plain data: checked for consistency, nothing inferred. */
export interface ModelDescription {
  readonly irVersion: number
  /** Who wrote the file. */
  readonly producer: string
  /** Version of each operator set by domain; '' is ONNX's own. */
  readonly opsets: Readonly<Record<string, number>>
  readonly graph: GraphDescription
  readonly functions: readonly FunctionDescription[]
  readonly metadata: Readonly<Record<string, string>>
  /** Initializers of `training_info`: what only training needs, such as optimizer slots. */
  readonly training: ReadonlyMap<string, Tensor>
}

export interface GraphDescription {
  readonly name: string
  readonly inputs: readonly PortDescription[]
  readonly outputs: readonly PortDescription[]
  readonly initializers: ReadonlyMap<string, Tensor>
  /** In an order in which they can run. */
  readonly nodes: readonly NodeDescription[]
}

/** A declared input or output; bodies of control flow may leave types open. */
export interface PortDescription {
  readonly name: string
  readonly dtype: DType | undefined
  /** Undefined where not even the rank is declared; an unnamed extent gets a name made from the input's. */
  readonly shape: Shape | undefined
}

export type AttributeDescription = number | string | Tensor | GraphDescription | readonly number[] | readonly string[]

export interface NodeDescription {
  readonly op: string
  readonly domain: string
  /** Which overload of a function of the model; '' everywhere else. */
  readonly overload: string
  /** As in the file: may be empty, need not be unique. */
  readonly name: string
  /** Version of the operator set the node was written for. */
  readonly opset: number
  /** '' where an optional input is left out. */
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  readonly attrs: Readonly<Record<string, AttributeDescription>>
  /** In the body of a function: attributes that take the value of an attribute of the function. */
  readonly refs: Readonly<Record<string, string>>
}

/** An operator that the file itself defines by others. */
export interface FunctionDescription {
  readonly domain: string
  readonly op: string
  readonly overload: string
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  /** Attributes without a default. */
  readonly attributes: readonly string[]
  readonly defaults: Readonly<Record<string, AttributeDescription>>
  readonly nodes: readonly NodeDescription[]
}

export const isGraphDescription = (attr: AttributeDescription | undefined): attr is GraphDescription =>
  typeof attr === 'object' && 'initializers' in attr

/** For errors: a node's own name, or what it computes. */
export const nodeLabel = (node: { op: string; name: string; outputs: readonly string[] }): string =>
  node.name === '' ? `${node.op} → ${node.outputs.find(name => name !== '') ?? '?'}` : node.name
