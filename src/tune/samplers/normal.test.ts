import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { cdf, logCdf, logMass, truncatedQuantile } from './normal.js'

// From SciPy's norm.cdf, norm.logcdf and truncnorm.ppf.
describe('the normal distribution', () => {
  test.each([
    [-37, 5.7255712225245e-300],
    [-10, 7.61985302416052e-24],
    [-3, 0.0013498980316300933],
    [-0.5, 0.3085375387259869],
    [0, 0.5],
    [1.5, 0.9331927987311419],
    [6, 0.9999999990134123],
  ])('lies below %f with probability %f', (x, p) => {
    expect(Math.abs(cdf(x) / p - 1)).toBeLessThan(1e-12)
  })

  test.each([
    [-5, -15.064998393988727],
    [-29.9, -451.3229124585287],
    [-40, -804.6084420137538],
    [-100, -5005.524208694205],
  ])('has log-probability below %f', (x, wanted) => {
    expect(Math.abs(logCdf(x) / wanted - 1)).toBeLessThan(1e-9)
  })

  test('quantiles invert probabilities, cut to any interval', () => {
    const bound = fc.double({ min: -30, max: 30, noNaN: true })
    fc.assert(
      fc.property(
        bound,
        fc.double({ min: 1e-3, max: 20, noNaN: true }),
        fc.double({ min: 0.001, max: 0.999, noNaN: true }),
        (a, width, u) => {
          const b = a + width
          const x = truncatedQuantile(u, a, b)
          expect(x).toBeGreaterThanOrEqual(a)
          expect(x).toBeLessThanOrEqual(b)
          if (Math.min(Math.abs(a), Math.abs(b)) < 20 || a * b < 0) {
            const share = Math.exp(logMass(a, x) - logMass(a, b))
            expect(Math.abs(share - u)).toBeLessThan(1e-6)
          }
        },
      ),
      { numRuns: 300, seed: 5 },
    )
  })
})
