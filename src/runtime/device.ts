import type * as Ort from 'onnxruntime-common'

/** Where programs run: `cpu` is native in Node and WebAssembly in a browser. */
export type Device = 'cpu' | 'cuda' | 'webgpu' | 'wasm'

/** One build of ONNX Runtime set up for one device. */
export interface Engine {
  readonly ort: typeof Ort
  readonly device: Device
  readonly providers: readonly string[]
  /** A native build (Node); otherwise WebAssembly, whose threads are set once for all sessions. */
  readonly native: boolean
  /** Whether results can be written into arrays given beforehand. */
  readonly preallocates: boolean
  /** Whether new state stays in the device's own memory between runs instead of coming back to the host. */
  readonly keepsState: boolean
  /** Starts work when the engine can take it: a build that waits for a GPU inside WebAssembly does one thing at a time. */
  readonly turn: <T>(work: () => Promise<T>) => Promise<T>
}

export interface DeviceOptions {
  /** Default `cpu`. `listDevices()` tells what there is. */
  device?: Device | undefined
  /**
   * Threads inside one operator. Native: the default is the number of cores, at most 8. WebAssembly: the default is 1,
   * the first program decides for all, and a page must be cross-origin isolated to have more.
   */
  threads?: number | undefined
}

/** Work begins at once, however much there is. */
export const atOnce = <T>(work: () => Promise<T>): Promise<T> => work()

/** Work begins when all that came before has ended, well or badly. */
export function oneByOne(): Engine['turn'] {
  let last: Promise<unknown> = Promise.resolve()
  return work => {
    const result = last.then(work)
    last = result.catch(() => {})
    return result
  }
}
