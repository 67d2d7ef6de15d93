import { expect, test } from 'vitest'
import { minimize } from './lbfgs.js'

const rosenbrock = (x: Float64Array, g: Float64Array): number => {
  let sum = 0
  g.fill(0)
  for (let i = 0; i + 1 < x.length; i++) {
    const [a, b] = [x[i + 1]! - x[i]! ** 2, 1 - x[i]!]
    sum += 100 * a * a + b * b
    g[i]! += -400 * a * x[i]! - 2 * b
    g[i + 1]! += 200 * a
  }
  return sum
}

test('a curved valley is followed to its end', () => {
  const { x, value } = minimize(rosenbrock, Float64Array.of(-1.2, 1, -0.5, 2), {
    gradientTolerance: 1e-7,
    valueTolerance: 0,
    maxIterations: 500,
  })
  expect(value).toBeLessThan(1e-10)
  for (const xi of x) expect(xi).toBeCloseTo(1, 4)
})

test('bounds are kept, and the minimum on them is found', () => {
  // (x − 3)² + (y + 1)² + xy in [0, 2] × [0, 2]: at (2, 0).
  const { x } = minimize(
    ([a, b], g) => {
      g[0] = 2 * (a! - 3) + b!
      g[1] = 2 * (b! + 1) + a!
      return (a! - 3) ** 2 + (b! + 1) ** 2 + a! * b!
    },
    Float64Array.of(0.3, 1.9),
    { lower: Float64Array.of(0, 0), upper: Float64Array.of(2, 2), gradientTolerance: 1e-9 },
  )
  expect([...x]).toEqual([2, 0])
})

test('where the value is not finite the search steps back', () => {
  const { x } = minimize(
    (x, g) => {
      if (x[0]! <= 0) return Infinity
      g[0] = 1 - 1 / x[0]!
      return x[0]! - Math.log(x[0]!)
    },
    Float64Array.of(30),
    { gradientTolerance: 1e-8, valueTolerance: 0 },
  )
  expect(x[0]).toBeCloseTo(1, 6)
})
