import type { SearchSpace } from '../sampler.js'
import type { Branches } from './branches.js'

/** What a suggestion is made from. */
export interface Trials {
  readonly space: SearchSpace
  /** Which parameters a trial has. */
  readonly parents: Branches['parents']
  /** For each complete trial its internal values; NaN for those it does not have. */
  readonly places: readonly (readonly number[])[]
  /** For each complete trial its values, more is better. */
  readonly scores: readonly (readonly number[])[]
  readonly feasible: readonly boolean[]
  /** For each complete trial its constraints by name, kept at most 0. */
  readonly constraints: readonly ReadonlyMap<string, number>[]
  /** For each running trial its internal values. */
  readonly pending: readonly (readonly number[])[]
}

export interface Standardized {
  readonly values: Float64Array
  readonly mean: number
  readonly deviation: number
}

/** Values with mean 0 and variance 1; infinite ones count as the outermost finite ones. */
export function standardize(raw: readonly number[]): Standardized {
  let low = Infinity
  let high = -Infinity
  for (const x of raw)
    if (Number.isFinite(x)) {
      low = Math.min(low, x)
      high = Math.max(high, x)
    }
  if (low > high) [low, high] = [0, 0]
  const clipped = Float64Array.from(raw, x => Math.min(Math.max(x, low), high))
  const mean = clipped.reduce((a, b) => a + b, 0) / raw.length
  const variance = clipped.reduce((sum, x) => sum + (x - mean) ** 2, 0) / raw.length
  const deviation = Math.max(Math.sqrt(variance), 1e-10)
  return { values: clipped.map(x => (x - mean) / deviation), mean, deviation }
}
