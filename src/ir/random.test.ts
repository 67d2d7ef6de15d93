import { expect, test } from 'vitest'
import { counterRandom, philox } from './random.js'

// Known answers of the Random123 distribution (kat_vectors, philox4x32 10).
test('gives the known answers of Philox 4x32-10', () => {
  expect(philox([0, 0, 0, 0], [0, 0])).toEqual([0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8])
  const ones = 0xffffffff
  expect(philox([ones, ones, ones, ones], [ones, ones])).toEqual([0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd])
  expect(philox([0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344], [0xa4093822, 0x299f31d0])).toEqual([
    0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1,
  ])
})

test('draws any part of a stream again, in any order', () => {
  const a = counterRandom(7, 3)
  const forward = Array.from({ length: 50 }, (_, i) => a.bits(i))
  const b = counterRandom(7, 3)
  const backward = Array.from({ length: 50 }, (_, i) => b.bits(49 - i)).reverse()
  expect(backward).toEqual(forward)
  expect(counterRandom(8, 3).bits(0)).not.toBe(forward[0])
  expect(counterRandom(7, 4).bits(0)).not.toBe(forward[0])
})

test('normal numbers have mean 0 and variance 1, uniform ones mean 1/2', () => {
  const r = counterRandom(1)
  const n = 20_000
  const normals = Array.from({ length: n }, (_, i) => r.normal(i))
  const mean = normals.reduce((a, b) => a + b, 0) / n
  expect(Math.abs(mean)).toBeLessThan(0.03)
  expect(normals.reduce((a, b) => a + (b - mean) ** 2, 0) / n).toBeCloseTo(1, 1)
  const uniforms = Array.from({ length: n }, (_, i) => r.uniform(i))
  expect(uniforms.reduce((a, b) => a + b, 0) / n).toBeCloseTo(0.5, 1)
})

test('a permutation holds every index once and differs by seed', () => {
  const order = counterRandom(5).permutation(100)
  expect([...order].sort((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, i) => i))
  expect([...order]).not.toEqual([...counterRandom(6).permutation(100)])
})

test('keys are integers or names, any number of them, and their order counts', () => {
  const keys = [
    [],
    [0],
    [1],
    [1, 2],
    [2, 1],
    ['a'],
    ['b'],
    ['ab'],
    ['a', 'b'],
    ['ba'],
    [''],
    ['1'],
    [2 ** 40],
    [-1],
    [0, 0],
  ]
  const firsts = keys.map(key => counterRandom(3, ...key).bits(0))
  expect(new Set(firsts).size).toBe(keys.length)
  expect(counterRandom(3, 'a', 7).bits(11)).toBe(counterRandom(3, 'a', 7).bits(11))
})

test('seeds count to 2^53', () => {
  expect(counterRandom(2 ** 32).bits(0)).toBe(philox([0, 0, 0, 0], [0, 1])[0])
  expect(counterRandom(0).bits(4)).toBe(philox([1, 0, 0, 0], [0, 0])[0])
})

test('bits far into the stream belong to their own block', () => {
  const far = 2 ** 34 + 3
  expect(counterRandom(1).bits(far)).toBe(philox([0, 1, 0, 0], [1, 0])[3])
})

test.each([[0.5], [Number.NaN], [2 ** 60], [Number.POSITIVE_INFINITY]])('%s is no seed and no key', value => {
  expect(() => counterRandom(value)).toThrow(expect.objectContaining({ code: 'random-seed', where: 'seed' }))
  expect(() => counterRandom(1, value)).toThrow(expect.objectContaining({ code: 'random-seed', where: 'key' }))
})

test('uniform numbers stay below 1 in single precision', () => {
  const r = counterRandom(9)
  for (let i = 0; i < 10_000; i++) expect(r.uniform(i)).toBe(Math.fround(r.uniform(i)))
})

test('below gives every integer of its range about as often', () => {
  const r = counterRandom(4)
  const counts = Array.from({ length: 6 }, () => 0)
  for (let i = 0; i < 12_000; i++) counts[r.below(i, 6)]!++
  // 2000 expected, standard deviation 41.
  for (const count of counts) expect(Math.abs(count - 2000)).toBeLessThan(205)
})

test('neighbouring normal numbers are not related', () => {
  const r = counterRandom(2)
  let product = 0
  for (let i = 0; i < 20_000; i++) product += r.normal(i) * r.normal(i + 1)
  expect(Math.abs(product / 20_000)).toBeLessThan(0.03)
})
