import { cdf, logCdf, logDensity } from '../normal.js'

/** log(φ(z) + z Φ(z)): the expected improvement of a standard normal variable over −z (Ament et al. 2023, eq. 9). */
export function logStandardEi(z: number): number {
  if (z > -25) return Math.log(Math.exp(logDensity(z)) + z * cdf(z))
  // φ and zΦ cancel but for φ/z²: their asymptotic series.
  const w = 1 / (z * z)
  return logDensity(z) + Math.log(w) + Math.log1p(w * (-3 + w * (15 + w * (-105 + w * (945 - 10395 * w)))))
}

/** A value that depends on mean and variance of a normal variable, with its slopes. */
export interface Slopes {
  value: number
  byMean: number
  byVariance: number
}

/** log of the expected improvement of N(mean, variance) over `best`; more is better. */
export function logEi(mean: number, variance: number, best: number, out: Slopes): void {
  const deviation = Math.sqrt(variance)
  const z = (mean - best) / deviation
  const log = logStandardEi(z)
  out.value = log + Math.log(deviation)
  out.byMean = Math.exp(logCdf(z) - log) / deviation
  out.byVariance = Math.exp(logDensity(z) - log) / (2 * variance)
}

/** log of the probability that N(mean, variance) exceeds `least`. */
export function logPi(mean: number, variance: number, least: number, out: Slopes): void {
  const deviation = Math.sqrt(variance)
  const z = (mean - least) / deviation
  out.value = logCdf(z)
  const ratio = Math.exp(logDensity(z) - out.value)
  out.byMean = ratio / deviation
  out.byVariance = (-ratio * z) / (2 * variance)
}
