import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { counterRandom } from '../../../ir/index.js'
import { cholesky, inverse, solveBack, solveRows } from './cholesky.js'

/** A matrix that is safely positive definite, and its size. */
function matrix(n: number, seed: number): Float64Array {
  const random = counterRandom(seed)
  const b = Float64Array.from({ length: n * n }, (_, i) => random.normal(i))
  const a = new Float64Array(n * n)
  for (let i = 0; i < n; i++)
    for (let j = 0; j < n; j++) {
      let sum = i === j ? n * 0.1 : 0
      for (let k = 0; k < n; k++) sum += b[i * n + k]! * b[j * n + k]!
      a[i * n + j] = sum
    }
  return a
}
const size = fc.integer({ min: 1, max: 23 })
const seed = fc.integer({ min: 0, max: 1000 })

describe('of a symmetric matrix', () => {
  test('the triangle times its transpose is the matrix', () => {
    fc.assert(
      fc.property(size, seed, (n, s) => {
        const a = matrix(n, s)
        const l = a.slice()
        expect(cholesky(l, n)).toBe(true)
        for (let i = 0; i < n; i++)
          for (let j = 0; j <= i; j++) {
            let sum = 0
            for (let k = 0; k <= j; k++) sum += l[i * n + k]! * l[j * n + k]!
            expect(Math.abs(sum - a[i * n + j]!)).toBeLessThan(1e-10 * n)
          }
      }),
      { numRuns: 60, seed: 1 },
    )
  })

  test('solving forwards and back, and the inverse, undo the matrix', () => {
    fc.assert(
      fc.property(size, seed, fc.integer({ min: 1, max: 5 }), (n, s, count) => {
        const a = matrix(n, s)
        const l = a.slice()
        cholesky(l, n)
        const random = counterRandom(s, 'b')
        const b = Float64Array.from({ length: n * count }, (_, i) => random.normal(i))
        const rows = b.slice()
        solveRows(l, n, rows, count)
        const inverted = new Float64Array(n * n)
        inverse(l, n, inverted, new Float64Array(n * n))
        for (let c = 0; c < count; c++) {
          const x = rows.slice(c * n, (c + 1) * n)
          solveBack(l, n, x)
          for (let i = 0; i < n; i++) {
            let product = 0
            let solved = 0
            for (let k = 0; k < n; k++) {
              product += a[i * n + k]! * x[k]!
              solved += inverted[Math.max(i, k) * n + Math.min(i, k)]! * b[c * n + k]!
            }
            expect(Math.abs(product - b[c * n + i]!)).toBeLessThan(1e-8)
            expect(Math.abs(solved - x[i]!)).toBeLessThan(1e-8)
          }
        }
      }),
      { numRuns: 60, seed: 2 },
    )
  })

  test('that is not positive definite nothing comes out', () => {
    expect(cholesky(Float64Array.of(1, 2, 2, 1), 2)).toBe(false)
    expect(cholesky(Float64Array.of(1, 0, 0, 0, 1, 0, 0, 0, -1), 3)).toBe(false)
    expect(cholesky(Float64Array.of(Number.NaN), 1)).toBe(false)
  })
})
