import { ConfigError, type CounterRandom } from '../../../ir/index.js'
import { DIRECTIONS } from './directions.js'

/** A sequence that fills [0, 1)ⁿ more evenly than random numbers: its `index`-th point. */
export type Sequence = (index: number) => Float64Array

const BITS = 30

/**
 * Sobol's sequence (Sobol 1967; directions of Joe & Kuo 2008), each dimension shifted by random bits where asked.
 * @throws ConfigError for more than 160 dimensions
 */
export function sobol(dimensions: number, random: CounterRandom | null): Sequence {
  if (dimensions > DIRECTIONS.length + 1)
    throw new ConfigError({
      code: 'sobol-dimensions',
      where: 'sobol',
      expected: `at most ${DIRECTIONS.length + 1} parameters`,
      received: dimensions,
      hint: "qmcType: 'halton' takes any number",
    })
  const directions = Array.from({ length: dimensions }, (_, d) => directionsOf(d))
  const shifts = Array.from({ length: dimensions }, (_, d) => (random === null ? 0 : random.bits(d) >>> (32 - BITS)))
  return index =>
    Float64Array.from({ length: dimensions }, (_, d) => {
      let x = shifts[d]!
      // Gray code: neighbouring points differ in one direction.
      for (let gray = index ^ (index >>> 1), bit = 0; gray !== 0; gray >>>= 1, bit++)
        if ((gray & 1) === 1) x ^= directions[d]![bit % BITS]!
      return x / 2 ** BITS
    })
}

function directionsOf(dimension: number): Int32Array {
  const v = new Int32Array(BITS)
  if (dimension === 0) {
    for (let i = 0; i < BITS; i++) v[i] = 1 << (BITS - 1 - i)
    return v
  }
  const [polynomial, ...initial] = DIRECTIONS[dimension - 1] as [number, ...number[]]
  const degree = initial.length
  for (let i = 0; i < BITS; i++) {
    if (i < degree) {
      v[i] = initial[i]! << (BITS - 1 - i)
      continue
    }
    let x = v[i - degree]! ^ (v[i - degree]! >>> degree)
    for (let k = 1; k < degree; k++) if (((polynomial >>> (degree - k)) & 1) === 1) x ^= v[i - k]!
    v[i] = x
  }
  return v
}

/** Halton's sequence (1960): one prime base for each dimension, digits permuted by chance where asked (Owen 2017). */
export function halton(dimensions: number, random: CounterRandom | null): Sequence {
  const bases = primes(dimensions)
  // Every digit of every base gets a permutation of its own; digits beyond those that fit a double do not matter.
  const permutations = bases.map((base, d) => {
    const digits = Math.ceil(53 / Math.log2(base))
    return Array.from({ length: digits }, (_, k) => {
      const order = Uint32Array.from({ length: base }, (_, i) => i)
      if (random !== null)
        for (let i = base - 1; i > 0; i--) {
          const j = random.below(((d * 64 + k) * 1024 + i) % 2 ** 31, i + 1)
          ;[order[i], order[j]] = [order[j]!, order[i]!]
        }
      return order
    })
  })
  return index =>
    Float64Array.from({ length: dimensions }, (_, d) => {
      const base = bases[d]!
      let x = 0
      let rest = index
      let weight = 1 / base
      for (const order of permutations[d]!) {
        x += order[rest % base]! * weight
        rest = Math.floor(rest / base)
        weight /= base
        if (rest === 0 && random === null) break
      }
      return Math.min(x, 1 - 2 ** -53)
    })
}

function primes(count: number): number[] {
  const found: number[] = []
  for (let n = 2; found.length < count; n++) if (found.every(p => n % p !== 0)) found.push(n)
  return found
}
