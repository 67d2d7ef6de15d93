import type * as Ort from 'onnxruntime-common'
import {
  allocate,
  type DType,
  dependencies,
  dtypes,
  encodeOnnx,
  type Graph,
  isStatic,
  liveNodes,
  nearest,
  RuntimeError,
  type Shape,
  ShapeError,
  sizeOf,
  type Tensor,
  type TensorData,
  type TypedArray,
  type Value,
} from '../ir/index.js'
import type { ProgramCache } from './cache.js'
import type { DeviceOptions, Engine } from './device.js'
import { type BoundUpdate, bindUpdate, type Kernels } from './fused.js'
import { type FusedUpdate, fuseUpdate } from './lower/fused-update/index.js'
import { chooses, lower } from './lower/index.js'
import { optimize } from './optimize.js'
import { engineOf, openSession, type Session } from './session.js'
import type { State } from './state.js'

export interface CompileOptions extends DeviceOptions {
  /** What the program returns, by name. */
  outputs: Readonly<Record<string, Value>>
  /** For a training step: the new value of each state input, by the input's name. */
  updates?: Readonly<Record<string, Value>>
  /**
   * Rewrites only this kind of device likes (blocked convolutions, updates as one kernel and the like): all that suit it,
   * none, or those named. Default true.
   */
  lowering?: boolean | readonly string[]
  /** Where programs of equal graphs are shared. */
  cache?: ProgramCache | undefined
}

export interface RunOptions {
  /** Feeds the program does not know are left aside instead of being errors. Default false. */
  ignoreUnknown?: boolean
  /** Sees what the program returns before the state changes; where it says no, the state stays as it was. */
  accept?: (outputs: Readonly<Record<string, Tensor>>) => boolean
}

/** What a program is fed: a tensor, or an array that has the input's dtype and (if static) its shape. */
export type Feed = Tensor | TypedArray

interface Port {
  readonly name: string
  readonly dtype: DType
  readonly shape: Shape
}

const UPDATE = 'next:'

/** What a program is made of. */
interface Parts {
  readonly engine: Engine
  /** Null where kernels do everything. */
  readonly session: Session | null
  readonly inputs: readonly Port[]
  readonly outputs: readonly Port[]
  readonly updates: readonly string[]
  /** Names of the inputs the session takes; the others are for kernels only. */
  readonly fed: ReadonlySet<string>
  /** Names of the graph's inputs that may be fed though no output needs them. */
  readonly declared: ReadonlySet<string>
  readonly fused: FusedUpdate | null
  /** The same program without kernels. */
  readonly plain: () => Promise<Program>
}

/** A compiled graph with named inputs and outputs. Inputs that `state` holds are taken from there. */
export class Program {
  /** What a run must be fed, or its state hold. */
  readonly inputs: readonly Port[]
  readonly outputs: readonly Port[]
  /** Names of the state entries a run replaces. */
  readonly updates: readonly string[]
  readonly #parts: Parts
  /** Inputs that are the same at every run. */
  readonly #given: ReadonlyMap<string, Tensor>
  readonly #constants: ReadonlyMap<string, Ort.Tensor>
  /** Updates whose new values come from the session and change places with the old ones. */
  readonly #swapped: readonly string[]
  readonly #inPlace: ReadonlySet<string>
  readonly #kernels: Kernels = new WeakMap()
  readonly #bound = new WeakMap<State, BoundUpdate>()
  #plain: Promise<Program> | null = null
  /** Where results of known shape are written. A run takes it; one that begins meanwhile makes its own. */
  #buffers: Map<string, Ort.Tensor> | null = new Map()

  constructor(parts: Parts, given: ReadonlyMap<string, Tensor> = new Map()) {
    this.#parts = parts
    this.inputs = parts.inputs.filter(port => !given.has(port.name))
    this.#given = given
    this.#constants = new Map(
      parts.inputs.flatMap(port => {
        const feed = given.get(port.name)
        return feed === undefined ? [] : [[port.name, toOrt(parts.engine.ort, port, feed, new Map())] as const]
      }),
    )
    this.outputs = parts.outputs
    this.updates = parts.updates
    this.#inPlace = new Set(parts.fused?.updates)
    this.#swapped = parts.updates.filter(name => !this.#inPlace.has(name))
  }

  get engine(): Engine {
    return this.#parts.engine
  }

  /** The same program with some inputs fed once and for all; what was compiled is shared. */
  given(feeds: ReadonlyMap<string, Tensor>): Program {
    return new Program(this.#parts, feeds)
  }

  /** Those of the updates that a kernel makes in place. */
  get fused(): readonly string[] {
    return this.#parts.fused?.updates ?? []
  }

  /**
   * Runs once. The tensors returned are the caller's to keep. A state of another device is read from there, but a
   * program that changes its state must be on the same device. Runs that change one state follow each other.
   * @throws ShapeError for a missing or unknown feed, or one of another dtype or shape
   */
  async run(
    feeds: Readonly<Record<string, Feed>> = {},
    state?: State,
    options: RunOptions = {},
  ): Promise<Record<string, Tensor>> {
    if (this.updates.length === 0)
      return state === undefined
        ? this.#run(feeds, state, options)
        : state.reading(() => this.#run(feeds, state, options))
    if (state?.engine !== this.engine)
      throw new RuntimeError({
        code: 'state-device',
        expected: `a state on ${this.engine.device}`,
        received: state === undefined ? 'none' : `one on ${state.engine.device}`,
      })
    return state.exclusive(() => this.#step(feeds, state, options))
  }

  /** A run that changes the state. */
  async #step(feeds: Readonly<Record<string, Feed>>, state: State, options: RunOptions) {
    const { fused } = this.#parts
    if (fused === null) return this.#run(feeds, state, options)
    let bound = this.#bound.get(state)
    while (bound?.version !== state.version) {
      await state.quiet()
      try {
        bound = await bindUpdate(fused, state, this.#kernels)
      } catch (error) {
        if (!(error instanceof RangeError)) throw error
        // No more memory for WebAssembly here: the plain graph needs none.
        this.#plain ??= this.#parts.plain().then(program => program.given(this.#given))
        const plain = await this.#plain
        return plain.#run(feeds, state, options)
      }
      this.#bound.set(state, bound)
    }
    return this.#run(feeds, state, options, bound)
  }

  async #run(
    feeds: Readonly<Record<string, Feed>>,
    state: State | undefined,
    { ignoreUnknown = false, accept = () => true }: RunOptions,
    bound?: BoundUpdate,
  ): Promise<Record<string, Tensor>> {
    const { ort } = this.engine
    const { fed, declared } = this.#parts
    const foreign = state !== undefined && state.engine !== this.engine
    const extents = new Map<string, number>()
    const given: Record<string, Ort.Tensor> = {}
    const known = new Set<string>()
    for (const [name, value] of this.#constants) {
      if (fed.has(name)) given[name] = value
      bound?.feed(name, value)
    }
    for (const port of this.inputs) {
      known.add(port.name)
      const held = state?.current(port.name)
      let value = held
      if (held === undefined || foreign) {
        const feed = held === undefined ? feeds[port.name] : await state!.read(port.name)
        if (feed === undefined)
          throw new ShapeError({
            code: 'missing-feed',
            where: port.name,
            expected: `${port.dtype} [${port.shape.join(', ')}]`,
            received: 'nothing',
          })
        value = toOrt(ort, port, feed, extents)
      }
      if (fed.has(port.name)) given[port.name] = value!
      bound?.feed(port.name, value!)
    }
    for (const name of Object.keys(feeds))
      if (!ignoreUnknown && !known.has(name) && !declared.has(name))
        throw new ShapeError({
          code: 'unknown-feed',
          where: name,
          expected: `inputs ${this.inputs
            .map(port => port.name)
            .slice(0, 8)
            .join(', ')}`,
          received: name,
          hint: `nearest: ${nearest(
            name,
            this.inputs.map(port => port.name),
            1,
          ).join('')}`,
        })
    const buffers = this.#buffers ?? new Map<string, Ort.Tensor>()
    this.#buffers = null
    try {
      const results = await this.#execute(given, state, buffers, bound)
      const out: Record<string, Tensor> = {}
      for (const port of this.outputs) {
        const result = results[port.name]!
        const data = (await result.getData()) as TensorData
        out[port.name] = {
          dtype: port.dtype,
          shape: result.dims,
          data: buffers.has(port.name) ? (data.slice() as TensorData) : data,
        }
      }
      if (state !== undefined && this.updates.length > 0) await this.#change(state, results, accept(out), bound)
      return out
    } finally {
      this.#buffers = buffers
    }
  }

  /** Makes the results of a run the state's new values, or leaves all as it was. */
  async #change(
    state: State,
    results: Readonly<Record<string, Ort.Tensor>>,
    accepted: boolean,
    bound: BoundUpdate | undefined,
  ): Promise<void> {
    if (!accepted) {
      // Results in a device's own memory are nobody's now; arrays given beforehand are used again.
      if (!this.engine.preallocates) for (const name of this.#swapped) results[`${UPDATE}${name}`]!.dispose()
      return
    }
    if (bound !== undefined) {
      bound.take(results)
      await state.quiet()
      bound.run()
      state.keep(this.#inPlace)
    }
    state.advance(this.#swapped, name => results[`${UPDATE}${name}`]!)
    state.stepped(this.updates, bound?.flush)
  }

  async #execute(
    given: Record<string, Ort.Tensor>,
    state: State | undefined,
    buffers: Map<string, Ort.Tensor>,
    bound: BoundUpdate | undefined,
  ): Promise<Readonly<Record<string, Ort.Tensor>>> {
    if (this.#parts.session === null) return {}
    if (!this.engine.preallocates) return this.#invoke(this.#parts.session, given)
    // Where the runtime writes into given arrays, nothing is allocated per step.
    const fetches: Record<string, Ort.Tensor> = { ...bound?.fetches }
    for (const name of this.#swapped) fetches[`${UPDATE}${name}`] = state!.next(name)
    let complete = true
    for (const port of this.outputs) {
      const buffer = this.#buffer(port, buffers)
      if (buffer === undefined) complete = false
      else fetches[port.name] = buffer
    }
    if (complete) {
      await this.#invoke(this.#parts.session, given, fetches)
      return fetches
    }
    const options: Record<string, Ort.Tensor | null> = { ...fetches }
    for (const port of this.outputs) options[port.name] ??= null
    return { ...(await this.#invoke(this.#parts.session, given, options)), ...fetches }
  }

  async #invoke(
    { engine, ort }: Session,
    given: Record<string, Ort.Tensor>,
    fetches?: Record<string, Ort.Tensor | null>,
  ): Promise<Readonly<Record<string, Ort.Tensor>>> {
    try {
      return await engine.turn(() => (fetches === undefined ? ort.run(given) : ort.run(given, fetches)))
    } catch (cause) {
      throw new RuntimeError({
        code: 'run',
        where: engine.device,
        expected: 'a step ONNX Runtime can run',
        received: cause instanceof Error ? cause.message : String(cause),
        cause,
      })
    }
  }

  /** A buffer for an output whose shape is known before the run; none for what is large or unknown. */
  #buffer(port: Port, buffers: Map<string, Ort.Tensor>): Ort.Tensor | undefined {
    const known = buffers.get(port.name)
    if (known !== undefined) return known
    if (!isStatic(port.shape) || sizeOf(port.shape) > 4096 || port.dtype === 'string') return undefined
    const buffer = new this.engine.ort.Tensor(
      port.dtype as 'float32',
      allocate(port.dtype, sizeOf(port.shape)) as Float32Array,
      port.shape,
    )
    buffers.set(port.name, buffer)
    return buffer
  }
}

/**
 * Compiles a graph: optimizes it, lowers it for the device, and hands it to ONNX Runtime.
 * Equal graphs share a session. What is tunable in the graph is fed by the program itself.
 */
export async function compile(graph: Graph, options: CompileOptions): Promise<Program> {
  const { cache, ...rest } = options
  const program = await (cache === undefined
    ? compileAnew(graph, rest)
    : cache.find(graph, rest, () => compileAnew(graph, rest)))
  const { tunables } = graph
  return tunables === null || tunables.size === 0 ? program : program.given(tunables)
}

async function compileAnew(graph: Graph, options: CompileOptions): Promise<Program> {
  const { outputs, updates = {}, device = 'cpu', lowering = true } = options
  const all: Record<string, Value> = { ...outputs }
  for (const [name, value] of Object.entries(updates)) all[`${UPDATE}${name}`] = value
  const optimized = await optimize({ graph, outputs: all }, options)
  const lowered = await lower(optimized, { device, threads: options.threads }, lowering)
  const names = Object.keys(updates)
  const kept = Object.fromEntries(Object.keys(outputs).map(name => [name, lowered.outputs[name]!]))
  const next = Object.fromEntries(names.map(name => [name, lowered.outputs[`${UPDATE}${name}`]!]))
  const engine = await engineOf(device, options.threads)
  const fused =
    chooses(lowering, FUSED_UPDATE) && names.length > 0 && isProcessor(engine)
      ? await fuseUpdate({ graph: lowered.graph, outputs: kept }, next)
      : undefined
  const declared = new Set(graph.inputs.map(input => input.name))
  const inputs = neededInputs(lowered.graph, Object.values(lowered.outputs))
  const build = async (fused: FusedUpdate | null): Promise<Program> => {
    const asked: Record<string, Value> = { ...kept, ...fused?.fetches }
    const swapped = names.filter(name => !fused?.updates.includes(name))
    for (const name of swapped) asked[`${UPDATE}${name}`] = next[name]!
    const fed = neededInputs(lowered.graph, Object.values(asked))
    const session =
      Object.keys(asked).length === 0
        ? null
        : await openSession(encodeOnnx(lowered.graph, { outputs: asked, inputs: fed }), {
            ...options,
            onDevice: swapped.map(name => `${UPDATE}${name}`),
          })
    return new Program({
      engine,
      session,
      inputs: inputs.map(input => port(input.name, input)),
      outputs: Object.entries(outputs).map(([name, value]) => port(name, value)),
      updates: names,
      fed: new Set(fed.map(input => input.name)),
      declared,
      fused,
      plain: () => build(null),
    })
  }
  return build(fused ?? null)
}

const FUSED_UPDATE = 'fused-update'
const port = (name: string, value: Value): Port => ({ name, dtype: value.dtype, shape: value.shape })

/** Whether results are in the processor's own memory, where kernels of WebAssembly can reach them. */
const isProcessor = ({ device }: Engine): boolean => device === 'cpu' || device === 'wasm'

/** The inputs that values depend on, in the graph's order. */
function neededInputs(graph: Graph, values: readonly Value[]): Value[] {
  const used = new Set<Value | null>(liveNodes(values).flatMap(node => [...dependencies(node)]))
  for (const value of values) used.add(value)
  return graph.inputs.filter(input => used.has(input))
}

/** A feed as the runtime's tensor (no copy), checked against what the program expects. */
function toOrt(ort: typeof Ort, port: Port, feed: Feed, bound: Map<string, number>): Ort.Tensor {
  const shape = 'dtype' in feed ? feed.shape : isStatic(port.shape) ? port.shape : undefined
  const data = 'dtype' in feed ? feed.data : feed
  const fail = (received: unknown, hint?: string): never => {
    throw new ShapeError({
      code: 'feed-shape',
      where: port.name,
      expected: `${port.dtype} [${port.shape.map(dim => (typeof dim === 'string' && bound.has(dim) ? `${dim} = ${bound.get(dim)}` : dim)).join(', ')}]`,
      received,
      ...(hint === undefined ? {} : { hint }),
    })
  }
  if (shape === undefined)
    return fail('an array without a shape', 'the input has symbolic extents: feed tensor(data, shape)')
  const array = dtypes[port.dtype].array
  if (('dtype' in feed && feed.dtype !== port.dtype) || (array !== null && !(data instanceof array)))
    return fail('dtype' in feed ? `${feed.dtype} [${shape.join(', ')}]` : data.constructor.name)
  if (sizeOf(shape) !== data.length) return fail(`${data.length} elements`)
  const fits =
    shape.length === port.shape.length &&
    port.shape.every((dim, i) => {
      if (typeof dim === 'number') return dim === shape[i]
      if (/[^\w.:-]/.test(dim)) return true // a derived name such as (batch*2): the runtime checks it
      if (!bound.has(dim)) bound.set(dim, shape[i]!)
      return bound.get(dim) === shape[i]
    })
  if (!fits) return fail(`${port.dtype} [${shape.join(', ')}]`)
  return new ort.Tensor(port.dtype as 'float32', data as Float32Array, shape)
}
