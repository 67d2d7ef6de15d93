import { isFloat, type Node, sizeOf, type Value } from '../../../ir/index.js'
import { type Body, type Instruction, recordBytes } from './kernel.js'
import { formOf, reductionOf, uniform } from './operators.js'
import { isRenaming, operandsOf, type Tail } from './tail.js'

/** What a kernel's operand is; each is one array of `size` elements. */
export type Place =
  /** An entry of the state, updated where it lies. */
  | { readonly kind: 'entry'; readonly size: number; readonly name: string }
  /** An input of the program that this program does not update: brought over at each run. */
  | { readonly kind: 'input'; readonly size: number; readonly name: string; readonly truth: boolean }
  /** A result of the rest of the graph. */
  | { readonly kind: 'fetch'; readonly size: number; readonly name: string; readonly value: Value }
  | { readonly kind: 'constant'; readonly size: number; readonly data: Float32Array }
  | { readonly kind: 'temporary'; readonly size: number }

export interface Call {
  readonly body: number
  /** Where its record begins in the list of records, in bytes. */
  readonly record: number
  readonly size: number
  /** Its operands, as numbers of places. */
  readonly operands: readonly number[]
}

/** A tail as calls of loop bodies over arrays. Equal bodies are kept once, whatever they work on. */
export interface Plan {
  readonly places: readonly Place[]
  readonly bodies: readonly Body[]
  readonly calls: readonly Call[]
  readonly recordBytes: number
}

/** What is computed in one pass over arrays of one size. */
interface Task {
  readonly size: number
  readonly nodes: Node[]
  /** What it leaves for others, or for good. */
  readonly stores: { value: Value; place: Place }[]
}

/**
 * Orders a tail into passes. Nodes on the same elements belong together; a reduction among them divides them into one
 * pass before its result is known and one after. Numbers that passes share are computed on their own, once.
 */
export function planTail(tail: Tail, fetchName: (index: number) => string): Plan {
  const { source, updates } = tail
  const nodes = tail.nodes.filter(node => !isRenaming(node))
  const made = new Map<Value, Node>(nodes.map(node => [node.outputs[0]!, node]))
  const operands = new Map<Node, readonly Value[]>(nodes.map(node => [node, operandsOf(node).map(source)]))
  const sizeOfNode = (node: Node): number =>
    sizeOf(reductionOf(node) === undefined ? node.outputs[0]!.shape : node.inputs[0]!.shape)

  // The pass a value is there for: one more after each reduction on the way.
  const ready = new Map<Value, number>()
  const readyOf = (value: Value): number => ready.get(value) ?? 0
  const passOf = new Map<Node, number>()
  for (const node of nodes) {
    const pass = Math.max(0, ...operands.get(node)!.map(readyOf))
    passOf.set(node, pass)
    ready.set(node.outputs[0]!, pass + (reductionOf(node) === undefined ? 0 : 1))
  }

  const groups = unions<Value>()
  for (const node of nodes) {
    if (reductionOf(node) !== undefined) continue
    const [output, size] = [node.outputs[0]!, sizeOfNode(node)]
    for (const operand of operands.get(node)!) {
      const maker = made.get(operand)
      if (size > 1 ? sizeOf(operand.shape) === size && uniform(operand) === undefined : joinsScalars(maker, node))
        groups.join(output, operand)
    }
  }
  function joinsScalars(maker: Node | undefined, node: Node): boolean {
    return maker !== undefined && reductionOf(maker) === undefined && passOf.get(maker) === passOf.get(node)
  }

  const tasks = new Map<string, Task>()
  const related = new Map<Value, Task[]>()
  const keys = new Map<Value, number>()
  const taskOf = new Map<Node, Task>()
  for (const node of nodes) {
    const root = groups.find(reductionOf(node) === undefined ? node.outputs[0]! : operands.get(node)![0]!)
    if (!keys.has(root)) keys.set(root, keys.size)
    const key = `${keys.get(root)} ${passOf.get(node)}`
    const known = tasks.get(key)
    const task = known ?? { size: sizeOfNode(node), nodes: [], stores: [] }
    if (known === undefined) {
      tasks.set(key, task)
      related.set(root, [...(related.get(root) ?? []), task])
    }
    task.nodes.push(node)
    taskOf.set(node, task)
  }

  const places: Place[] = []
  const leaves = new Map<Value, Place>()
  let fetched = 0
  const leaf = (value: Value): Place => {
    const known = leaves.get(value)
    if (known !== undefined) return known
    const size = sizeOf(value.shape)
    const place: Place =
      value.constant !== null
        ? { kind: 'constant', size, data: Float32Array.from(value.constant.data as Float32Array, Number) }
        : value.node !== null
          ? { kind: 'fetch', size, name: fetchName(fetched++), value }
          : updates.has(value.name) && isFloat(value.dtype)
            ? entry(value.name, size)
            : { kind: 'input', size, name: value.name, truth: value.dtype === 'bool' }
    leaves.set(value, place)
    return place
  }
  const entries = new Map<string, Place>()
  const entry = (name: string, size: number): Place => {
    const place = entries.get(name) ?? { kind: 'entry', size, name }
    entries.set(name, place)
    return place
  }

  // In which order: what a pass needs from others comes before it; passes over the same arrays follow each other closely.
  const order: Task[] = []
  const visited = new Set<Task>()
  const visit = (task: Task): void => {
    if (visited.has(task)) return
    visited.add(task)
    for (const node of task.nodes)
      for (const operand of operands.get(node)!) {
        const maker = made.get(operand)
        if (maker !== undefined && taskOf.get(maker) !== task) visit(taskOf.get(maker)!)
      }
    order.push(task)
  }
  for (const passes of related.values()) passes.forEach(visit)
  const position = new Map(order.map((task, i) => [task, i]))
  const readers = new Map<Place, number[]>()
  const users = new Map<Value, Set<Task>>()
  for (const [i, task] of order.entries())
    for (const node of task.nodes)
      for (const operand of operands.get(node)!) {
        users.set(operand, (users.get(operand) ?? new Set()).add(task))
        if (made.has(operand) || uniform(operand) !== undefined) continue
        const place = leaf(operand)
        readers.set(place, [...(readers.get(place) ?? []), i])
      }

  // Where results go: an update into its entry, unless a later pass still reads the old value there.
  const stored = new Map<Value, Place>()
  const copies: { from: Place; to: Place }[] = []
  for (const [name, value] of updates) {
    const from = source(value)
    const to = entry(name, sizeOf(from.shape))
    const maker = made.get(from)
    const first = stored.get(from)
    if (first !== undefined && reductionOf(maker!) !== undefined) {
      copies.push({ from: first, to })
      continue
    }
    const task = maker !== undefined ? taskOf.get(maker)! : order[Math.min(...readers.get(leaf(from))!)]!
    const late = (readers.get(to) ?? []).some(reader => reader > position.get(task)!)
    const place: Place = late ? { kind: 'temporary', size: to.size } : to
    if (late) copies.push({ from: place, to })
    task.stores.push({ value: from, place })
    if (maker !== undefined && !stored.has(from)) stored.set(from, place)
  }
  for (const task of order)
    for (const node of task.nodes) {
      const output = node.outputs[0]!
      const shared = [...(users.get(output) ?? [])].some(other => other !== task)
      if (stored.has(output) || (reductionOf(node) === undefined && !shared)) continue
      const place: Place = { kind: 'temporary', size: sizeOf(output.shape) }
      stored.set(output, place)
      task.stores.push({ value: output, place })
    }

  const bodies = new Map<string, { index: number; body: Body }>()
  const calls: Call[] = []
  let record = 0
  const emit = (size: number, body: Body, list: readonly Place[]): void => {
    const key = JSON.stringify(body, (_, x) => (typeof x === 'number' ? (Object.is(x, -0) ? '-0' : String(x)) : x))
    const known = bodies.get(key) ?? { index: bodies.size, body }
    bodies.set(key, known)
    const numbers = list.map(place => {
      const index = places.indexOf(place)
      return index >= 0 ? index : places.push(place) - 1
    })
    calls.push({ body: known.index, record, size, operands: numbers })
    record += recordBytes(list.length)
  }
  for (const task of order) {
    const { body, list } = bodyOf(task)
    emit(task.size, body, list)
  }
  for (const { from, to } of copies)
    emit(
      to.size,
      [
        { do: 'load', operand: 0, scalar: to.size === 1 },
        { do: 'store', value: 0, operand: 1 },
      ],
      [from, to],
    )
  return { places, bodies: [...bodies.values()].map(({ body }) => body), calls, recordBytes: record }

  function bodyOf(task: Task): { body: Body; list: Place[] } {
    const body: Instruction[] = []
    const list: Place[] = []
    const registers = new Map<Value, number>()
    const operandOf = (place: Place): number => {
      const index = list.indexOf(place)
      return index >= 0 ? index : list.push(place) - 1
    }
    const add = (step: Instruction): number => body.push(step) - 1
    const register = (value: Value): number => {
      const known = registers.get(value)
      if (known !== undefined) return known
      const constant = uniform(value)
      const index =
        constant === undefined
          ? add({
              do: 'load',
              operand: operandOf(made.has(value) ? stored.get(value)! : leaf(value)),
              scalar: sizeOf(value.shape) === 1,
            })
          : value.dtype === 'bool'
            ? add({ do: 'truth', value: constant !== 0 })
            : add({ do: 'number', value: constant })
      registers.set(value, index)
      return index
    }
    const storeOf = (value: Value): Place => task.stores.find(store => store.value === value)!.place
    const last: Instruction[] = []
    for (const node of task.nodes) {
      const reduction = reductionOf(node)
      const output = node.outputs[0]!
      if (reduction !== undefined)
        last.push({
          do: 'reduce',
          reduction,
          value: register(operands.get(node)![0]!),
          operand: operandOf(storeOf(output)),
        })
      else {
        const values = operands.get(node)!.map(register)
        registers.set(output, add({ do: 'apply', primitive: formOf(node)!.primitive, values }))
      }
    }
    for (const { value, place } of task.stores) {
      const node = made.get(value)
      if (node === undefined || reductionOf(node) === undefined)
        last.push({ do: 'store', value: register(value), operand: operandOf(place) })
    }
    return { body: [...body, ...last], list }
  }
}

/** Sets that are joined two at a time. */
function unions<T>() {
  const parents = new Map<T, T>()
  const find = (x: T): T => {
    let root = x
    for (let up = parents.get(root); up !== undefined; up = parents.get(root)) root = up
    if (root !== x) parents.set(x, root)
    return root
  }
  return {
    find,
    join(a: T, b: T): void {
      const [x, y] = [find(a), find(b)]
      if (x !== y) parents.set(x, y)
    },
  }
}
