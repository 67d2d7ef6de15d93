import type { CounterRandom } from '../../../ir/index.js'
import { quantile } from '../normal.js'

/**
 * Points spread evenly over the unit cube, in rows: an additive recurrence by powers of the generalized golden ratio
 * (Roberts 2018), shifted at random.
 */
export function evenPoints(count: number, dimension: number, random: CounterRandom): Float64Array {
  let ratio = 2
  for (let i = 0; i < 60; i++) ratio = (1 + ratio) ** (1 / (dimension + 1))
  const out = new Float64Array(count * dimension)
  for (let d = 0; d < dimension; d++) {
    const step = ratio ** -(d + 1)
    const shift = random.uniform(d)
    for (let i = 0; i < count; i++) out[i * dimension + d] = (shift + (i + 1) * step) % 1
  }
  return out
}

/** Standard normal draws spread evenly, in rows. */
export const evenNormals = (count: number, dimension: number, random: CounterRandom): Float64Array =>
  evenPoints(count, dimension, random).map(u => quantile(Math.min(Math.max(u, 1e-9), 1 - 1e-9)))
