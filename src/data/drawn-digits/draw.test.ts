import { existsSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { drawDigits, readIdx } from '../index.js'
import { digitShapes } from './shapes.js'

const pixels = (images: { data: unknown }) => images.data as Uint8Array
const count = 3000
const { images, labels } = drawDigits(count, { seed: 1 })
const sheet = pixels(images)
const label = labels.data as Uint8Array

test('the same seed draws the same digits, any part of the series alone', () => {
  const part = drawDigits(5, { seed: 1, offset: 100 })
  expect(pixels(part.images)).toEqual(sheet.slice(100 * 784, 105 * 784))
  expect(part.labels.data).toEqual(label.slice(100, 105))
  expect(pixels(drawDigits(5, { seed: 2, offset: 100 }).images)).not.toEqual(pixels(part.images))
})

test('no two are alike, and every digit comes about as often', () => {
  const seen = new Set(Array.from({ length: count }, (_, i) => String(sheet.subarray(i * 784, (i + 1) * 784))))
  expect(seen.size).toBe(count)
  for (let digit = 0; digit < 10; digit++)
    expect(Math.abs(label.filter(l => l === digit).length - count / 10)).toBeLessThan(85)
})

test('they are centred by mass and fill a box of about 20 pixels, as in MNIST', () => {
  let boxes = 0
  for (let i = 0; i < count; i++) {
    let [mass, mx, my, low, high, left, right] = [0, 0, 0, 28, 0, 28, 0]
    for (let p = 0; p < 784; p++) {
      const ink = sheet[i * 784 + p]!
      const [x, y] = [p % 28, Math.floor(p / 28)]
      mass += ink
      mx += ink * x
      my += ink * y
      if (ink < 30) continue
      ;[low, high, left, right] = [Math.min(low, y), Math.max(high, y), Math.min(left, x), Math.max(right, x)]
    }
    // MNIST's test digits: mean 14.0 on both axes, standard deviation 0.3.
    expect(Math.abs(mx / mass - 14)).toBeLessThan(2.5)
    expect(Math.abs(my / mass - 14)).toBeLessThan(2.5)
    boxes += Math.max(high - low, right - left) + 1
  }
  // MNIST: 20.
  expect(Math.abs(boxes / count - 20.5)).toBeLessThan(1)
})

test('as much of the sheet is ink as in MNIST, and the paper is clean', () => {
  const ink = sheet.filter(p => p > 0).length / sheet.length
  const mean = sheet.reduce((a, b) => a + b, 0) / sheet.length / 255
  // MNIST's test digits: 0.193 and 0.1325.
  expect(Math.abs(ink - 0.193)).toBeLessThan(0.02)
  expect(Math.abs(mean - 0.1325)).toBeLessThan(0.02)
  for (let i = 0; i < count; i++) expect(sheet[i * 784]! + sheet[i * 784 + 27]! + sheet[i * 784 + 783]!).toBe(0)
})

test('print is calm and wild hands are not', () => {
  const spread = (wildness: number) => {
    const drawn = drawDigits(600, { seed: 3, wildness })
    const eights = Array.from({ length: 600 }, (_, i) => i).filter(i => (drawn.labels.data as Uint8Array)[i] === 8)
    let sum = 0
    for (let p = 0; p < 784; p++) {
      const values = eights.map(i => pixels(drawn.images)[i * 784 + p]!)
      const mean = values.reduce((a, b) => a + b, 0) / values.length
      sum += values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length
    }
    return sum
  }
  expect(spread(2)).toBeGreaterThan(spread(0))
})

test('shapes lie in the unit square and have points enough', () => {
  expect(digitShapes).toHaveLength(10)
  for (const { weight, strokes } of digitShapes.flat()) {
    expect(weight).toBeGreaterThan(0)
    for (const { points } of strokes) {
      expect(points.length).toBeGreaterThanOrEqual(2)
      for (const coordinate of points.flat()) expect(coordinate >= 0 && coordinate <= 1).toBe(true)
    }
  }
})

test.each([
  [-1, {}, 'drawDigits.count'],
  [2, { offset: -1 }, 'drawDigits.offset'],
  [2, { wildness: 9 }, 'drawDigits.wildness'],
])('drawDigits(%s, %j) is refused', (n, options, where) => {
  expect(() => drawDigits(n, options)).toThrow(expect.objectContaining({ code: 'bad-option', where }))
})

/** The mean image of each digit; a picture belongs to the nearest. */
function nearestMean(data: Uint8Array, digits: Uint8Array) {
  const means = Array.from({ length: 10 }, () => new Float64Array(784))
  const counts = new Array<number>(10).fill(0)
  digits.forEach((digit, i) => {
    counts[digit]!++
    for (let p = 0; p < 784; p++) means[digit]![p]! += data[i * 784 + p]!
  })
  means.forEach((mean, digit) => {
    for (let p = 0; p < 784; p++) mean[p]! /= counts[digit]!
  })
  return (test: Uint8Array, truth: Uint8Array): number => {
    let right = 0
    truth.forEach((digit, i) => {
      const distances = means.map(mean => mean.reduce((sum, m, p) => sum + (m - test[i * 784 + p]!) ** 2, 0))
      if (distances.indexOf(Math.min(...distances)) === digit) right++
    })
    return right / truth.length
  }
}

const folder = new URL('../../../../shared/data/mnist/', import.meta.url)
const missing = existsSync(folder) ? '' : ' (compared with real ones: skipped, no MNIST files beside the checkout)'
describe('are recognised by the mean image of each digit', () => {
  const classify = nearestMean(sheet, label)

  test('mostly, but not all: they are no print', () => {
    const fresh = drawDigits(1000, { seed: 1, offset: 50_000 })
    const accuracy = classify(pixels(fresh.images), fresh.labels.data as Uint8Array)
    // The same rule gets 82 % of MNIST's test digits from its training digits.
    expect(accuracy).toBeGreaterThan(0.7)
    expect(accuracy).toBeLessThan(0.95)
  })

  test.skipIf(missing !== '')(`real ones too, by the means of drawn ones${missing}`, async () => {
    const [real, truth] = await Promise.all(
      ['images-idx3', 'labels-idx1'].map(name => readIdx(new URL(`t10k-${name}-ubyte.gz`, folder))),
    )
    const accuracy = classify(pixels(real!).subarray(0, 2000 * 784), (truth!.data as Uint8Array).subarray(0, 2000))
    expect(accuracy).toBeGreaterThan(0.65)
  })
})
