import type * as Ort from 'onnxruntime-common'

/** Where programs run: `cpu` is native in Node and WebAssembly in a browser. */
export type Device = 'cpu' | 'cuda' | 'webgpu' | 'wasm'

/** One build of ONNX Runtime set up for one device. */
export interface Engine {
  readonly ort: typeof Ort
  readonly device: Device
  readonly providers: readonly string[]
  /** Whether results can be written into arrays given beforehand. */
  readonly preallocates: boolean
}

export interface DeviceOptions {
  /** Default `cpu`. `listDevices()` tells what there is. */
  device?: Device | undefined
  /** Threads inside one operator; the default is the number of cores, at most 8. */
  threads?: number | undefined
}
