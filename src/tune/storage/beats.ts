import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import { Worker } from 'node:worker_threads'
import { type Beat, type Beats, beatsHere, type ThreadMessage } from './beat.js'
import type { Storage } from './storage.js'

/**
 * A storage that says that trials are alive from a thread of its own, which opens the same URL: an objective that keeps this
 * thread busy for long is not taken for dead. The thread begins when beats are first asked for; it ends with the process,
 * however that ends, and does not keep it. Where none can be had, beats come from here.
 */
export function withBeats(storage: Storage, url: string): Storage {
  let beats: Promise<Beats & { close(): Promise<void> }> | null = null
  return {
    ...storage,
    beats: () => (beats ??= beatsOf(storage, url)),
    close: async () => {
      const begun = beats
      beats = null
      await (await begun)?.close()
      await storage.close()
    },
  }
}

async function beatsOf(storage: Storage, url: string): Promise<Beats & { close(): Promise<void> }> {
  const here = beatsHere(storage)
  const kept = new Map<number, { readonly beat: Beat; rest: () => void }>()
  let thread = threadOf(url)
  const tell = (message: ThreadMessage) => thread?.postMessage(message)
  const keep = (beat: Beat): (() => void) => {
    if (thread === null) return here.keep(beat)
    tell({ kind: 'keep', beat })
    return () => tell({ kind: 'rest', trial: beat.trial })
  }
  if (thread !== null) {
    const worker = thread
    await new Promise<void>(resolve => {
      const fail = () => {
        if (thread === worker) {
          thread = null
          for (const entry of kept.values()) entry.rest = here.keep(entry.beat)
        }
        resolve()
      }
      worker.once('message', resolve).once('error', fail).once('exit', fail)
    })
    worker.unref()
  }
  return {
    keep: beat => {
      const entry = { beat, rest: keep(beat) }
      kept.set(beat.trial, entry)
      return () => {
        entry.rest()
        kept.delete(beat.trial)
      }
    },
    close: async () => {
      for (const { rest } of kept.values()) rest()
      kept.clear()
      const worker = thread
      thread = null
      if (worker !== null) await ended(worker)
    },
  }
}

/** Milliseconds until a thread that does not end by itself is ended. */
const PATIENCE = 3000
async function ended(worker: Worker): Promise<void> {
  worker.ref()
  const exit = new Promise(resolve => worker.once('exit', resolve))
  worker.postMessage({ kind: 'close' } satisfies ThreadMessage)
  const timer = setTimeout(() => void worker.terminate(), PATIENCE)
  await exit
  clearTimeout(timer)
}

/** The thread; null where its code is not beside this file, as in a bundle. */
function threadOf(url: string): Worker | null {
  const source = import.meta.url.endsWith('.ts')
  // Not written as bundlers look for it: there is nothing to be had for a browser.
  const name = `./beat-thread.${source ? 'ts' : 'js'}`
  try {
    const file = new URL(name, import.meta.url)
    if (!existsSync(file)) return null
    if (!source) return new Worker(file, { workerData: url })
    // Sources in TypeScript, as they are run in development. `resolve` finds what `require` would take.
    const tsx = pathToFileURL(
      createRequire(import.meta.url)
        .resolve('tsx/esm/api')
        .replace(/cjs$/, 'mjs'),
    ).href
    const code = `import(${JSON.stringify(tsx)}).then(tsx => tsx.tsImport(${JSON.stringify(file.href)}, ${JSON.stringify(import.meta.url)}))`
    return new Worker(code, { eval: true, workerData: url })
  } catch {
    return null
  }
}
