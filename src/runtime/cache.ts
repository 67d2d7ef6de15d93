import { encodeOnnx, type Graph } from '../ir/index.js'
import type { CompileOptions, Program } from './program.js'

/**
 * Programs by the graph they were compiled of: models whose graphs are equal, node for node and constant for constant,
 * share what was compiled once. What is `tunable` is no constant in a graph that was begun with a map for it. Given to
 * `compile`; keeps the programs used last alive.
 */
export interface ProgramCache {
  find(graph: Graph, options: CompileOptions, compile: () => Promise<Program>): Promise<Program>
  /** How many programs were compiled, and how many found. */
  readonly counts: { readonly compiled: number; readonly found: number }
}

interface Entry {
  readonly bytes: Uint8Array
  readonly program: Promise<Program>
}

/** @param size how many programs are kept; default 64 */
export function programCache({ size = 64 }: { size?: number } = {}): ProgramCache {
  // In the order of their last use.
  let entries: (readonly [string, Entry])[] = []
  const counts = { compiled: 0, found: 0 }
  return {
    counts,
    find: (graph, { outputs, updates = {}, device, threads, lowering }, compile) => {
      const next = Object.fromEntries(Object.entries(updates).map(([name, value]) => [`next:${name}`, value]))
      const bytes = encodeOnnx(graph, { outputs: { ...outputs, ...next } })
      const inputs = graph.inputs.map(input => input.name)
      const key = JSON.stringify([bytes.length, device, threads, lowering, inputs, Object.keys(outputs)])
      const known = entries.find(([other, entry]) => other === key && equal(entry.bytes, bytes))
      const entry = known ?? ([key, { bytes, program: compile() }] as const)
      counts[known === undefined ? 'compiled' : 'found']++
      entries = [...entries.filter(other => other !== entry), entry].slice(-size)
      entry[1].program.catch(() => {
        entries = entries.filter(other => other !== entry)
      })
      return entry[1].program
    },
  }
}

const equal = (a: Uint8Array, b: Uint8Array): boolean => {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return a.length === b.length
}
