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
import type { DeviceOptions, Engine } from './device.js'
import { lower } from './lower/index.js'
import { optimize } from './optimize.js'
import { openSession, type Session } from './session.js'
import type { State } from './state.js'

export interface CompileOptions extends DeviceOptions {
  /** What the program returns, by name. */
  outputs: Readonly<Record<string, Value>>
  /** For a training step: the new value of each state input, by the input's name. */
  updates?: Readonly<Record<string, Value>>
  /** Rewrites only this kind of device likes (blocked convolutions and the like). Default true. */
  lowering?: boolean
}

/** What a program is fed: a tensor, or an array that has the input's dtype and (if static) its shape. */
export type Feed = Tensor | TypedArray

interface Port {
  readonly name: string
  readonly dtype: DType
  readonly shape: Shape
}

const UPDATE = 'next:'

/** A compiled graph with named inputs and outputs. Inputs that `state` holds are taken from there. */
export class Program {
  readonly inputs: readonly Port[]
  readonly outputs: readonly Port[]
  /** Names of the state entries a run replaces. */
  readonly updates: readonly string[]
  readonly #session: Session
  /** Names of the graph's inputs that may be fed though no output needs them. */
  readonly #declared: ReadonlySet<string>
  /** Where results of known shape are written. A run takes it; one that begins meanwhile makes its own. */
  #buffers: Map<string, Ort.Tensor> | null = new Map()

  constructor(
    session: Session,
    inputs: readonly Port[],
    outputs: readonly Port[],
    updates: readonly string[],
    declared: Iterable<string> = [],
  ) {
    this.#session = session
    this.#declared = new Set(declared)
    this.inputs = inputs
    this.outputs = outputs
    this.updates = updates
  }

  get engine(): Engine {
    return this.#session.engine
  }

  /**
   * Runs once. The tensors returned are the caller's to keep. A state of another device is read from there, but a
   * program that changes its state must be on the same device.
   * @throws ShapeError for a missing or unknown feed, or one of another dtype or shape
   */
  async run(
    feeds: Readonly<Record<string, Feed>> = {},
    state?: State,
    { ignoreUnknown = false } = {},
  ): Promise<Record<string, Tensor>> {
    const { ort } = this.engine
    const foreign = state !== undefined && state.engine !== this.engine
    if (foreign && this.updates.length > 0)
      throw new RuntimeError({
        code: 'state-device',
        expected: `a state on ${this.engine.device}`,
        received: `one on ${state.engine.device}`,
      })
    const bound = new Map<string, number>()
    const given: Record<string, Ort.Tensor> = {}
    for (const port of this.inputs) {
      const held = state?.current(port.name)
      if (held !== undefined) given[port.name] = foreign ? toOrt(ort, port, await state.read(port.name), bound) : held
      else {
        const feed = feeds[port.name]
        if (feed === undefined)
          throw new ShapeError({
            code: 'missing-feed',
            where: port.name,
            expected: `${port.dtype} [${port.shape.join(', ')}]`,
            received: 'nothing',
          })
        given[port.name] = toOrt(ort, port, feed, bound)
      }
    }
    for (const name of Object.keys(feeds))
      if (!ignoreUnknown && !(name in given) && !this.#declared.has(name))
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
      const results = await this.#execute(given, state, buffers)
      if (state !== undefined) state.advance(this.updates, name => results[`${UPDATE}${name}`]!)
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
      return out
    } finally {
      this.#buffers = buffers
    }
  }

  async #execute(
    given: Record<string, Ort.Tensor>,
    state: State | undefined,
    buffers: Map<string, Ort.Tensor>,
  ): Promise<Readonly<Record<string, Ort.Tensor>>> {
    if (!this.engine.preallocates) return this.#invoke(given)
    // Where the runtime writes into given arrays, nothing is allocated per step.
    const fetches: Record<string, Ort.Tensor> = {}
    for (const name of this.updates) fetches[`${UPDATE}${name}`] = state!.next(name)
    let complete = true
    for (const port of this.outputs) {
      const buffer = this.#buffer(port, buffers)
      if (buffer === undefined) complete = false
      else fetches[port.name] = buffer
    }
    if (complete) {
      await this.#invoke(given, fetches)
      return fetches
    }
    const options: Record<string, Ort.Tensor | null> = { ...fetches }
    for (const port of this.outputs) options[port.name] ??= null
    return { ...(await this.#invoke(given, options)), ...fetches }
  }

  async #invoke(
    given: Record<string, Ort.Tensor>,
    fetches?: Record<string, Ort.Tensor | null>,
  ): Promise<Readonly<Record<string, Ort.Tensor>>> {
    const { engine, ort } = this.#session
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
 * Equal graphs share a session.
 */
export async function compile(graph: Graph, options: CompileOptions): Promise<Program> {
  const { outputs, updates = {}, device = 'cpu', lowering = true } = options
  const all: Record<string, Value> = { ...outputs }
  for (const [name, value] of Object.entries(updates)) all[`${UPDATE}${name}`] = value
  const optimized = await optimize({ graph, outputs: all }, options)
  const lowered = lowering ? await lower(optimized, { device, threads: options.threads }) : optimized
  const used = new Set(liveNodes(Object.values(lowered.outputs)).flatMap(node => [...dependencies(node)]))
  for (const value of Object.values(lowered.outputs)) used.add(value)
  const inputs = lowered.graph.inputs.filter(input => used.has(input))
  const bytes = encodeOnnx(lowered.graph, { outputs: lowered.outputs, inputs })
  const session = await openSession(bytes, {
    ...options,
    onDevice: Object.keys(updates).map(name => `${UPDATE}${name}`),
  })
  const port = (name: string, value: Value): Port => ({ name, dtype: value.dtype, shape: value.shape })
  return new Program(
    session,
    inputs.map(input => port(input.name, input)),
    Object.entries(outputs).map(([name, value]) => port(name, value)),
    Object.keys(updates),
    graph.inputs.map(input => input.name),
  )
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
