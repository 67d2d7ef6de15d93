import { ConfigError, type Graph, ShapeError, type Tensor, type Value } from '../ir/index.js'
import type { RandomKey } from '../ops/counter-random.js'
import { rateAt, type Schedule } from './schedules/schedule.js'
import type { HostScalar, Initial, Parameter, ParameterInfo, StepInfo, UpdateScalar } from './transform.js'

/** A named tensor an optimizer keeps between updates (`adam/m/dense/kernel`). */
export interface Slot {
  readonly name: string
  readonly shape: readonly number[]
  readonly initial: Initial
  /** The parameter it belongs to, whose value `initial: 'parameter'` means. */
  readonly parameter: string
}

/** What an optimizer builds its update from. */
export interface UpdateContext {
  readonly graph: Graph
  /** Trainable parameters with their gradients. */
  readonly parameters: readonly Parameter[]
  /** The learning rate as a scalar. */
  readonly learningRate: Value
  /** Which of its graphs is being built: see `phase`. */
  readonly phase: string
  /** A slot's value before this update. */
  slot(name: string): Value
  /** A scalar that the host computes anew for each update and feeds, or a number that stays; the same value for a name. */
  scalar(name: string, at: UpdateScalar): Value
  /** The key of the random numbers of this update and the name given alone. */
  key(name: string): RandomKey
  /** Gradients of the same loss on the same batch at other values of the parameters (those not given stay). */
  gradientsAt(values: ReadonlyMap<string, Value>): readonly Value[]
}

/** New values of parameters and slots, by path and name; what is missing stays as it is. */
export interface UpdateTrace {
  readonly parameters: ReadonlyMap<string, Value>
  readonly slots: ReadonlyMap<string, Value>
}

/** What an optimizer computes the weights for evaluation from. */
export interface EvaluationContext {
  readonly parameters: readonly { readonly path: string; readonly value: Value }[]
  slot(name: string): Value
}

/** A loss with its gradients at some values of the parameters, for an optimizer that is driven by the host. */
export interface Evaluation {
  readonly loss: number
  readonly gradients: Readonly<Record<string, Float32Array>>
}

/** An update made by the host, for methods that evaluate the loss as often as they need (line searches). */
export interface HostUpdate {
  readonly info: StepInfo
  readonly parameters: Readonly<Record<string, Tensor>>
  readonly slots: Readonly<Record<string, Tensor>>
  /** Loss and gradients of the batch at other parameters. */
  evaluate(parameters: Readonly<Record<string, Float32Array>>): Promise<Evaluation>
  /** Those at the present parameters. */
  readonly first: Evaluation
}

/** An optimizer: slots, and one update as a piece of graph. Wrappers take one and return one. */
export interface Optimizer {
  readonly name: string
  readonly learningRate: Schedule
  /** The options it was made with, for saving: `optimizerFromConfig({ name, config })` makes it again. */
  readonly config: Readonly<Record<string, unknown>>
  slots(parameters: readonly ParameterInfo[]): readonly Slot[]
  /** Which of its graphs the update after `step` batches takes: an accumulating optimizer has one that only adds up. */
  phase(step: number): string
  /** How many updates `batches` batches make; as many where nothing is said. */
  readonly updates?: (batches: number) => number
  trace(update: UpdateContext): UpdateTrace
  /** The weights to evaluate, predict and save with, where those are not the ones that are trained. */
  readonly evaluate?: (context: EvaluationContext) => ReadonlyMap<string, Value>
  /** The slot that holds a parameter's average, for swapping it in. */
  readonly average?: (path: string) => string
  /** Whether fit ends by writing the averages over the weights. */
  readonly finalize?: boolean
  /** Makes the update on the host instead of in the graph; gives new parameters and slots. */
  readonly host?: (update: HostUpdate) => Promise<{
    readonly parameters: Readonly<Record<string, Float32Array>>
    readonly slots: Readonly<Record<string, Float32Array>>
  }>
}

/** Whether something is an optimizer: plain JavaScript has no types to tell. */
export const isOptimizer = (x: unknown): x is Optimizer =>
  typeof x === 'object' && x !== null && 'trace' in x && 'slots' in x && 'learningRate' in x

export const LEARNING_RATE = 'optimizer/learning_rate'

export interface TracedUpdate extends UpdateTrace {
  /** Graph inputs the host feeds at each update. */
  readonly feeds: Readonly<Record<string, HostScalar>>
}

export interface TraceUpdateOptions {
  readonly parameters: readonly Parameter[]
  readonly phase: string
  readonly gradientsAt?: UpdateContext['gradientsAt']
  readonly key?: UpdateContext['key']
}

/** Builds one update of all parameters in their graph. Slots are graph inputs named as `slots` says. */
export function traceUpdate(o: Optimizer, { parameters, phase, gradientsAt, key }: TraceUpdateOptions): TracedUpdate {
  const graph = parameters[0]?.value.graph
  if (graph === undefined) return { parameters: new Map(), slots: new Map(), feeds: {} }
  const feeds: Record<string, HostScalar> = {}
  const scalars = new Map<string, Value>()
  const scalar = (name: string, at: UpdateScalar): Value => {
    const known = scalars.get(name)
    if (known !== undefined) return known
    if (typeof at === 'function') feeds[name] = at
    const value = typeof at === 'function' ? graph.input(name, 'float32', []) : graph.tunable('float32', at)
    scalars.set(name, value)
    return value
  }
  const infos = parameters.map(({ path, value }) => ({ path, shape: value.shape as readonly number[] })) // weights are static
  const slot = slotInputs(graph, o.slots(infos))
  const trace = o.trace({
    graph,
    parameters,
    phase,
    learningRate: scalar(LEARNING_RATE, info => info.learningRate),
    slot,
    scalar,
    key: key ?? missing('a key for random numbers'),
    gradientsAt: gradientsAt ?? missing('a loss that can be evaluated at other weights'),
  })
  for (const [name, next] of [...trace.parameters, ...trace.slots]) {
    const before = parameters.find(p => p.path === name)?.value ?? slot(name)
    if (String(before.shape) !== String(next.shape))
      throw new ShapeError({
        code: 'update-shape',
        where: `${o.name}: ${name}`,
        expected: before.shape,
        received: next.shape,
      })
  }
  return { ...trace, feeds }
}

const missing = (what: string) => (): never => {
  throw new ConfigError({ code: 'update-context', where: 'optimizer', expected: what, received: 'gradients alone' })
}

/** The label of a name for `mixKey`, one that no layer of a network has: layers count from 0, names lie above 2²⁴. */
export const keyLabel = (name: string): number => {
  let h = 0x811c9dc5 // FNV-1a
  for (let i = 0; i < name.length; i++) h = Math.imul(h ^ name.charCodeAt(i), 0x01000193)
  return (h >>> 8) + 2 ** 24
}

/** Slots as inputs of a graph, each made when it is first asked for. */
export function slotInputs(graph: Graph, slots: readonly Slot[]): (name: string) => Value {
  const byName = new Map(slots.map(slot => [slot.name, slot]))
  const made = new Map<string, Value>()
  return name => {
    const known = made.get(name)
    if (known !== undefined) return known
    const slot = byName.get(name)
    if (slot === undefined)
      throw new ShapeError({ code: 'unknown-slot', where: name, expected: 'a slot that is declared', received: name })
    const value = graph.input(name, 'float32', slot.shape)
    made.set(name, value)
    return value
  }
}

/** What a slot holds before the first update. */
export function initialValue(slot: Slot, parameter: Tensor): Tensor {
  const size = slot.shape.reduce((a, b) => a * b, 1)
  const data = new Float32Array(size)
  if (slot.initial === 'parameter')
    data.set(parameter.data as Float32Array) // parameters are float32
  else if (typeof slot.initial === 'number') data.fill(slot.initial)
  else {
    const side = slot.shape.at(-1)!
    for (let i = 0; i < size; i += side * side)
      for (let j = 0; j < side; j++) data[i + j * (side + 1)] = slot.initial.identity
  }
  return { dtype: 'float32', shape: slot.shape, data }
}

/** What the host knows of the update after `step` batches; `rate` stands in the place of the schedule where given. */
export const stepInfo = (o: Optimizer, step: number, rate?: Schedule | null): StepInfo => ({
  step: step + 1,
  batches: step,
  learningRate: rateAt(rate ?? o.learningRate, step),
})
