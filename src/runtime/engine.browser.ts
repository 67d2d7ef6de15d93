import type * as Ort from 'onnxruntime-common'
import * as web from 'onnxruntime-web/webgpu'
import { RuntimeError } from '../ir/index.js'
import type { Device, Engine } from './device.js'

/** The runtime in a browser: takes the place of engine.ts through package.json's `browser` map. */
export async function loadEngine(device: Device): Promise<Engine> {
  const ort = web as unknown as typeof Ort // the package's own types are those of onnxruntime-common
  if (device === 'cpu' || device === 'wasm') return { ort, device, providers: ['wasm'], preallocates: false }
  if (!(await listDevices()).includes(device))
    throw new RuntimeError({
      code: 'no-device',
      expected: `one of ${(await listDevices()).join(', ')}`,
      received: device,
    })
  return { ort, device, providers: ['webgpu'], preallocates: false }
}

/** The devices a program can be compiled for in this browser. */
export async function listDevices(): Promise<Device[]> {
  const gpu = (navigator as { gpu?: { requestAdapter(): Promise<unknown> } }).gpu
  const adapter = await gpu?.requestAdapter()
  return adapter ? ['wasm', 'webgpu'] : ['wasm']
}
