import type * as Ort from 'onnxruntime-common'
import { RuntimeError } from '../ir/index.js'
import { atOnce, type Device, type Engine, oneByOne } from './device.js'

/**
 * The runtime in a browser: takes the place of engine.ts through package.json's `browser` map. Each build of ONNX Runtime
 * is loaded when a device first asks for it, and looks for its .wasm file beside the bundled script (bundlers that follow
 * `new URL(…, import.meta.url)` put it there).
 */
export async function loadEngine(device: Device, threads = 1): Promise<Engine> {
  if (device !== 'cpu' && device !== 'wasm' && device !== 'webgpu') throw missing(device, await listDevices())
  if (device === 'webgpu') {
    const present = await listDevices()
    if (!present.includes(device)) throw missing(device, present)
    const ort = (await import('onnxruntime-web/webgpu')) as typeof Ort
    // Only small and integer operators run in WebAssembly beside the GPU.
    ort.env.wasm.numThreads = 1
    return {
      ort,
      device,
      providers: ['webgpu', 'wasm'],
      native: false,
      preallocates: false,
      keepsState: true,
      turn: oneByOne(),
    }
  }
  // This build is half the size of the one for WebGPU, and faster: nothing in it waits.
  const ort = (await import('onnxruntime-web/wasm')) as typeof Ort
  ort.env.wasm.numThreads = globalThis.crossOriginIsolated ? threads : 1
  return { ort, device, providers: ['wasm'], native: false, preallocates: false, keepsState: false, turn: atOnce }
}

const missing = (device: Device, present: readonly Device[]) =>
  new RuntimeError({ code: 'no-device', where: 'device', expected: `one of ${present.join(', ')}`, received: device })

/** The devices a program can be compiled for in this browser. */
export async function listDevices(): Promise<Device[]> {
  const gpu = (globalThis.navigator as { gpu?: { requestAdapter(): Promise<unknown> } } | undefined)?.gpu
  const adapter = await gpu?.requestAdapter()
  return adapter ? ['cpu', 'wasm', 'webgpu'] : ['cpu', 'wasm']
}
