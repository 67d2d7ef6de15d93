import type { CounterRandom } from '../../../ir/index.js'
import { solveBack, solveRow } from './cholesky.js'
import { evenNormals } from './even.js'
import { observe, type Process, withPending } from './process.js'

/** What may have been observed: a process, and rows of L⁻¹ values of all its points, one for each possible past. */
export interface Pasts {
  readonly process: Process
  readonly rows: Float64Array
  readonly count: number
  /** For each past the largest value. */
  readonly best: Float64Array
  /** For each past the values at pending points, past after past. */
  readonly pending: Float64Array
}

/** The one past in which what was observed is the truth. */
export const observedPast = (process: Process, best: number): Pasts => ({
  process,
  rows: process.u,
  count: 1,
  best: Float64Array.of(best),
  pending: new Float64Array(0),
})

/**
 * Draws of what the function itself may have been where noisy values were observed (Matheron's rule).
 * @param eligible observations of which one is the best
 * @returns null where that is not possible to machine precision
 */
export function drawnPasts(
  process: Process,
  values: Float64Array,
  eligible: readonly number[],
  count: number,
  random: CounterRandom,
): Pasts | null {
  const { points, kernel, l } = process
  const n = points.count
  const quiet = observe(points, values, { ...kernel, noise: 1e-6 * kernel.scale })
  if (quiet === null) return null
  const rows = new Float64Array(count * n)
  const best = new Float64Array(count).fill(-Infinity)
  const w = new Float64Array(n)
  const noise = new Float64Array(n)
  for (let s = 0; s < count; s++) {
    for (let i = 0; i < n; i++) {
      let prior = 0
      for (let k = 0; k <= i; k++) prior += quiet.l[i * n + k]! * random.normal(2 * (s * n + k))
      noise[i] = Math.sqrt(kernel.noise) * random.normal(2 * (s * n + i) + 1)
      w[i] = values[i]! - prior - noise[i]!
    }
    solveRow(l, n, w, 0, 0, n)
    solveBack(l, n, w)
    // prior + K w, where (K + noise) w is what was left.
    for (let i = 0; i < n; i++) {
      const f = values[i]! - noise[i]! - kernel.noise * w[i]!
      rows[s * n + i] = f
    }
    for (const i of eligible) best[s] = Math.max(best[s]!, rows[s * n + i]!)
    solveRow(quiet.l, n, rows.subarray(s * n, (s + 1) * n), 0, 0, n)
  }
  return { process: quiet, rows, count, best, pending: new Float64Array(0) }
}

/**
 * Pasts in which pending points have values too, drawn from the posterior.
 * @param counts whether a pending point's value may be the best
 */
export function withPendingDraws(
  past: Pasts,
  pending: Float64Array,
  draws: number,
  counts: (point: number) => boolean,
  random: CounterRandom,
): Pasts {
  const process = withPending(past.process, pending)
  const n = past.process.points.count
  const all = process.points.count
  const added = all - n
  const count = Math.max(past.count, draws)
  const normals = evenNormals(count, added, random)
  const rows = new Float64Array(count * all)
  const best = new Float64Array(count)
  const values = new Float64Array(count * added)
  for (let s = 0; s < count; s++) {
    const from = s % past.count
    rows.set(past.rows.subarray(from * n, (from + 1) * n), s * all)
    rows.set(normals.subarray(s * added, (s + 1) * added), s * all + n)
    best[s] = past.best[from]!
    for (let j = 0; j < added; j++) {
      let f = 0
      for (let k = 0; k <= n + j; k++) f += process.l[(n + j) * all + k]! * rows[s * all + k]!
      values[s * added + j] = f
      if (counts(j)) best[s] = Math.max(best[s]!, f)
    }
  }
  return { process, rows, count, best, pending: values }
}

/** Means of the posterior at a process's pending points. */
export function pendingMeans({ points, l, u }: Process): Float64Array {
  const n = points.count
  return Float64Array.from({ length: n - u.length }, (_, j) => {
    let mean = 0
    for (let k = 0; k < u.length; k++) mean += l[(u.length + j) * n + k]! * u[k]!
    return mean
  })
}
