import { describe, expect, test } from 'vitest'
import { differenceOf, spreadOf, studentT } from './spread.js'

describe('spread over seeds', () => {
  test('is mean, sample standard deviation and range', () => {
    expect(spreadOf([1, 2, 3, 4])).toEqual({ mean: 2.5, deviation: Math.sqrt(5 / 3), low: 1, high: 4 })
    expect(spreadOf([7])).toEqual({ mean: 7, deviation: 0, low: 7, high: 7 })
  })

  test('takes differences seed by seed: what all seeds share does not blur them', () => {
    const base = [0.8, 0.9, 0.7, 0.85, 0.75]
    expect(
      differenceOf(
        base.map(v => v + 0.01),
        base,
      ).clear,
    ).toBe(true)
    expect(
      differenceOf(
        base.map((v, i) => v + (i % 2 === 0 ? 0.02 : -0.02)),
        base,
      ).clear,
    ).toBe(false)
  })

  test('finds nothing clear in one or two seeds', () => {
    expect(differenceOf([1, 1], [0, 0]).clear).toBe(false)
  })

  // Percentage points of the t distribution, from statistical tables.
  test.each([
    [1, 12.706],
    [4, 2.776],
    [11, 2.201],
    [20, 2.086],
    [30, 2.042],
    [120, 1.98],
  ])('Student’s t with %d degrees of freedom is %d', (degrees, t) => {
    expect(studentT(degrees) / t).toBeCloseTo(1, 2)
  })
})
