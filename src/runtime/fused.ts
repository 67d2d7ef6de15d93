import type * as Ort from 'onnxruntime-common'
import type { Arena } from './arena.js'
import type { FusedUpdate } from './lower/fused-update/index.js'
import type { State } from './state.js'

/** A kernel at work in one memory. */
interface Kernel {
  readonly run: (records: number) => void
  readonly flush: (place: number, bytes: number) => void
}
/** A program's kernel for each memory it has worked in. */
export type Kernels = WeakMap<Arena, Kernel>

/** A fused update with all that it works on in its place. */
export interface BoundUpdate {
  /** The version of the state for which it holds. */
  readonly version: number
  /** Where the runtime writes what the kernel needs. */
  readonly fetches: Readonly<Record<string, Ort.Tensor>>
  /** Brings over an input of the program, if the kernel works on it. */
  feed(name: string, value: Ort.Tensor): void
  /** Brings over results that the runtime wrote elsewhere. */
  take(results: Readonly<Record<string, Ort.Tensor>>): void
  /** Updates the state. */
  run(): void
  /** Sets to zero what is too small for full precision in an entry of the state. */
  flush(values: Float32Array): void
}

/**
 * Lays out a fused update in a state's memory. Only in the state's `exclusive` work, when all is `quiet`.
 * @throws RangeError when WebAssembly has no memory for it
 */
export async function bindUpdate(fused: FusedUpdate, state: State, kernels: Kernels): Promise<BoundUpdate> {
  const { places, calls, recordBytes } = fused.plan
  const { ort } = state.engine
  let bytes = recordBytes
  const offsets = places.map(({ kind, size }) => {
    const offset = Math.ceil(bytes / 16) * 16
    if (kind !== 'entry') bytes = offset + 16 * Math.ceil(size / 4)
    return offset
  })
  const entries = new Map(places.flatMap(place => (place.kind === 'entry' ? [[place.name, place.size] as const] : [])))
  const ground = state.settle(entries, bytes)
  const { arena, scratch } = ground
  const at = places.map((place, i) => (place.kind === 'entry' ? ground.places.get(place.name)! : scratch + offsets[i]!))

  const records = new Int32Array(arena.memory.buffer, scratch, recordBytes / 4)
  for (const { record, size, operands } of calls)
    records.set([size, ...operands.map(operand => at[operand]!)], record / 4)

  const fetches: Record<string, Ort.Tensor> = {}
  const inputs = new Map<string, (data: ArrayLike<number>) => void>()
  places.forEach((place, i) => {
    const values = arena.floats(at[i]!, place.size)
    if (place.kind === 'constant') values.set(place.data)
    else if (place.kind === 'fetch')
      fetches[place.name] = new ort.Tensor('float32', values, place.value.shape as readonly number[])
    else if (place.kind === 'input') {
      const truth = new Int32Array(values.buffer, values.byteOffset, place.size)
      inputs.set(
        place.name,
        place.truth ? data => truth.set(Array.from(data, x => (x ? -1 : 0))) : data => values.set(data),
      )
    }
  })

  let kernel = kernels.get(arena)
  if (kernel === undefined) {
    const instance = await WebAssembly.instantiate(fused.module, { env: { memory: arena.memory } })
    // The functions that kernelModule exports.
    kernel = instance.exports as unknown as Kernel
    kernels.set(arena, kernel)
  }
  const { run, flush } = kernel
  return {
    version: ground.version,
    fetches,
    feed: (name, value) => inputs.get(name)?.(value.data as Float32Array),
    take(results) {
      for (const [name, target] of Object.entries(fetches))
        if (results[name] !== target) (target.data as Float32Array).set(results[name]!.data as Float32Array)
    },
    run: () => run(scratch),
    flush: values => flush(values.byteOffset, 16 * Math.ceil(values.length / 4)),
  }
}
