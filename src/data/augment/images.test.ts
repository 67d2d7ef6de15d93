import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Tensor, tensor } from '../../ir/index.js'
import { testDataset } from '../../testing/dataset.js'
import {
  type Augmentable,
  type AugmentMap,
  cutout,
  type Example,
  fromTensors,
  type ImageOptions,
  oneOf,
  randomCrop,
  randomErasing,
  randomFlip,
} from '../index.js'

const first = { epoch: 0, index: 0 }
const numbers = (t: Tensor): number[] => Array.from(t.data as Float32Array)
/** An image without zeros, all pixels different. */
const image = (...shape: number[]) =>
  tensor(
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => i + 1),
    shape,
  )

const maps: [string, (options?: ImageOptions) => AugmentMap<Augmentable>][] = [
  ['cutout', options => cutout({ size: 3, ...options })],
  ['randomErasing', options => randomErasing({ p: 0.9, value: 'random', ...options })],
  ['randomFlip', randomFlip],
  ['randomCrop', options => randomCrop({ padding: 2, ...options })],
]
describe.each(maps)('%s', (_, make) => {
  testDataset(() => fromTensors({ x: image(12, 2, 5, 7) }).map(make()))
  testDataset(() =>
    fromTensors({ x: image(12, 2, 5, 7) })
      .batch(3)
      .map(make()),
  )

  test('draws anew for each image, epoch and seed, and leaves its input alone', () => {
    const given = image(2, 9, 9)
    const outcomes = (seed: number, epoch: number) =>
      Array.from({ length: 12 }, (_, index) => numbers(make({ seed })(given, { epoch, index })).join())
    expect(outcomes(0, 0)).toEqual(outcomes(0, 0))
    expect(outcomes(0, 0)).not.toEqual(outcomes(1, 0))
    expect(outcomes(0, 0)).not.toEqual(outcomes(0, 1))
    expect(new Set(outcomes(0, 0)).size).toBeGreaterThan(2)
    expect(given).toEqual(image(2, 9, 9))
    const same = tensor(
      new Float32Array(16 * 81).map((_, i) => (i % 81) + 1),
      [16, 1, 9, 9],
    )
    const batch = numbers(make()(same, first))
    expect(
      new Set(Array.from({ length: 16 }, (_, i) => batch.slice(i * 81, (i + 1) * 81).join())).size,
    ).toBeGreaterThan(2)
  })

  test('changes the image of an example and nothing else; of several inputs the one that is named', () => {
    const rest = { y: tensor([1]), sampleWeight: tensor([2]) }
    const one = make()({ x: image(1, 5, 5), ...rest }, first)
    expect(one).toEqual({ x: make()(image(1, 5, 5), first), ...rest })
    const several = { x: { picture: image(1, 5, 5), age: tensor([3]) }, ...rest }
    expect(make({ input: 'picture' })(several, first)).toEqual({ x: { picture: one.x, age: tensor([3]) }, ...rest })
    expect(() => make()(several, first)).toThrow(expect.objectContaining({ code: 'unknown-input' }))
    expect(() => make({ input: 'image' })(several, first)).toThrow(expect.objectContaining({ code: 'unknown-input' }))
  })

  test('refuses what is no image', () => {
    expect(() => make()(image(25), first)).toThrow(
      expect.objectContaining({ code: 'image-rank', hint: 'leave images unflattened here, and flatten in the model' }),
    )
    expect(() => make()(tensor(['a'], [1, 1, 1]), first)).toThrow(expect.objectContaining({ code: 'image-dtype' }))
    expect(() => make()({ y: image(1) } as unknown as Example, first)).toThrow(
      expect.objectContaining({ code: 'not-an-example' }),
    )
    expect(() => make({ seed: 0.5 })).toThrow(expect.objectContaining({ code: 'bad-option' }))
    expect(() => make({ sed: 1 } as object)).toThrow(expect.objectContaining({ code: 'unknown-option' }))
  })
})

/** Rows and columns that were overwritten, checked to be one rectangle, the same in all channels. */
function erasedBox(t: Tensor, erased: (value: number) => boolean) {
  const [channels, height, width] = t.shape as [number, number, number]
  const at = numbers(t).map(erased)
  const plane = at.slice(0, height * width)
  for (let c = 1; c < channels; c++) expect(at.slice(c * height * width, (c + 1) * height * width)).toEqual(plane)
  const ys = [...Array(height).keys()].filter(y => plane.slice(y * width, (y + 1) * width).some(Boolean))
  const xs = [...Array(width).keys()].filter(x => ys.some(y => plane[y * width + x]))
  expect(plane.filter(Boolean).length).toBe(ys.length * xs.length)
  return { h: ys.length, w: xs.length, top: ys[0] ?? -1, left: xs[0] ?? -1 }
}

describe('cutout', () => {
  test('cuts a square, whole inside the image and cut off at its edge', () => {
    let whole = 0
    for (let index = 0; index < 200; index++) {
      const { h, w, top, left } = erasedBox(cutout({ size: 4 })(image(2, 10, 12), { epoch: 0, index }), v => v === 0)
      if (h === 4 && w === 4) whole++
      expect(h >= 2 && h <= 4 && w >= 2 && w <= 4).toBe(true)
      if (h < 4) expect(top === 0 || top + h === 10).toBe(true)
      if (w < 4) expect(left === 0 || left + w === 12).toBe(true)
    }
    // Centres with the whole square inside: 7 · 9 of 10 · 12.
    expect(whole / 200).toBeGreaterThan(0.42)
    expect(whole / 200).toBeLessThan(0.63)
  })

  test('writes its value, as many holes as asked, with probability p', () => {
    expect(new Set(numbers(cutout({ size: 40, value: -2 })(image(1, 8, 8), first)))).toEqual(new Set([-2]))
    const area = (holes: number) =>
      numbers(cutout({ size: 1, holes })(image(1, 30, 30), first)).filter(v => v === 0).length
    expect(area(1)).toBe(1)
    expect(area(9)).toBeGreaterThan(6)
    const many = cutout({ size: 1, p: 0.3 })(image(500, 1, 3, 3), first)
    expect(numbers(many).filter(v => v === 0).length / 500).toBeCloseTo(0.3, 1)
    expect(() => cutout({ size: 0 })).toThrow(expect.objectContaining({ where: 'cutout.size' }))
    expect(() => cutout({} as { size: number })).toThrow(expect.objectContaining({ where: 'cutout.size' }))
  })
})

describe('randomErasing', () => {
  test('erases a rectangle inside the image, of an area and a shape in range', () => {
    fc.assert(
      fc.property(fc.integer(), fc.nat(1000), (seed, index) => {
        const options = { p: 1, seed, scale: [0.1, 0.3], ratio: [0.5, 2], value: -1 } as const
        const { h, w } = erasedBox(randomErasing(options)(image(2, 32, 40), { epoch: 0, index }), v => v === -1)
        // Half a pixel of rounding on each side.
        expect((h + 0.5) * (w + 0.5)).toBeGreaterThanOrEqual(0.1 * 32 * 40)
        expect((h - 0.5) * (w - 0.5)).toBeLessThanOrEqual(0.3 * 32 * 40)
        expect((h + 0.5) / (w - 0.5)).toBeGreaterThanOrEqual(0.5)
        expect((h - 0.5) / (w + 0.5)).toBeLessThanOrEqual(2)
      }),
      { numRuns: 100 },
    )
  })

  test('draws areas evenly and shapes evenly in their logarithm', () => {
    const boxes = Array.from({ length: 600 }, (_, index) =>
      erasedBox(
        randomErasing({ p: 1, scale: [0.1, 0.3], ratio: [0.25, 4], value: -1 })(image(1, 64, 64), { epoch: 0, index }),
        v => v === -1,
      ),
    )
    const mean = (f: (box: { h: number; w: number }) => number) => boxes.reduce((sum, box) => sum + f(box), 0) / 600
    expect(mean(({ h, w }) => (h * w) / 64 ** 2)).toBeCloseTo(0.2, 1)
    expect(Math.abs(mean(({ h, w }) => Math.log(h / w)))).toBeLessThan(0.12)
    expect(mean(({ h, w }) => Math.log(h / w) ** 2)).toBeCloseTo(Math.log(4) ** 2 / 3, 0)
  })

  test('erases with a probability of one half unless told otherwise', () => {
    const share = (options: object) =>
      Array.from({ length: 2000 }, (_, index) => randomErasing(options)(image(1, 9, 9), { epoch: 0, index })).filter(
        t => numbers(t).includes(0),
      ).length / 2000
    expect(share({})).toBeCloseTo(0.5, 1)
    expect(share({ p: 0 })).toBe(0)
    expect(share({ p: 1 })).toBe(1)
  })

  test('writes one value, one per channel, or normal numbers', () => {
    const erase = (value: number | number[] | 'random', ...shape: number[]) =>
      numbers(randomErasing({ p: 1, scale: [0.2, 0.3], value })(image(...shape), first))
    const channels = erase([-1, -2, -3], 3, 8, 8)
    for (const c of [0, 1, 2])
      expect(
        channels
          .slice(c * 64, (c + 1) * 64)
          .filter(v => v < 0)
          .every(v => v === -1 - c),
      ).toBe(true)
    expect(erase([-7], 3, 8, 8).filter(v => v === -7).length % 3).toBe(0)
    const drawn = erase('random', 3, 100, 100).filter(v => !Number.isInteger(v))
    expect(drawn.length).toBeGreaterThan(0.19 * 30_000)
    const mean = drawn.reduce((a, b) => a + b, 0) / drawn.length
    expect(Math.abs(mean)).toBeLessThan(0.06)
    expect(drawn.reduce((a, b) => a + (b - mean) ** 2, 0) / drawn.length).toBeCloseTo(1, 1)
    expect(new Set(drawn).size).toBeGreaterThan(0.99 * drawn.length)
    expect(() => erase([1, 2], 3, 8, 8)).toThrow(expect.objectContaining({ code: 'channel-count' }))
  })

  test('leaves an image whole that no rectangle fits into', () => {
    expect(randomErasing({ p: 1, scale: [1, 1] })(image(1, 6, 6), first)).toEqual(image(1, 6, 6))
  })

  test('refuses options out of range', () => {
    for (const options of [
      { p: 2 },
      { scale: [0.3, 0.1] },
      { scale: [0.1, 1.1] },
      { ratio: [0, 1] },
      { ratio: [2] },
      { value: 'noise' },
      { value: [] },
    ])
      expect(() => randomErasing(options as object)).toThrow(expect.objectContaining({ name: 'ConfigError' }))
  })

  test('bytes take whole numbers from 0 to 255 only', () => {
    const bytes = tensor(new Uint8Array(64).fill(9), [1, 8, 8])
    expect(numbers(randomErasing({ p: 1, value: 255 })(bytes, first))).toContain(255)
    for (const value of [-1, 0.5, 256, 'random'] as const)
      expect(() => randomErasing({ p: 1, value })(bytes, first)).toThrow(
        expect.objectContaining({ code: 'image-dtype' }),
      )
  })
})

describe('randomFlip', () => {
  const flip = (mode: 'horizontal' | 'vertical' | 'horizontalAndVertical') =>
    numbers(randomFlip({ mode, p: 1 })(image(2, 2, 3), first))

  test('mirrors every channel', () => {
    expect(flip('horizontal')).toEqual([3, 2, 1, 6, 5, 4, 9, 8, 7, 12, 11, 10])
    expect(flip('vertical')).toEqual([4, 5, 6, 1, 2, 3, 10, 11, 12, 7, 8, 9])
    expect(flip('horizontalAndVertical')).toEqual([6, 5, 4, 3, 2, 1, 12, 11, 10, 9, 8, 7])
  })

  test('each way with probability one half, one apart from the other', () => {
    const seen = new Map<string, number>()
    for (let index = 0; index < 400; index++) {
      const key = numbers(randomFlip()(image(1, 2, 2), { epoch: 0, index })).join()
      seen.set(key, (seen.get(key) ?? 0) + 1)
    }
    expect([...seen.keys()].sort()).toEqual(['1,2,3,4', '2,1,4,3', '3,4,1,2', '4,3,2,1'])
    for (const count of seen.values()) expect(count / 400).toBeCloseTo(0.25, 1)
  })
})

describe('randomCrop', () => {
  test('gives every place of the given size', () => {
    const corners = new Set<number>()
    for (let index = 0; index < 200; index++) {
      const t = randomCrop({ size: [2, 3] })(image(1, 4, 5), { epoch: 0, index })
      const corner = numbers(t)[0]!
      expect(t.shape).toEqual([1, 2, 3])
      expect(numbers(t)).toEqual([corner, corner + 1, corner + 2, corner + 5, corner + 6, corner + 7])
      corners.add(corner)
    }
    expect([...corners].sort((a, b) => a - b)).toEqual([1, 2, 3, 6, 7, 8, 11, 12, 13])
  })

  test('pads with a value, with the edge, or with a mirror image', () => {
    const padded = {
      constant: [9, 9, 9, 1, 2, 3, 9, 9, 9],
      edge: [1, 1, 1, 1, 2, 3, 3, 3, 3],
      reflect: [4, 3, 2, 1, 2, 3, 2, 1, 0],
    }
    for (const paddingMode of ['constant', 'edge'] as const)
      for (let index = 0; index < 30; index++) {
        const row = numbers(
          randomCrop({ size: [1, 3], padding: 3, paddingMode, value: 9 })(image(1, 1, 3), { epoch: 0, index }),
        )
        const outside = row.every(v => v === 9)
        const at = padded[paddingMode].findIndex((_, i, all) => row.every((v, k) => all[i + k] === v))
        expect(outside || at >= 0, `${row}`).toBe(true)
      }
    const mirrored = new Set<string>()
    for (let index = 0; index < 60; index++)
      mirrored.add(
        numbers(randomCrop({ padding: 2, paddingMode: 'reflect' })(image(1, 3, 3), { epoch: 0, index }))
          .slice(0, 3)
          .join(),
      )
    // Rows of 3 2 1 2 3 2 1 above and below, as with any mirror at the edge pixels.
    for (const row of mirrored) {
      const [a, b, c] = row.split(',').map(v => (Number(v) - 1) % 3)
      expect(['2,1,0', '1,0,1', '0,1,2', '1,2,1', '2,1,0']).toContain(`${a},${b},${c}`)
    }
    expect(mirrored.size).toBeGreaterThan(6)
  })

  test('refuses images that are too small', () => {
    expect(() => randomCrop({ size: 6 })(image(1, 4, 8), first)).toThrow(
      expect.objectContaining({ code: 'image-size', received: '4×8' }),
    )
    expect(() => randomCrop({ padding: 4, paddingMode: 'reflect' })(image(1, 4, 8), first)).toThrow(
      expect.objectContaining({ code: 'image-size' }),
    )
    expect(randomCrop({ size: 6, padding: 1 })(image(1, 4, 8), first).shape).toEqual([1, 6, 6])
  })
})

describe('oneOf', () => {
  test('takes each map as often as its weight says, by seed, epoch and index', async () => {
    const pick = oneOf([() => 'a', () => 'b', () => 'c'], { weights: [1, 3, 0] })
    const seen = Array.from({ length: 400 }, (_, index) => pick(null, { epoch: 0, index }))
    expect(seen.filter(x => x === 'a').length / 400).toBeCloseTo(0.25, 1)
    expect(seen).not.toContain('c')
    expect(Array.from({ length: 400 }, (_, index) => pick(null, { epoch: 0, index }))).toEqual(seen)
    expect(Array.from({ length: 400 }, (_, index) => pick(null, { epoch: 1, index }))).not.toEqual(seen)
    const data = fromTensors({ x: image(8, 1, 4, 4) }).map(oneOf([randomFlip({ p: 1 }), cutout({ size: 2 })]))
    expect((await data.toArray()).filter(({ x }) => numbers(x).includes(0)).length).toBeGreaterThan(0)
  })

  test('refuses no maps, and weights that do not fit', () => {
    const refuse = (maps: (() => number)[], weights?: number[]) =>
      expect(() => oneOf(maps, { weights })).toThrow(expect.objectContaining({ name: 'ConfigError' }))
    refuse([])
    refuse([() => 1], [1, 2])
    refuse([() => 1], [0])
    refuse([() => 1], [-1])
  })
})
