import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Ring, regionsAbove } from './contour.js'

/** Twice the signed area is what a ring encloses; holes run the other way. */
const area = (rings: readonly Ring[]): number =>
  Math.abs(
    rings.reduce(
      (sum, ring) =>
        sum +
        ring.reduce((part, [x, y], i) => {
          const [nx, ny] = ring[(i + 1) % ring.length]!
          return part + (x * ny - nx * y) / 2
        }, 0),
      0,
    ),
  )

const grid = (columns: number, rows: number, f: (c: number, r: number) => number): number[][] =>
  Array.from({ length: rows }, (_, r) => Array.from({ length: columns }, (_, c) => f(c, r)))

describe('regions above a level', () => {
  test('a cone gives one circle', () => {
    const rings = regionsAbove(
      grid(41, 41, (c, r) => -Math.hypot(c - 20, r - 20)),
      -10,
    )
    expect(rings).toHaveLength(1)
    for (const [c, r] of rings[0]!) expect(Math.hypot(c - 20, r - 20)).toBeCloseTo(10, 1)
    expect(area(rings) / (Math.PI * 100)).toBeCloseTo(1, 2)
  })

  test('a bowl gives the border and a hole, which is not counted', () => {
    const rings = regionsAbove(
      grid(41, 41, (c, r) => Math.hypot(c - 20, r - 20)),
      10,
    )
    expect(rings).toHaveLength(2)
    expect(area(rings)).toBeCloseTo(1600 - Math.PI * 100, -1)
  })

  test('a plane half above gives half the grid, closed along the border', () => {
    const rings = regionsAbove(
      grid(11, 7, c => c),
      5,
    )
    expect(area(rings)).toBeCloseTo(30)
  })

  test('everything above gives the whole grid, nothing above gives nothing', () => {
    expect(
      area(
        regionsAbove(
          grid(5, 4, () => 1),
          0,
        ),
      ),
    ).toBeCloseTo(12)
    expect(
      regionsAbove(
        grid(5, 4, () => 1),
        2,
      ),
    ).toEqual([])
  })

  test('on any ground rings stay on the grid, and what lies above shrinks as the level rises', () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 5, maxLength: 5 }), {
          minLength: 4,
          maxLength: 4,
        }),
        values => {
          const sizes = [0.5, 2.5, 4.5, 6.5, 8.5].map(level => {
            const rings = regionsAbove(values, level)
            for (const [c, r] of rings.flat()) expect(c >= 0 && c <= 4 && r >= 0 && r <= 3, `${c}, ${r}`).toBe(true)
            return area(rings)
          })
          for (let i = 1; i < sizes.length; i++) expect(sizes[i]!).toBeLessThanOrEqual(sizes[i - 1]! + 1e-9)
        },
      ),
      { numRuns: 200 },
    )
  })
})
