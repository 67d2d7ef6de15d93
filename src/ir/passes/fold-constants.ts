import { allocate, dtypes, fromNumbers, isInteger } from '../dtype.js'
import { dependencies } from '../encode.js'
import type { Graph, Node, Value } from '../graph.js'
import { rewrite, type Traced } from '../rewrite.js'
import { isStatic, sizeOf } from '../shape.js'
import type { Tensor } from '../tensor.js'
import { isDeterministic } from './deterministic.js'

/** Results up to this size become constants even where they are larger than what they are computed from. */
const SMALL_BYTES = 65_536
/** More than this is not computed while a program is compiled. */
const MOST_BYTES = 2 ** 26

/** Computes the outputs of a graph without inputs. */
export type Evaluate = (traced: Traced) => Promise<Readonly<Record<string, Tensor>>>

/**
 * Makes constants of what does not depend on inputs: at once where inference knows the content or no arithmetic is
 * needed, and by a single call of `evaluate` for all the rest, made only if there is a rest. What would grow (a million
 * zeros from a shape) stays a node.
 */
export async function foldConstants(traced: Traced, evaluate: Evaluate): Promise<Traced> {
  const known = rewrite(traced, foldKnown)
  const { wanted, folded } = analyse(known)
  if (wanted.size === 0) return known
  const names = new Map([...wanted].map((value, i) => [value, `folded_${i}`]))
  const outputs = Object.fromEntries([...names].map(([value, name]) => [name, value]))
  const results = await evaluate({ graph: known.graph, outputs })
  return rewrite(known, (node, _inputs, to) => {
    if (!folded.has(node)) return undefined
    const constants = node.outputs.map(output => {
      const name = names.get(output)
      return name === undefined ? undefined : constantIn(to, results[name]!, output)
    })
    // Outputs without a constant lead to folded values only: nothing that stays asks for them.
    return constants as Value[]
  })
}

/** Which values `evaluate` must compute, and the nodes that are left out then. */
function analyse({ graph, outputs }: Traced): { wanted: Set<Value>; folded: Set<Node> } {
  const folded = new Set<Node>()
  const wanted = new Set<Value>()
  const asked: Value[] = [...Object.values(outputs)]
  /** Bytes of the constants a node is computed from. */
  const sources = new Map<Node, number>()
  const sourceOf = (value: Value | null): number =>
    value === null ? 0 : value.node === null ? bytesOfType(value) : (sources.get(value.node) ?? 0)
  for (const node of graph.nodes) {
    if (isComputable(node, folded)) {
      folded.add(node)
      sources.set(
        node,
        node.inputs.reduce((sum, input) => sum + sourceOf(input), 0),
      )
    } else for (const input of dependencies(node)) if (input !== null) asked.push(input)
  }
  for (let value = asked.pop(); value !== undefined; value = asked.pop()) {
    const { node } = value
    if (node === null || !folded.has(node)) continue
    if (bytesOfType(value) <= Math.max(SMALL_BYTES, sources.get(node)!)) wanted.add(value)
    else {
      // Too large to keep: the node stays, and with it all of its outputs.
      folded.delete(node)
      for (const output of node.outputs) wanted.delete(output)
      for (const input of node.inputs) if (input !== null) asked.push(input)
    }
  }
  return { wanted, folded }
}

const isComputable = (node: Node, computable: ReadonlySet<Node>): boolean =>
  isDeterministic(node) &&
  node.inputs.length > 0 &&
  node.inputs.every(input => input === null || input.constant !== null || (input.node && computable.has(input.node))) &&
  node.outputs.every(output => output.dtype !== 'string' && bytesOfType(output) <= MOST_BYTES)

const bytesOfType = (value: Value): number =>
  isStatic(value.shape) ? sizeOf(value.shape) * dtypes[value.dtype].bytes : Number.POSITIVE_INFINITY

/** Folds what needs no arithmetic. */
function foldKnown(node: Node, inputs: readonly (Value | null)[], to: Graph): readonly Value[] | undefined {
  const contents = node.outputs.map(contentOf)
  if (contents.every(t => t !== undefined)) return contents.map((t, i) => constantIn(to, t, node.outputs[i]!))
  const type = node.outputs[0]!
  if (node.domain !== '' || !isStatic(type.shape) || type.dtype === 'string') return undefined
  const { dtype, shape } = type
  const constant = inputs[0]?.constant
  const fill = (value: number | bigint | undefined): readonly Value[] | undefined => {
    if (bytesOfType(type) > SMALL_BYTES) return undefined
    const data = allocate(dtype, sizeOf(shape))
    // The element of a tensor of this very dtype: bigint for the arrays that want it, bits for half precision.
    if (value !== undefined) data.fill(value as never)
    return [constantIn(to, { dtype, shape, data }, type)]
  }
  if (node.op === 'ConstantOfShape')
    return fill((node.attrs.value as Tensor | undefined)?.data[0] as number | bigint | undefined)
  if (constant === null || constant === undefined) return undefined
  if (node.op === 'Expand' && constant.data.length === 1) return fill(constant.data[0] as number | bigint)
  if (reshaping.has(node.op) && sizeOf(shape) === constant.data.length)
    return [constantIn(to, { dtype, shape, data: constant.data }, type)]
  return undefined
}
const reshaping = new Set(['Reshape', 'Flatten', 'Squeeze', 'Unsqueeze'])

/** An integer tensor that inference knows throughout. */
function contentOf({ dtype, shape, content }: Value): Tensor | undefined {
  if (content === undefined || !isStatic(shape) || !(isInteger(dtype) || dtype === 'bool')) return undefined
  if (content.length !== sizeOf(shape) || !content.every(Number.isSafeInteger)) return undefined
  return { dtype, shape, data: fromNumbers(dtype, content as readonly number[]) }
}

/** Scalars and the like are shared without a name of their own. */
const constantIn = (to: Graph, t: Tensor, { name }: Value): Value =>
  to.constant(t, t.data.length <= 8 || to.hasName(name) ? undefined : name)
