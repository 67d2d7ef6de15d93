import type { Tensor } from '../../ir/index.js'
import type { WeightHistogram } from './record.js'

const BINS = 80

/** All kernels together. The ends of the axis are given, so that variants can be compared. */
export function weightHistogram(weights: Readonly<Record<string, Tensor>>, reach: number): WeightHistogram {
  const counts = new Float64Array(BINS)
  let [total, small, squares] = [0, 0, 0]
  for (const w of kernels(weights)) {
    const bin = Math.floor(((w + reach) / (2 * reach)) * BINS)
    counts[Math.min(Math.max(bin, 0), BINS - 1)]! += 1
    total++
    squares += w * w
    if (Math.abs(w) < 1e-3) small++
  }
  return {
    edges: Array.from({ length: BINS + 1 }, (_, i) => (i * 2 * reach) / BINS - reach),
    shares: Array.from(counts, count => count / total),
    nearZero: small / total,
    rootMeanSquare: Math.sqrt(squares / total),
  }
}

/** Three times the root mean square of the kernels: nearly all weights of a network lie within. */
export function reachOf(weights: Readonly<Record<string, Tensor>>): number {
  let [total, squares] = [0, 0]
  for (const w of kernels(weights)) {
    total++
    squares += w * w
  }
  return 3 * Math.sqrt(squares / total) || 1
}

function* kernels(weights: Readonly<Record<string, Tensor>>): Iterable<number> {
  for (const [path, t] of Object.entries(weights)) if (path.endsWith('kernel')) yield* t.data as Float32Array
}
