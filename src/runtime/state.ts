import type * as Ort from 'onnxruntime-common'
import { allocate, nearest, ShapeError, sameShape, sizeOf, type Tensor, type TensorData } from '../ir/index.js'
import type { DeviceOptions, Engine } from './device.js'
import { engineOf } from './session.js'

/** After this many steps numbers too small for full precision are set to zero: moments decay into them and slow everything. */
const FLUSH_EVERY = 100

interface Entry {
  dtype: Tensor['dtype']
  shape: readonly number[]
  current: Ort.Tensor
  /** The value before, until the next step. Where the runtime writes into given arrays, the next value goes there. */
  next: Ort.Tensor | null
}

/**
 * Named tensors that stay on the device between runs: weights, optimizer slots, running statistics.
 * A step reads one set of buffers and writes another; then they swap, so that nothing is copied.
 */
export class State {
  /** Where its tensors are. */
  readonly engine: Engine
  readonly #entries = new Map<string, Entry>()
  #steps = 0

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

  /** Makes the results of a run the current values. */
  advance(names: readonly string[], result: (name: string) => Ort.Tensor): void {
    for (const name of names) {
      const entry = this.#entry(name)
      const old = entry.current
      entry.current = result(name)
      if (entry.next !== entry.current) entry.next?.dispose()
      entry.next = old
    }
    if (names.length > 0 && ++this.#steps % FLUSH_EVERY === 0) this.#flushDenormals(names)
  }

  /** Takes back the last `advance` of these entries. */
  retreat(names: readonly string[]): void {
    for (const name of names) {
      const entry = this.#entry(name)
      if (entry.next !== null) [entry.current, entry.next] = [entry.next, entry.current]
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
    if (entry === undefined) this.#entries.set(name, { ...fresh, current: copy, next: null })
    else {
      entry.current.dispose()
      entry.current = copy
    }
  }

  delete(name: string): void {
    const entry = this.#entries.get(name)
    entry?.current.dispose()
    entry?.next?.dispose()
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

  #flushDenormals(names: readonly string[]): void {
    for (const name of names) {
      const { current } = this.#entry(name)
      if (current.location !== 'cpu') continue
      const { data } = current
      if (!(data instanceof Float32Array)) continue
      const bits = new Uint32Array(data.buffer, data.byteOffset, data.length)
      for (let i = 0; i < bits.length; i++) if ((bits[i]! & 0x7f800000) === 0) bits[i]! &= 0x80000000
    }
  }
}

/** An empty state on a device. */
export const createState = async (options: DeviceOptions = {}): Promise<State> =>
  new State(await engineOf(options.device ?? 'cpu', options.threads))
