import type * as Ort from 'onnxruntime-common'
import { allocate, nearest, ShapeError, sameShape, sizeOf, type Tensor, type TensorData } from '../ir/index.js'
import { type Arena, arena } from './arena.js'
import { type DeviceOptions, type Engine, oneByOne } from './device.js'
import { engineOf } from './session.js'

/** After this many steps numbers too small for full precision are set to zero: moments decay into them and slow everything. */
const FLUSH_EVERY = 100

interface Entry {
  dtype: Tensor['dtype']
  shape: readonly number[]
  current: Ort.Tensor
  /** The value before, until the next step. Where the runtime writes into given arrays, the next value goes there. */
  next: Ort.Tensor | null
  /** Where kernels work on it, once they have, and that place as a tensor. */
  place: number | null
  home: Ort.Tensor | null
}

/** What kernels need of a state: entries at places in one memory, and room for what they need besides. */
export interface Ground {
  readonly arena: Arena
  readonly places: ReadonlyMap<string, number>
  readonly scratch: number
  /** The state's version for which all this holds. */
  readonly version: number
}

/**
 * Named tensors that stay on the device between runs: weights, optimizer slots, running statistics.
 * A step reads one set of buffers and writes another; then they swap, so that nothing is copied. What kernels update
 * lies in WebAssembly memory, which the runtime reads too, and is changed in place.
 */
export class State {
  /** Where its tensors are. */
  readonly engine: Engine
  /** Steps that change the state go one after the other. */
  readonly exclusive = oneByOne()
  readonly #entries = new Map<string, Entry>()
  readonly #readers = new Set<Promise<unknown>>()
  #arena: Arena | null = null
  #scratch: { place: number; bytes: number } | null = null
  #version = 0
  /** Steps made. Set it for a state that goes on from a saved one: what happens every so many steps keeps its rhythm. */
  steps = 0

  constructor(engine: Engine) {
    this.engine = engine
  }

  get names(): string[] {
    return [...this.#entries.keys()]
  }

  has(name: string): boolean {
    return this.#entries.has(name)
  }

  current(name: string): Ort.Tensor | undefined {
    return this.#entries.get(name)?.current
  }

  /** The buffer the next value of `name` goes to. */
  next(name: string): Ort.Tensor {
    const entry = this.#entry(name)
    entry.next ??= this.#tensor(entry, allocate(entry.dtype, sizeOf(entry.shape)))
    return entry.next
  }

  /** Changes whenever something kernels rely on may have moved. */
  get version(): number {
    return this.#version
  }

  /** Runs work that reads entries; until it has ended nothing is changed in place. */
  async reading<T>(work: () => Promise<T>): Promise<T> {
    const reader = work()
    this.#readers.add(reader)
    try {
      return await reader
    } finally {
      this.#readers.delete(reader)
    }
  }

  /** Ends when nothing reads. */
  async quiet(): Promise<void> {
    while (this.#readers.size > 0) await Promise.allSettled([...this.#readers])
  }

  /**
   * Moves entries of float32 to where kernels can work on them, with `scratch` bytes beside them that are the caller's
   * until the version changes. Only in `exclusive` work, when all is `quiet`.
   * @throws RangeError when WebAssembly has no memory for them
   */
  settle(entries: ReadonlyMap<string, number>, scratch: number): Ground {
    for (const [name, size] of entries) {
      const { dtype, shape } = this.#entry(name)
      if (dtype !== 'float32' || sizeOf(shape) !== size)
        throw new ShapeError({
          code: 'state-shape',
          where: name,
          expected: `float32, ${size} elements`,
          received: `${dtype} [${shape.join(', ')}]`,
        })
    }
    this.#arena ??= arena()
    const memory = this.#arena
    const before = memory.memory.buffer
    const moving = [...entries].filter(([name]) => this.#entry(name).place === null)
    const wanted = scratch > (this.#scratch?.bytes ?? 0)
    if (wanted && this.#scratch !== null) {
      memory.free(this.#scratch.place)
      this.#scratch = null
    }
    memory.reserve([...moving.map(([, size]) => 4 * size), ...(wanted ? [scratch] : [])])
    this.#version++
    try {
      for (const [name, size] of moving) this.#entry(name).place = memory.allocate(4 * size)
      if (wanted) this.#scratch = { place: memory.allocate(scratch), bytes: scratch }
    } finally {
      if (memory.memory.buffer !== before) this.#rehouse(memory)
    }
    const places = new Map<string, number>()
    for (const name of entries.keys()) {
      const entry = this.#entry(name)
      entry.home ??= this.#tensor(entry, memory.floats(entry.place!, sizeOf(entry.shape)))
      if (entry.current !== entry.home) (entry.home.data as Float32Array).set(entry.current.data as Float32Array)
      entry.current = entry.home
      entry.next = null
      places.set(name, entry.place!)
    }
    return { arena: memory, places, scratch: this.#scratch?.place ?? 0, version: this.#version }
  }

  /** Memory that has grown is another array: tensors in it are made anew. */
  #rehouse(memory: Arena): void {
    for (const entry of this.#entries.values()) {
      if (entry.home === null) continue
      const home = this.#tensor(entry, memory.floats(entry.place!, sizeOf(entry.shape)))
      if (entry.current === entry.home) entry.current = home
      if (entry.next === entry.home) entry.next = home
      entry.home = home
    }
  }

  /** Makes the results of a run the current values. */
  advance(names: readonly string[], result: (name: string) => Ort.Tensor): void {
    for (const name of names) {
      const entry = this.#entry(name)
      const old = entry.current
      entry.current = result(name)
      if (entry.next !== entry.current) dispose(entry, entry.next)
      entry.next = old
      if (entry.place !== null) this.#version++
    }
  }

  /** Makes what kernels wrote in place the current values. */
  keep(names: Iterable<string>): void {
    for (const name of names) {
      const entry = this.#entries.get(name)
      if (entry?.home) entry.current = entry.home
    }
  }

  /** Counts a step that changed these entries. From time to time it sets to zero what is too small in them. */
  stepped(names: readonly string[], flush: (values: Float32Array) => void = flushDenormals): void {
    if (names.length === 0 || ++this.steps % FLUSH_EVERY !== 0) return
    for (const name of names) {
      const entry = this.#entry(name)
      if (entry.current.location !== 'cpu' || !(entry.current.data instanceof Float32Array)) continue
      if (entry.current === entry.home) flush(entry.current.data)
      else flushDenormals(entry.current.data)
    }
  }

  /** A copy of an entry's value. */
  async read(name: string): Promise<Tensor> {
    const entry = this.#entry(name)
    // Read once from a device, the value is on the host from then on: its memory there is given back.
    const data = (await this.engine.turn(() => entry.current.getData(true))) as TensorData
    return { dtype: entry.dtype, shape: entry.shape, data: data.slice() as TensorData }
  }

  /** Sets or adds an entry; the tensor is copied. Shape and dtype of an existing entry stay. */
  write(name: string, value: Tensor): void {
    const entry = this.#entries.get(name)
    if (entry !== undefined && (entry.dtype !== value.dtype || !sameShape(entry.shape, value.shape)))
      throw new ShapeError({
        code: 'state-shape',
        where: name,
        expected: `${entry.dtype} [${entry.shape.join(', ')}]`,
        received: `${value.dtype} [${value.shape.join(', ')}]`,
      })
    const fresh = { dtype: value.dtype, shape: [...value.shape] }
    const copy = this.#tensor(fresh, value.data.slice() as TensorData)
    this.#version++
    if (entry === undefined) this.#entries.set(name, { ...fresh, current: copy, next: null, place: null, home: null })
    else {
      dispose(entry, entry.current)
      entry.current = copy
    }
  }

  delete(name: string): void {
    const entry = this.#entries.get(name)
    if (entry === undefined) return
    this.#version++
    entry.current.dispose()
    entry.next?.dispose()
    if (entry.place !== null) this.#arena!.free(entry.place)
    this.#entries.delete(name)
  }

  #entry(name: string): Entry {
    const entry = this.#entries.get(name)
    if (entry === undefined)
      throw new ShapeError({
        code: 'unknown-state',
        where: name,
        expected: `one of ${nearest(name, this.names).join(', ')}`,
        received: name,
      })
    return entry
  }

  #tensor(type: { dtype: Tensor['dtype']; shape: readonly number[] }, data: TensorData): Ort.Tensor {
    return new this.engine.ort.Tensor(type.dtype as 'float32', data as Float32Array, type.shape)
  }
}

/** Gives back what a tensor holds, unless it is where kernels work. */
const dispose = (entry: Entry, tensor: Ort.Tensor | null): void => {
  if (tensor !== entry.home) tensor?.dispose()
}

function flushDenormals(values: Float32Array): void {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length)
  for (let i = 0; i < bits.length; i++) if ((bits[i]! & 0x7f800000) === 0) bits[i]! &= 0x80000000
}

/** An empty state on a device. */
export const createState = async (options: DeviceOptions = {}): Promise<State> =>
  new State(await engineOf(options.device ?? 'cpu', options.threads))
