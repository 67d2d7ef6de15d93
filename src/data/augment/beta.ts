import type { CounterRandom } from '../../ir/index.js'

/** Attempts per gamma number: each is accepted with more than 95 %, so that all fail less than once in 10^80 numbers. */
const attempts = 64
/** Counters that one Beta number may use, in the lanes of bits and of normals. */
export const betaCounters = 4 * attempts

/** A uniform number strictly between 0 and 1: its logarithm is finite. */
const open = (random: CounterRandom, i: number): number => (random.bits(i) + 0.5) / 2 ** 32

/**
 * The logarithm of a Gamma(shape, 1) number from the counters `at` … `at + 2 · attempts − 1`. A logarithm, because the
 * number itself falls below what a double can hold when the shape is small.
 * Source: Marsaglia, Tsang, "A simple method for generating gamma variables", ACM TOMS 2000; for shapes below 1 its
 * last section: Gamma(shape + 1) · U^(1/shape).
 */
export function logGamma(random: CounterRandom, shape: number, at: number): number {
  if (shape < 1) return logGamma(random, shape + 1, at) + Math.log(open(random, at + attempts)) / shape
  const d = shape - 1 / 3
  const c = 1 / Math.sqrt(9 * d)
  for (let i = at; i < at + attempts; i++) {
    const x = random.normal(i)
    const v = (1 + c * x) ** 3
    if (v > 0 && Math.log(open(random, i)) < 0.5 * x * x + d - d * v + d * Math.log(v)) return Math.log(d * v)
  }
  return Math.log(d)
}

/** A Beta(alpha, alpha) number from the counters `at` … `at + betaCounters − 1`: X / (X + Y) of two gamma numbers. */
export function symmetricBeta(random: CounterRandom, alpha: number, at: number): number {
  // Below, all numbers are 0 or 1 to a double's last bit, and the logarithms would leave its range.
  const shape = Math.max(alpha, 1e-100)
  const x = logGamma(random, shape, at)
  const y = logGamma(random, shape, at + 2 * attempts)
  return 1 / (1 + Math.exp(y - x))
}
