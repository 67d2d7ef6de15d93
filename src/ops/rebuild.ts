import {
  addDim,
  ConfigError,
  copyNode,
  type Dim,
  divDim,
  type Graph,
  isStatic,
  mulDim,
  type Node,
  nearest,
  rewrite,
  type Shape,
  ShapeError,
  subDim,
  type Traced,
  type Value,
} from '../ir/index.js'
import { applyOp } from './define.js'
import { operators } from './table.js'

/**
 * A copy of a graph with numbers for symbolic dimensions, as in `bindDims(traced, { batch: 4 })`. Every node is inferred
 * anew, so that whatever was computed from those extents is static, too.
 *
 * @returns the graph, its outputs, and the new value of every old one
 * @throws ConfigError `unknown-dimension` for a name no input has, ShapeError where the numbers do not fit
 */
export function bindDims(
  traced: Traced,
  dims: Readonly<Record<string, number>>,
): Traced & { image: ReadonlyMap<Value, Value> } {
  const symbols = new Set(traced.graph.inputs.flatMap(input => input.shape).filter(dim => typeof dim === 'string'))
  for (const [name, size] of Object.entries(dims)) {
    if (!symbols.has(name))
      throw new ConfigError({
        code: 'unknown-dimension',
        where: `dims.${name}`,
        expected:
          symbols.size === 0 ? 'no dims: the inputs are static' : `one of ${nearest(name, symbols, 8).join(', ')}`,
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
  const bind = (shape: Shape): Shape => shape.map(dim => bindDim(dim, dims))
  return rewrite(
    traced,
    (node, inputs, to) => (isUntouched(node) ? undefined : infer(node, inputs, to, bind)),
    input => bind(input.shape),
  )
}

/** Where everything was static before, nothing new can be inferred. */
const isUntouched = (node: Node): boolean =>
  [...node.inputs, ...node.outputs].every(
    value => value === null || (isStatic(value.shape) && (value.content === undefined || isStatic(value.content))),
  )

function infer(
  node: Node,
  inputs: readonly (Value | null)[],
  to: Graph,
  bind: (shape: Shape) => Shape,
): readonly Value[] {
  const record = operators.get(`${node.domain}.${node.op}`)
  if (record !== undefined)
    try {
      return applyOp(record, to, inputs, node.attrs, {
        name: node.name,
        outputNames: node.outputs.map(output => output.name),
        stopGradient: node.stopGradient ?? false,
      }).outputs
    } catch (error) {
      // Gradient rules build nodes whose axes are only known at run time and say themselves what comes out.
      if (!(error instanceof ShapeError) || !/^(dynamic-|unknown-rank)/.test(error.code)) throw error
    }
  const outputs = node.outputs.map(output => ({ ...output, shape: bind(output.shape), content: undefined }))
  return copyNode({ ...node, outputs }, inputs, to).outputs
}

/** A dimension with numbers for names, those inside derived names such as `(batch*49)` included. */
export function bindDim(dim: Dim, dims: Readonly<Record<string, number>>): Dim {
  if (typeof dim === 'number') return dim
  if (Object.hasOwn(dims, dim)) return dims[dim]!
  if (/^\d+$/.test(dim)) return Number(dim)
  if (!dim.startsWith('(') || !dim.endsWith(')')) return dim
  let depth = 0
  for (let i = 1; i < dim.length - 1; i++) {
    if (dim[i] === '(') depth++
    else if (dim[i] === ')') depth--
    const combine = depth === 0 ? arithmetic[dim[i]!] : undefined
    if (combine === undefined) continue
    const [left, right] = [bindDim(dim.slice(1, i), dims), bindDim(dim.slice(i + 1, -1), dims)]
    // A sign inside a name is no operator: then this half is no dimension, and nothing was bound.
    if (typeof left === 'number' || typeof right === 'number') return combine(left, right)
  }
  return dim
}

const arithmetic: Readonly<Record<string, (a: Dim, b: Dim) => Dim>> = {
  '+': addDim,
  '-': subDim,
  '*': mulDim,
  '/': divDim,
}
