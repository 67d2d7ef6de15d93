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

// A memo, not a registry: whether a session is found here or made anew changes nothing but the time it takes. It keeps
// no session alive: one that nobody uses any more goes, and its entry with it.
interface Entry {
  readonly bytes: Uint8Array
  session: WeakRef<Session> | Promise<Session>
}
const memo = new Map<string, Entry[]>()
const forget = (key: string, entry: Entry): void => {
  const rest = (memo.get(key) ?? []).filter(other => other !== entry)
  if (rest.length > 0) memo.set(key, rest)
  else memo.delete(key)
}
const collected = new FinalizationRegistry<[string, Entry]>(([key, entry]) => forget(key, entry))

/** Compiles ONNX bytes, or finds the session made of equal bytes before. */
export async function openSession(bytes: Uint8Array, options: SessionOptions = {}): Promise<Session> {
  const device = options.device ?? 'cpu'
  const threads = options.threads
  if (threads !== undefined && (!Number.isInteger(threads) || threads < 1))
    throw new ConfigError({ code: 'threads', where: 'threads', expected: 'a whole number ≥ 1', received: threads })
  const key = `${device}|${threads ?? ''}|${options.optimization ?? ''}|${options.onDevice?.join(',') ?? ''}|${bytes.length}|${hash(bytes)}`
  for (const entry of memo.get(key) ?? []) {
    if (!equalBytes(entry.bytes, bytes)) continue
    const session = entry.session instanceof WeakRef ? entry.session.deref() : await entry.session
    if (session !== undefined) return session
  }
  const opening = engineOf(device, threads).then(async engine => ({
    engine,
    ort: await create(engine, bytes, options),
  }))
  const entry: Entry = { bytes, session: opening }
  memo.set(key, [...(memo.get(key) ?? []), entry])
  try {
    const session = await opening
    entry.session = new WeakRef(session)
    collected.register(session, [key, entry])
    return session
  } catch (error) {
    forget(key, entry)
    throw error
  }
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
