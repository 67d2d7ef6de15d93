import type { Traced, Value } from '../../../ir/index.js'
import { kernelModule } from './kernel.js'
import { type Plan, planTail } from './plan.js'
import { findTail } from './tail.js'

export type { Call, Place, Plan } from './plan.js'

/** A step whose elementwise end is a kernel: what remains of the graph, and what the kernel does with its results. */
export interface FusedUpdate {
  /** Outputs of the graph besides those asked for: what the kernel works on. */
  readonly fetches: Readonly<Record<string, Value>>
  /** Names of the updates that the kernel makes. */
  readonly updates: readonly string[]
  readonly plan: Plan
  readonly module: WebAssembly.Module
}

const FETCH = 'tail:'

/**
 * The elementwise end of a training step as one generated SIMD WebAssembly kernel: gradients, weights and slots are read
 * once and new weights and slots written over the old ones, where the graph's own nodes would pass over memory a dozen
 * times. Compiled from the graph, whatever the optimizer. Undefined where there is nothing a kernel could do.
 */
export async function fuseUpdate(
  traced: Traced,
  updates: Readonly<Record<string, Value>>,
): Promise<FusedUpdate | undefined> {
  const tail = findTail(traced, updates)
  if (tail.updates.size === 0) return undefined
  const plan = planTail(tail, index => `${FETCH}${index}`)
  // What a memory of WebAssembly can hold, with room for the padding.
  const bytes = plan.places.reduce((sum, place) => sum + 4 * place.size + 32, plan.recordBytes)
  if (bytes > 2 ** 32 - 2 ** 20) return undefined
  const fetches = plan.places.flatMap(place => (place.kind === 'fetch' ? [[place.name, place.value] as const] : []))
  return {
    fetches: Object.fromEntries(fetches),
    updates: [...tail.updates.keys()],
    plan,
    module: await WebAssembly.compile(kernelModule(plan.bodies, plan.calls)),
  }
}
