import type * as Ort from 'onnxruntime-common'
import { encodeOnnx, Graph, RuntimeError } from '../ir/index.js'
import * as ops from '../ops/index.js'
import { atOnce, type Device, type Engine } from './device.js'

type Native = typeof Ort & { listSupportedBackends?: () => { name: string }[] }

/** The runtime in Node: the native build for cpu, cuda and webgpu, the WebAssembly build for `wasm`. */
export async function loadEngine(device: Device, threads = 1): Promise<Engine> {
  if (device === 'wasm') {
    const ort = (await load('onnxruntime-web')) as typeof Ort
    ort.env.wasm.numThreads = threads
    return { ort, device, providers: ['wasm'], native: false, preallocates: false, keepsState: false, turn: atOnce }
  }
  const ort = await loadNative()
  const cause = device === 'cpu' ? undefined : await refusal(ort, device)
  if (cause !== undefined)
    throw new RuntimeError({
      code: 'no-device',
      where: 'device',
      expected: `one of ${(await listDevices()).join(', ')}`,
      received: device,
      ...(cause instanceof Error ? { hint: `ONNX Runtime says: ${cause.message.trim()}` } : {}),
      cause,
    })
  const cpu = device === 'cpu'
  return {
    ort,
    device,
    providers: cpu ? ['cpu'] : [device, 'cpu'],
    native: true,
    preallocates: cpu,
    // onnxruntime-node 1.30 ends the process when it is asked to leave a result in GPU memory.
    keepsState: false,
    turn: atOnce,
  }
}

/** The devices a program can be compiled for on this machine. Those that need hardware or drivers are tried. */
export async function listDevices(): Promise<Device[]> {
  const ort = await loadNative()
  const devices: Device[] = ['cpu']
  for (const device of ['cuda', 'webgpu'] as const) if ((await refusal(ort, device)) === undefined) devices.push(device)
  return [...devices, 'wasm']
}

/** Why a device cannot be had; undefined where it can. That a build knows a device does not mean the machine has one. */
async function refusal(ort: Native, device: Device): Promise<unknown> {
  const known = ort.listSupportedBackends?.().some(backend => backend.name === device) ?? false
  if (!known) return 'this build of ONNX Runtime does not know it'
  const graph = new Graph()
  const y = ops.neg(graph.input('x', 'float32', [1]))
  try {
    const session = await ort.InferenceSession.create(encodeOnnx(graph, { outputs: { y } }), {
      executionProviders: [device],
      logSeverityLevel: 4,
    })
    await session.release()
    return undefined
  } catch (cause) {
    return cause
  }
}

async function loadNative(): Promise<Native> {
  const ort = (await load('onnxruntime-node')) as Native
  ort.env.logLevel = 'fatal' // what fails is thrown, with its text: no need to print it, too
  return ort
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
