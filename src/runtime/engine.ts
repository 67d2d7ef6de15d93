import type * as Ort from 'onnxruntime-common'
import { RuntimeError } from '../ir/index.js'
import type { Device, Engine } from './device.js'

/** The runtime in Node: the native build for cpu, cuda and webgpu, the WebAssembly build for `wasm`. */
export async function loadEngine(device: Device): Promise<Engine> {
  if (device === 'wasm') {
    const web = (await load('onnxruntime-web')) as typeof Ort
    web.env.wasm.numThreads = 1
    return { ort: web, device, providers: ['wasm'], preallocates: false }
  }
  const ort = (await load('onnxruntime-node')) as typeof Ort & { listSupportedBackends?: () => { name: string }[] }
  const present = (ort.listSupportedBackends?.() ?? [{ name: 'cpu' }]).map(backend => backend.name)
  if (device !== 'cpu' && !present.includes(device))
    throw new RuntimeError({
      code: 'no-device',
      expected: `one of ${[...present, 'wasm'].join(', ')}`,
      received: device,
    })
  return { ort, device, providers: device === 'cpu' ? ['cpu'] : [device, 'cpu'], preallocates: device === 'cpu' }
}

/** The devices a program can be compiled for on this machine. */
export async function listDevices(): Promise<Device[]> {
  const ort = (await load('onnxruntime-node')) as { listSupportedBackends?: () => { name: string }[] }
  const names = (ort.listSupportedBackends?.() ?? [{ name: 'cpu' }]).map(backend => backend.name as Device)
  return [...names.filter(name => name === 'cpu' || name === 'cuda' || name === 'webgpu'), 'wasm']
}

async function load(name: 'onnxruntime-node' | 'onnxruntime-web'): Promise<unknown> {
  try {
    const module = await (name === 'onnxruntime-node' ? import('onnxruntime-node') : import('onnxruntime-web'))
    return 'default' in module && module.default !== undefined ? { ...module.default, ...module } : module
  } catch (cause) {
    throw new RuntimeError({
      code: 'missing-package',
      expected: name,
      received: 'not installed',
      hint: `run npm install ${name}`,
      cause,
    })
  }
}
