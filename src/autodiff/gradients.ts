import { capturedValues, dependencies, GraphError, isFloat, type Node, ShapeError, type Value } from '../ir/index.js'
import { namedInputs, type OpRecord, type Rule, type RuleContext } from '../ops/define.js'
import { onesLike, zerosLike } from '../ops/dims.js'
import * as ops from '../ops/index.js'
import { operatorOf } from '../ops/table.js'
import { unbroadcast } from './unbroadcast.js'

export interface GradientOptions {
  /** Gradient of each of the losses, to begin with; ones when left out (then a loss may have any shape: its sum counts). */
  seeds?: readonly Value[]
  /** Values the sweep does not pass. */
  stop?: readonly Value[]
  /** What to return where no path leads from a value to the loss: raise an error (default) or zeros. */
  unconnected?: 'error' | 'zeros'
}

/**
 * The gradients of `loss` (or of the sum of several) with respect to `wrt`, as new values of the same graph.
 * Reverse mode; the result can be differentiated again.
 *
 * @param loss a float value; usually a scalar
 * @param wrt inputs, constants or intermediate values, floats
 * @throws GraphError `unconnected-gradient` if a value has no influence on the loss, `unknown-operator` if an operator
 *   on the path is unknown, `gradient-seeds` if the seeds do not fit the losses, `integer-gradient` for what is no float
 */
export function gradients(
  loss: Value | readonly Value[],
  wrt: readonly Value[],
  options: GradientOptions = {},
): Value[] {
  const losses = Array.isArray(loss) ? (loss as readonly Value[]) : [loss as Value]
  for (const value of [...losses, ...wrt])
    if (!isFloat(value.dtype))
      throw new GraphError({
        code: 'integer-gradient',
        where: value.name,
        expected: 'a float value',
        received: value.dtype,
        hint: 'integers and booleans have no gradient; cast to float32 before the part to differentiate',
      })
  const seeds = options.seeds ?? losses.map(value => onesLike(value))
  const misfit = seeds.findIndex((seed, i) => losses[i] === undefined || !fits(seed, losses[i]))
  if (seeds.length !== losses.length || misfit >= 0)
    throw new GraphError({
      code: 'gradient-seeds',
      where: losses[Math.max(misfit, 0)]?.name ?? 'seeds',
      expected: `one seed for each loss: ${losses.map(l => `${l.dtype} [${l.shape.join(', ')}]`).join(', ')}`,
      received: seeds.map(seed => `${seed.dtype} [${seed.shape.join(', ')}]`).join(', '),
    })
  const found = sweep(losses, seeds, wrt, options.stop ?? [])
  return wrt.map(value => {
    const gradient = found.get(value)
    if (gradient !== undefined) return gradient
    if (options.unconnected === 'zeros' || reaches(value, losses)) return zerosLike(value)
    throw new GraphError({
      code: 'unconnected-gradient',
      where: value.name,
      expected: `a path from ${value.name} to ${losses.map(l => l.name).join(', ')}`,
      received: 'none',
      hint: "pass { unconnected: 'zeros' } if a zero gradient is meant",
    })
  })
}

/** Whether the losses are computed from `value`, be it through steps or integers that carry no gradient. */
function reaches(value: Value, losses: readonly Value[]): boolean {
  const influenced = new Set<Value>([value])
  for (const node of value.graph.nodes)
    if (dependencies(node).some(input => input !== null && influenced.has(input)))
      for (const output of node.outputs) influenced.add(output)
  return losses.some(loss => influenced.has(loss))
}

/** Marks `x` as a constant for every later `gradients` call. */
export const stopGradient = (x: Value): Value =>
  x.graph.node({ op: 'Identity', inputs: [x], outputs: [x], stopGradient: true }).outputs[0]!

/** The gradient that reaches one input of one node, before it is accumulated; lets callers watch single uses of a parameter. */
export interface Arrival {
  /** The value that is watched. */
  readonly root: Value
  /** What the node uses: the root, or the same elements in another shape or dtype. */
  readonly value: Value
  /** The nodes that lead from the root to the value. */
  readonly views: readonly Node[]
  readonly node: Node
  readonly record: OpRecord
  /** Index into `node.inputs`. */
  readonly input: number
  /** The gradient of the node's first output. */
  readonly outputGradient: Value
  readonly context: RuleContext
}

/** Operators whose output is the elements of their first input in another shape, order or dtype. */
const VIEWS = new Set(['Identity', 'Cast', 'Transpose', 'Reshape', 'Squeeze', 'Unsqueeze', 'Flatten'])

/** Values of `wrt` for whose uses a function is called instead of the rules. */
export interface Watch {
  readonly values: ReadonlySet<Value>
  readonly onArrival: (arrival: Arrival) => void
}

/**
 * The only reverse sweep in the project. Returns the gradient of every value of `wrt` that the losses depend on, but of
 * those watched, which get none.
 */
export function sweep(
  losses: readonly Value[],
  seeds: readonly Value[],
  wrt: readonly Value[],
  stop: readonly Value[],
  watch?: Watch,
): Map<Value, Value> {
  const graph = losses[0]!.graph
  const stopped = new Set(stop)
  // Only nodes on a path from `wrt` to the losses matter. Rules append nodes, so the list is fixed here.
  const nodes = graph.nodes.slice()
  const dependent = new Set<Value>(wrt)
  const watched = new Map<Value, { root: Value; views: readonly Node[] }>()
  for (const value of watch?.values ?? []) watched.set(value, { root: value, views: [] })
  for (const node of nodes) {
    if (node.stopGradient || !dependencies(node).some(input => input !== null && dependent.has(input))) continue
    const seen = VIEWS.has(node.op) ? watched.get(node.inputs[0]!) : undefined
    if (seen !== undefined) watched.set(node.outputs[0]!, { root: seen.root, views: [...seen.views, node] })
    for (const output of node.outputs) if (isFloat(output.dtype) && !stopped.has(output)) dependent.add(output)
  }
  const pending = new Map<Value, Value[]>()
  const collect = (value: Value, gradient: Value) => {
    const list = pending.get(value)
    if (list === undefined) pending.set(value, [gradient])
    else list.push(gradient)
  }
  const total = (value: Value): Value | null => {
    const list = pending.get(value)
    if (list === undefined) return null
    const sum = list.length === 1 ? list[0]! : list.reduce((a, b) => ops.add(a, b))
    pending.set(value, [sum])
    return sum
  }
  losses.forEach((loss, i) => {
    if (dependent.has(loss)) collect(loss, seeds[i]!)
  })

  for (let i = nodes.length - 1; i >= 0; i--) {
    const node = nodes[i]!
    if (node.stopGradient || !node.outputs.some(output => pending.has(output))) continue
    if (!dependencies(node).some(input => input !== null && dependent.has(input))) continue
    const grads = node.outputs.map(output => (stopped.has(output) ? null : total(output)))
    const present = grads.findIndex(gradient => gradient !== null)
    if (present < 0) continue
    graph.scope('gradient', () => backward(node, grads))
  }

  function backward(node: Node, grads: readonly (Value | null)[]): void {
    const record = operatorOf(node)
    const captured = capturedValues(node).find(value => dependent.has(value))
    if (captured !== undefined)
      throw new GraphError({
        code: 'no-gradient',
        where: node.name,
        expected: `${captured.name} as an input of ${node.op}`,
        received: 'a value that its body takes from around it',
      })
    // Saved statistics and the like: a rule that ignored them would be a silent zero.
    const closed = grads.findIndex((gradient, i) => gradient !== null && !(record.outputs[i]?.flows ?? true))
    if (closed >= 0)
      throw new GraphError({
        code: 'no-gradient',
        where: node.name,
        expected: `a loss that does not use output ${record.outputs[closed]!.name} of ${node.op}`,
        received: 'one that does',
      })
    const first = grads[0] ?? zerosLike(node.outputs[0]!)
    const named = namedInputs(record, node.inputs)
    if (record.vjp === 'body') {
      throughBody(node, record, first)
      return
    }
    node.inputs.forEach((input, position) => {
      if (input === null || !dependent.has(input) || !isFloat(input.dtype)) return
      const spec = record.inputs[Math.min(position, record.inputs.length - 1)]!
      const rule = (record.vjp as Readonly<Record<string, Rule | null>>)[spec.name]
      if (rule === null || rule === undefined) return
      const offset = record.inputs.indexOf(spec)
      const context: RuleContext = {
        // True because namedInputs follows the same record that the rule was written for.
        in: named as RuleContext['in'],
        out: node.outputs,
        grads,
        attrs: node.attrs,
        node,
        graph,
        position: position - offset,
      }
      const use = watched.get(input)
      if (use !== undefined) {
        watch!.onArrival({ ...use, value: input, node, record, input: position, outputGradient: first, context })
        return
      }
      collect(input, checked(applyRule(record, rule, first, context, input), input, node, spec.name))
    })
  }

  /** An operator defined by others: build its body from the same inputs and sweep that. */
  function throughBody(node: Node, record: OpRecord, g: Value): void {
    // Copies of the inputs: one of them may be computed from another, and only this node's own part is wanted here.
    const copies = node.inputs.map(input => (input === null ? null : ops.identity(input)))
    const body = record.body!(namedInputs(record, copies), node.attrs)
    const active = copies.filter(
      (copy, i): copy is Value => copy !== null && dependent.has(node.inputs[i]!) && isFloat(copy.dtype),
    )
    const originals = new Map(copies.flatMap((copy, i) => (copy === null ? [] : [[copy, node.inputs[i]!] as const])))
    const through = sweep([body], [g], active, stop, {
      values: new Set(active.filter(copy => watched.has(originals.get(copy)!))),
      // A use of a copy is a use of what it copies.
      onArrival: arrival => {
        const { root, views } = watched.get(originals.get(arrival.root)!)!
        watch!.onArrival({ ...arrival, root, views: [...views, arrival.root.node!, ...arrival.views] })
      },
    })
    copies.forEach((copy, i) => {
      const gradient = copy === null ? undefined : through.get(copy)
      if (gradient !== undefined) collect(node.inputs[i]!, checked(gradient, node.inputs[i]!, node, `input ${i}`))
    })
  }

  const result = new Map<Value, Value>()
  for (const value of wrt) {
    const gradient = graph.scope('gradient', () => total(value))
    if (gradient !== null) result.set(value, gradient)
  }
  return result
}

/** One rule, with broadcasting undone where the operator broadcasts. */
export function applyRule(record: OpRecord, rule: Rule, g: Value, context: RuleContext, input: Value): Value {
  const gradient = rule(g, context)
  return record.broadcast ? unbroadcast(gradient, input) : gradient
}

/** Whether a gradient has the type of what it is the gradient of, as far as extents are known. */
const fits = (gradient: Value, value: Value): boolean =>
  gradient.shape.length === value.shape.length &&
  gradient.dtype === value.dtype &&
  gradient.shape.every(
    (dim, i) => dim === value.shape[i] || typeof dim === 'string' || typeof value.shape[i] === 'string',
  )

function checked(gradient: Value, input: Value, node: Node, name: string): Value {
  if (!fits(gradient, input))
    throw new ShapeError({
      code: 'gradient-shape',
      where: `gradient of ${node.op} (${node.name}) with respect to ${name}`,
      expected: `${input.dtype} [${input.shape.join(', ')}]`,
      received: `${gradient.dtype} [${gradient.shape.join(', ')}]`,
      hint: 'this is an error in anneal: please report it with the graph',
    })
  return gradient
}
