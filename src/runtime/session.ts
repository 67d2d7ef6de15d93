import type * as Ort from 'onnxruntime-common'
import { ConfigError, RuntimeError } from '../ir/index.js'
import type { Device, DeviceOptions, Engine } from './device.js'
import { loadEngine } from './engine.js'

/** A model ready to run. Equal bytes on equal devices share one. */
export interface Session {
  readonly engine: Engine
  readonly ort: Ort.InferenceSession
}

export interface SessionOptions extends DeviceOptions {
  /** Outputs to leave on the device, where the engine can. */
  onDevice?: readonly string[] | undefined
  /** ONNX Runtime's own graph optimization; weights that are inputs gain nothing from more than 'basic'. */
  optimization?: 'disabled' | 'basic' | 'extended' | 'all' | undefined
}

const engines = new Map<Device, Promise<Engine>>()
/** The engine of a device, loaded once. */
export const engineOf = (device: Device, threads?: number): Promise<Engine> => {
  const known = engines.get(device) ?? loadEngine(device, threads)
  engines.set(device, known)
  known.catch(() => engines.delete(device))
  return known
}

// A memo, not a registry: whether a session is found here or made anew changes nothing but the time it takes.
const memo = new Map<string, { bytes: Uint8Array; session: WeakRef<Session> }[]>()

/** Compiles ONNX bytes, or finds the session made of equal bytes before. */
export async function openSession(bytes: Uint8Array, options: SessionOptions = {}): Promise<Session> {
  const device = options.device ?? 'cpu'
  const threads = options.threads
  if (threads !== undefined && (!Number.isInteger(threads) || threads < 1))
    throw new ConfigError({ code: 'threads', where: 'threads', expected: 'a whole number ≥ 1', received: threads })
  const key = `${device}|${threads ?? ''}|${options.optimization ?? ''}|${options.onDevice?.join(',') ?? ''}|${bytes.length}|${hash(bytes)}`
  const entries = (memo.get(key) ?? []).filter(entry => entry.session.deref() !== undefined)
  for (const entry of entries) {
    const session = entry.session.deref()
    if (session !== undefined && equalBytes(entry.bytes, bytes)) return session
  }
  const engine = await engineOf(device, threads)
  const session: Session = { engine, ort: await create(engine, bytes, options) }
  memo.set(key, [...entries, { bytes, session: new WeakRef(session) }])
  return session
}

async function create(engine: Engine, bytes: Uint8Array, options: SessionOptions): Promise<Ort.InferenceSession> {
  const { native, keepsState } = engine
  const locations = Object.fromEntries((options.onDevice ?? []).map(name => [name, 'gpu-buffer' as const]))
  try {
    return await engine.turn(() =>
      engine.ort.InferenceSession.create(bytes, {
        executionProviders: [...engine.providers],
        graphOptimizationLevel: options.optimization ?? 'basic',
        logSeverityLevel: 3,
        ...(native && options.threads !== undefined ? { intraOpNumThreads: options.threads } : {}),
        // Spinning threads of one program would take the cores from another; denormals cost up to thirty times as much.
        ...(native ? { extra: { session: { intra_op: { allow_spinning: '0' }, set_denormal_as_zero: '1' } } } : {}),
        ...(keepsState && options.onDevice !== undefined ? { preferredOutputLocation: locations } : {}),
      }),
    )
  } catch (cause) {
    const received = cause instanceof Error ? cause.message : String(cause)
    throw new RuntimeError({
      code: 'session',
      where: engine.device,
      expected: 'a graph ONNX Runtime can run',
      received,
      ...(received.startsWith('no available backend')
        ? { hint: "serve onnxruntime-web's .wasm file beside the bundled script" }
        : {}),
      cause,
    })
  }
}

function hash(bytes: Uint8Array): string {
  let a = 0xdeadbeef
  let b = 0x41c6ce57
  for (let i = 0; i < bytes.length; i++) {
    a = Math.imul(a ^ bytes[i]!, 2654435761)
    b = Math.imul(b ^ bytes[i]!, 1597334677)
  }
  return `${(a >>> 0).toString(36)}${(b >>> 0).toString(36)}`
}

const equalBytes = (a: Uint8Array, b: Uint8Array): boolean => {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return a.length === b.length
}
