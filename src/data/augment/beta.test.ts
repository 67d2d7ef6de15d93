import { expect, test } from 'vitest'
import { counterRandom } from '../../ir/index.js'
import { readFigures } from '../../testing/figures.js'
import { betaCounters, logGamma, symmetricBeta } from './beta.js'

const figures = readFigures<{
  beta: { alpha: number; at: number[]; cdf: number[]; variance: number }[]
  gamma: { shape: number; at: number[]; cdf: number[] }[]
}>(new URL('./figures/beta.json', import.meta.url))

const n = 20_000
const random = counterRandom(1, 'beta test')
/** The largest distance of the sample's distribution from the true one, times √n: above 1.95 once in 1,000 samples. */
const kolmogorov = (sample: readonly number[], at: readonly number[], cdf: readonly number[]) =>
  Math.max(...at.map((x, i) => Math.abs(sample.filter(value => value <= x).length / n - cdf[i]!))) * Math.sqrt(n)

test.each(figures.beta)(
  'Beta($alpha, $alpha) numbers have the distribution that scipy computes',
  ({ alpha, at, cdf, variance }) => {
    const sample = Array.from({ length: n }, (_, i) => symmetricBeta(random, alpha, i * betaCounters))
    expect(kolmogorov(sample, at, cdf)).toBeLessThan(1.95)
    const mean = sample.reduce((a, b) => a + b, 0) / n
    expect(Math.abs(mean - 0.5)).toBeLessThan(4 * Math.sqrt(variance / n))
    const spread = sample.reduce((a, b) => a + (b - 0.5) ** 2, 0) / n
    expect(Math.abs(spread / variance - 1)).toBeLessThan(0.05)
  },
)

test.each(figures.gamma)('Gamma($shape) numbers have the distribution that scipy computes', ({ shape, at, cdf }) => {
  const sample = Array.from({ length: n }, (_, i) => Math.exp(logGamma(random, shape, i * betaCounters)))
  expect(kolmogorov(sample, at, cdf)).toBeLessThan(1.95)
})

test('the moments of Gamma(1) numbers are those of an exponential: the acceptance is exact', () => {
  const many = 50_000
  let [first, third] = [0, 0]
  for (let i = 0; i < many; i++) {
    const x = Math.exp(logGamma(random, 1, i * betaCounters))
    first += x / many
    third += x ** 3 / many
  }
  // Means 1 and 6, variances 1 and 684.
  expect(Math.abs(first - 1) * Math.sqrt(many)).toBeLessThan(4)
  expect(Math.abs(third - 6) * Math.sqrt(many / 684)).toBeLessThan(4)
})

test('a number depends on nothing but its counters, and neighbours do not repeat each other', () => {
  const later = symmetricBeta(random, 0.3, 5 * betaCounters)
  symmetricBeta(random, 0.3, 0)
  expect(symmetricBeta(random, 0.3, 5 * betaCounters)).toBe(later)
  const sample = Array.from({ length: 2000 }, (_, i) => symmetricBeta(random, 0.3, i * betaCounters))
  const product = sample.slice(1).reduce((sum, x, i) => sum + (x - 0.5) * (sample[i]! - 0.5), 0) / 2000
  expect(Math.abs(product)).toBeLessThan(0.02)
})

test.each([1e-320, 1e-9, 1e6, 1e300])('alpha %s gives numbers from 0 to 1', alpha => {
  for (let i = 0; i < 100; i++) {
    const x = symmetricBeta(random, alpha, i * betaCounters)
    expect(x >= 0 && x <= 1).toBe(true)
    expect(Math.min(x, 1 - x)).toBeCloseTo(alpha < 1 ? 0 : 0.5, 2)
  }
})
