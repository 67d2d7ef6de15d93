import { dependencies, isStatic, liveNodes, type Node, sizeOf, type Traced, type Value } from '../../../ir/index.js'
import { formOf, reductionOf, renames, uniform } from './operators.js'

/**
 * The end of a training step that works element by element: from gradients, old weights and slots to new ones.
 * Nothing in it is needed by anything outside, so that it can run on its own when the rest is done.
 */
export interface Tail {
  /** Its nodes, in an order in which they can run. */
  readonly nodes: readonly Node[]
  /** What it computes of the updates, by name. */
  readonly updates: ReadonlyMap<string, Value>
  /** Beneath renamings that are part of the tail: what holds a value's elements. */
  readonly source: (value: Value) => Value
}

/** Finds the tail of a step: the largest set of nodes that kernels can compute and only updates need. */
export function findTail({ outputs }: Traced, updates: Readonly<Record<string, Value>>): Tail {
  const order = liveNodes([...Object.values(outputs), ...Object.values(updates)])
  const consumers = new Map<Value, Node[]>()
  for (const node of order)
    for (const input of new Set(dependencies(node)))
      if (input !== null) {
        const list = consumers.get(input)
        if (list === undefined) consumers.set(input, [node])
        else list.push(node)
      }
  const asked = new Set(Object.values(outputs))
  const targets = new Set(Object.values(updates))
  const inside = new Set<Node>()
  for (const node of order.toReversed()) {
    const free = node.outputs.every(
      output => !asked.has(output) && (consumers.get(output) ?? []).every(user => inside.has(user)),
    )
    if (free && isComputable(node, targets)) inside.add(node)
  }
  const source = (value: Value): Value =>
    value.node !== null && inside.has(value.node) && isRenaming(value.node) ? source(value.node.inputs[0]!) : value
  const made = (value: Value): boolean => {
    const { node } = source(value)
    return node !== null && inside.has(node)
  }

  /** Whether nodes inside that are no reductions work on a value's elements. */
  const worksOn = (value: Value): boolean =>
    value.constant === null && sizeOf(value.shape) > 1 && usersOf(value).some(user => reductionOf(user) === undefined)
  const usersOf = (value: Value): Node[] =>
    (consumers.get(value) ?? []).flatMap(user =>
      !inside.has(user) ? [] : isRenaming(user) ? usersOf(user.outputs[0]!) : [user],
    )

  /** Why a node is better left outside, given what is inside. */
  const belongs = (node: Node): boolean => {
    const operands = operandsOf(node).map(source)
    // Bools are not handed over.
    if (operands.some(x => x.dtype === 'bool' && !made(x) && !isGiven(x))) return false
    // What a kernel works on anyway it can sum up too: a norm of gradients that are fetched for the update.
    if (reductionOf(node) !== undefined && !made(operands[0]!) && !worksOn(operands[0]!)) return false
    // A number that follows from the rest's own is one number to hand over instead of several.
    const output = node.outputs[0]!
    const small = sizeOf(output.shape) === 1 && output.dtype === 'float32' && !targets.has(output)
    return !small || operands.some(x => made(x) || (x.node === null && x.constant === null))
  }
  const leave = (node: Node): void => {
    if (!inside.delete(node)) return
    // What a node outside needs is outside.
    for (const input of node.inputs) if (input?.node) leave(input.node)
  }
  for (let before = -1; before !== inside.size; ) {
    before = inside.size
    for (const node of order) if (inside.has(node) && !belongs(node)) leave(node)
  }

  const nodes = order.filter(node => inside.has(node))
  const loaded = new Set(nodes.filter(node => !isRenaming(node)).flatMap(node => operandsOf(node).map(source)))
  const mine = Object.entries(updates).filter(([, value]) => {
    const from = source(value)
    if (from.dtype !== 'float32' || !isStatic(from.shape)) return false
    // What passes through the kernel anyway may be stored there.
    return made(from) || (loaded.has(from) && from.constant === null && sizeOf(from.shape) > 1)
  })
  return { nodes, updates: new Map(mine), source }
}

export const isRenaming = (node: Node): boolean =>
  node.domain === '' && (renames.has(node.op) || (node.op === 'Expand' && sizeOf(node.inputs[0]!.shape) === 1))

/** The inputs whose elements a node works on. */
export const operandsOf = (node: Node): readonly Value[] =>
  isRenaming(node) || reductionOf(node) !== undefined ? [node.inputs[0]!] : formOf(node)!.operands

/** A constant, or one number from the host. */
const isGiven = (value: Value): boolean =>
  uniform(value) !== undefined || (value.node === null && value.constant === null && sizeOf(value.shape) === 1)

const isPlain = (value: Value): boolean =>
  (value.dtype === 'float32' || value.dtype === 'bool') && isStatic(value.shape) && sizeOf(value.shape) > 0

/** Whether kernels can compute a node: known shapes, each operand as large as the result or one number. */
function isComputable(node: Node, targets: ReadonlySet<Value>): boolean {
  const output = node.outputs[0]!
  if (node.domain !== '' || !isPlain(output)) return false
  const size = sizeOf(output.shape)
  if (renames.has(node.op)) return isPlain(node.inputs[0]!)
  // One number in many places costs nothing inside a kernel, but it is no array that could be kept.
  if (node.op === 'Expand')
    return isPlain(node.inputs[0]!) && sizeOf(node.inputs[0]!.shape) === 1 && !targets.has(output)
  if (reductionOf(node) !== undefined)
    return size === 1 && node.inputs[0]!.dtype === 'float32' && isPlain(node.inputs[0]!) && isWhole(node)
  const form = formOf(node)
  return (
    form?.operands.every(
      operand => isPlain(operand) && (sizeOf(operand.shape) === size || sizeOf(operand.shape) === 1),
    ) ?? false
  )
}

/** Whether a reduction to one element is over everything: with no axes it may be over nothing. */
const isWhole = (node: Node): boolean =>
  !(Number(node.attrs.noop_with_empty_axes ?? 0) === 1 && (node.inputs[1] ?? null) === null)
