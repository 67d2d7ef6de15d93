import { expect, test } from 'vitest'
import { leadingDirections } from './principal.js'

const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, v, i) => sum + v * b[i]!, 0)
const combine = (vectors: readonly (readonly number[])[], parts: readonly number[]) =>
  vectors[0]!.map((_, k) => vectors.reduce((sum, vector, i) => sum + parts[i]! * vector[k]!, 0))

test('the leading directions are the long axes of a cloud, of length 1 and at right angles', () => {
  // Far along (3, 4, 0)/5, less far along the third axis, hardly along the rest.
  const vectors = Array.from({ length: 20 }, (_, i) => {
    const [far, near, rest] = [10 * Math.cos(i), 3 * Math.sin(2 * i + 1), 0.01 * Math.sin(5 * i)]
    return [0.6 * far - 0.8 * rest, 0.8 * far + 0.6 * rest, near]
  })
  const [first, second] = leadingDirections(vectors, dot).map(parts => combine(vectors, parts)) as [number[], number[]]
  expect(Math.abs(dot(first, [0.6, 0.8, 0]))).toBeCloseTo(1, 2)
  expect(Math.abs(dot(second, [0, 0, 1]))).toBeCloseTo(1, 2)
  expect(dot(first, first)).toBeCloseTo(1)
  expect(dot(second, second)).toBeCloseTo(1)
  expect(dot(first, second)).toBeCloseTo(0)
})

test('vectors on one line have no second direction, and nothing breaks', () => {
  const vectors = [
    [1, 1],
    [2, 2],
  ]
  const [first, second] = leadingDirections(vectors, dot).map(parts => combine(vectors, parts)) as [number[], number[]]
  expect(Math.abs(dot(first, [Math.SQRT1_2, Math.SQRT1_2]))).toBeCloseTo(1)
  expect(second.every(Number.isFinite)).toBe(true)
})
