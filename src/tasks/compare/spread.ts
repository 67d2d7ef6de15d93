import type { Difference, Spread } from './record.js'

/** Mean, sample standard deviation and range. */
export function spreadOf(values: readonly number[]): Spread {
  const n = values.length
  const mean = values.reduce((a, b) => a + b, 0) / n
  const squares = values.reduce((sum, v) => sum + (v - mean) ** 2, 0)
  return {
    mean,
    deviation: n > 1 ? Math.sqrt(squares / (n - 1)) : 0,
    low: Math.min(...values),
    high: Math.max(...values),
  }
}

/** Differences `a[i] − b[i]` of runs with the same seeds. With fewer than three nothing is clear. */
export function differenceOf(a: readonly number[], b: readonly number[]): Difference {
  const spread = spreadOf(a.map((value, i) => value - b[i]!))
  const n = a.length
  const margin = n < 3 ? Number.POSITIVE_INFINITY : (studentT(n - 1) * spread.deviation) / Math.sqrt(n)
  return { ...spread, clear: Math.abs(spread.mean) > margin }
}

/** The 97.5 % point of Student's t; for more degrees of freedom than 10 within 0.3 %. */
export function studentT(degrees: number): number {
  const table = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228]
  if (degrees <= table.length) return table[degrees - 1]!
  // Cornish and Fisher's expansion around the normal point.
  const z = 1.959964
  return z + (z ** 3 + z) / (4 * degrees) + (5 * z ** 5 + 16 * z ** 3 + 3 * z) / (96 * degrees ** 2)
}
