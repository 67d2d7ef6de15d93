import {
  capturedValues,
  contentNumbers,
  copyNode,
  liveNodes,
  type Node,
  rewrite,
  sameShape,
  type Traced,
  type Value,
} from '../../ir/index.js'
import { BLOCKED, blockSize, reorderInput, reorderOutput } from './block-size.js'
import { type BlockedKernel, blockedKernel } from './blocked-kernel.js'
import { isWorthBlocking } from './blocked-worth.js'
import type { Lowering } from './index.js'
import { uses } from './pattern.js'

/**
 * Convolutions in ONNX Runtime's blocked layout, up to twice as fast as its plain ones. The runtime does this by itself
 * where weights are constants; here the weights are rearranged in the graph, so that they may be inputs. Pools and
 * elementwise operators between convolutions stay in the layout; what else needs a value gets it reordered, once.
 */
export const blockedConv: Lowering = {
  name: 'blocked-conv',
  applies: ({ device, native }) => device === 'cpu' && native === true,
  apply: async (traced, target) => {
    const block = await blockSize(target)
    return block === 0 ? traced : inBlocks(traced, block, target.threads)
  },
}

const ELEMENTWISE = new Set(
  'Relu Sigmoid Tanh LeakyRelu HardSwish HardSigmoid Elu Neg Abs Sqrt Greater Cast Add Sub Mul Div'.split(' '),
)
const POOLS = new Set(['MaxPool', 'AveragePool', 'GlobalAveragePool', 'GlobalMaxPool'])

export function inBlocks(traced: Traced, block: number, threads?: number, worth = isWorthBlocking): Traced {
  const count = uses(traced)
  const kernels = new Map<Node, BlockedKernel>()
  const blocked = findBlocked(traced, count, block, threads, worth, kernels)
  if (kernels.size === 0) return traced
  const asked = new Set(Object.values(traced.outputs))
  for (const node of liveNodes(asked)) for (const value of capturedValues(node)) asked.add(value)

  // Images of old values in each layout. What `rewrite` is told of is the natural one.
  const images = { plain: new Map<Value, Value>(), blocked: new Map<Value, Value>() }
  const given = (old: Value, image: Value) => {
    const kind = blocked.has(old) && !asked.has(old) ? images.blocked : images.plain
    if (!kind.has(old)) kind.set(old, image)
  }
  const plain = (old: Value): Value => {
    const known = images.plain.get(old)
    if (known !== undefined) return known
    // Reordering knows floats only, and a comparison is cheaper made again than reordered.
    const again = old.node !== null && (old.dtype !== 'float32' || old.node.op === 'Cast')
    const made = again
      ? copy(
          old.node!,
          old.node!.inputs.map(input => plain(input!)),
        )
      : reorderOutput(images.blocked.get(old)!)
    images.plain.set(old, made)
    return made
  }
  const inBlock = (old: Value): Value => {
    const known = images.blocked.get(old)
    if (known !== undefined) return known
    const made = old.shape.length < 4 || isScalar(old) ? plain(old) : reorderInput(plain(old))
    images.blocked.set(old, made)
    return made
  }

  return rewrite(traced, (node, inputs): readonly Value[] | undefined => {
    node.inputs.forEach((input, i) => {
      if (input !== null) given(input, inputs[i]!)
    })
    const output = node.outputs[0]!
    if (!blocked.has(output)) {
      if (!node.inputs.some(input => input !== null && blocked.has(input))) return undefined
      const last = lastOf(node, blocked)
      if (last !== undefined) return [reorderOutput(inBlock(last), true)]
      const copied = copyAll(
        node,
        node.inputs.map(input => input && plain(input)),
      )
      return copied
    }
    const kernel = kernels.get(node)
    const made =
      kernel === undefined
        ? through(
            node,
            node.inputs.map(input => input && inBlock(input)),
            count,
          )
        : convolve(node, kernel)
    images.blocked.set(output, made)
    return [asked.has(output) ? plain(output) : made]
  })

  function convolve(node: Node, { plainInput, attrs, weights }: BlockedKernel): Value {
    const [X, W, B] = node.inputs
    const x = plainInput ? plain(X!) : inBlock(X!)
    const inputs = [x, weights(plain(W!)), ...(B ? [plain(B)] : [])]
    return x.graph.node({ op: 'Conv', domain: BLOCKED, attrs, inputs, outputs: [node.outputs[0]!] }).outputs[0]!
  }
}

/** The values that lie in blocks by nature: what convolutions give, and what is made of such alone. */
function findBlocked(
  traced: Traced,
  count: ReadonlyMap<Value, number>,
  block: number,
  threads: number | undefined,
  worth: typeof isWorthBlocking,
  kernels: Map<Node, BlockedKernel>,
): Set<Value> {
  const found = new Set<Value>()
  const nodes = liveNodes(Object.values(traced.outputs))
  const able = new Set(nodes.filter(node => blockedKernel(node, block, threads) !== undefined))
  const users = new Map<Value, Node[]>()
  for (const node of nodes)
    for (const input of node.inputs) if (input !== null) users.set(input, [...(users.get(input) ?? []), node])
  const leaves = leavesBlocks(traced, users, able)
  for (const node of nodes) {
    const output = node.outputs[0]!
    if (able.has(node)) {
      const kernel = blockedKernel(node, block, threads)!
      const surroundings = {
        inputReordered: !kernel.plainInput && !found.has(node.inputs[0]!),
        outputReordered: leaves(output),
        reluFollows: count.get(output) === 1 && users.get(output)?.[0]?.op === 'Relu',
      }
      if (!worth(node, surroundings)) continue
      kernels.set(node, kernel)
      found.add(output)
      continue
    }
    const tensors = node.inputs.filter((input): input is Value => input !== null && !isScalar(input))
    const inside = tensors.length > 0 && node.domain === '' && tensors.every(input => found.has(input))
    const elementwise =
      inside && ELEMENTWISE.has(node.op) && tensors.every(input => sameShape(input.shape, output.shape))
    const pooled = inside && POOLS.has(node.op) && (count.get(node.outputs[1]!) ?? 0) === 0
    if (elementwise || pooled || (found.has(node.inputs[0]!) && takesExamples(node))) found.add(output)
  }
  return found
}

/** Whether something that is not blocked will want a value, seen through what keeps the layout or is cheap made again. */
function leavesBlocks(
  traced: Traced,
  users: ReadonlyMap<Value, readonly Node[]>,
  able: ReadonlySet<Node>,
): (value: Value) => boolean {
  const asked = new Set(Object.values(traced.outputs))
  const leaves = (value: Value): boolean =>
    asked.has(value) ||
    (users.get(value) ?? []).some(node => {
      if (able.has(node)) return node.inputs[0] !== value
      if (node.op === 'Greater' || POOLS.has(node.op) || isChannelsLast(node)) return false
      const alone = node.inputs.every(input => input === null || input === value || isScalar(input))
      return ELEMENTWISE.has(node.op) && alone ? leaves(node.outputs[0]!) : !takesExamples(node)
    })
  return leaves
}

const isScalar = (value: Value): boolean => value.constant !== null && value.constant.data.length === 1

/** Slice along the batch alone: blocks stay whole. */
const takesExamples = (node: Node): boolean =>
  node.op === 'Slice' && node.domain === '' && node.inputs[3] != null && contentNumbers(node.inputs[3])?.join() === '0'

const isChannelsLast = (node: Node): boolean =>
  node.op === 'Transpose' && (node.attrs.perm as readonly number[] | undefined)?.join() === '0,2,3,1'

/** The blocked value that a Transpose puts its channels last of: a layout the runtime reorders to directly. */
function lastOf(node: Node, blocked: ReadonlySet<Value>): Value | undefined {
  const x = node.inputs[0]!
  return isChannelsLast(node) && blocked.has(x) && x.dtype === 'float32' ? x : undefined
}

/** A node that keeps the layout. Relu alone on a convolution becomes part of it. */
function through(node: Node, inputs: readonly (Value | null)[], count: ReadonlyMap<Value, number>): Value {
  const before = inputs[0]!.node
  if (node.op === 'Relu' && before?.domain === BLOCKED && before.op === 'Conv' && count.get(node.inputs[0]!) === 1)
    return copy(before, before.inputs, { ...before.attrs, activation: 'Relu' })
  const domain = POOLS.has(node.op) ? BLOCKED : ''
  // The blocked kernels never give indices, so they know no order of them.
  const { storage_order: _, ...attrs } = node.attrs
  return inputs[0]!.graph.node({
    op: node.op,
    domain,
    attrs,
    floatAttrs: node.floatAttrs,
    inputs,
    outputs: [node.outputs[0]!],
  }).outputs[0]!
}

const copyAll = (node: Node, inputs: readonly (Value | null)[], attrs = node.attrs): readonly Value[] =>
  copyNode({ ...node, attrs }, inputs, inputs.find(input => input !== null)!.graph).outputs
const copy = (node: Node, inputs: readonly (Value | null)[], attrs = node.attrs): Value =>
  copyAll(node, inputs, attrs)[0]!
