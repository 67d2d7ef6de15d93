import { describe, expect, test } from 'vitest'
import { Graph, type Tensor, tensor, type Value } from '../ir/index.js'
import * as random from '../nn/random.js'
import { compile } from '../runtime/index.js'

const N = 1 << 20

/** Draws at a step, each with its own labels. */
async function draw(
  step: number,
  labels: readonly (readonly number[])[],
  make: (key: random.RandomKey, like: Value) => Value,
  shape: readonly number[] = [1024, 1024],
): Promise<Float64Array[]> {
  const g = new Graph()
  const key = g.input('key', 'uint32', [])
  const like = g.input('like', 'float32', shape)
  const outputs = Object.fromEntries(labels.map((l, i) => [`y${i}`, make({ step: key, labels: l }, like)]))
  const program = await compile(g, { outputs })
  const results = await program.run({ key: tensor(Uint32Array.of(step), []) }, undefined, { ignoreUnknown: true })
  return labels.map((_, i) => Float64Array.from((results[`y${i}`] as Tensor).data as Float32Array))
}

const mean = (x: Float64Array): number => x.reduce((a, b) => a + b, 0) / x.length
/** Correlation of x[i] with y[i + lag], in standard errors, for numbers of known mean and deviation. */
function correlation(x: Float64Array, y: Float64Array, lag: number, mu: number, sigma: number): number {
  const n = x.length - lag
  let sum = 0
  for (let i = 0; i < n; i++) sum += (x[i]! - mu) * (y[i + lag]! - mu)
  return sum / (sigma * sigma * Math.sqrt(n))
}
const LAGS = [1, 2, 3, 4, 5, 7, 8, 16, 31, 32, 64, 127, 128, 1000, 1023, 1024, 1025, 2048, 4096, 1024 * 512]

// All seeds are fixed: these are facts of the generator, not chances. Of k standard errors the largest is near √(2 ln k).
describe('random numbers of the graph', () => {
  test('are uniform: moments, and counts over 4096 cells', async () => {
    for (const step of [0, 1, 0xdeadbeef]) {
      const [u] = await draw(step, [[0, 0, 0]], (key, like) => random.uniform(key, like))
      expect(Math.abs((mean(u!) - 0.5) * Math.sqrt(12 * N))).toBeLessThan(4)
      expect(Math.max(...u!.subarray(0, 65536))).toBeLessThan(1)
      const cells = new Float64Array(4096)
      for (const x of u!) cells[Math.floor(x * 4096)]!++
      const chi2 = cells.reduce((sum, count) => sum + (count - N / 4096) ** 2, 0) / (N / 4096)
      // 4095 ± 90.5
      expect(Math.abs(chi2 - 4095) / Math.sqrt(2 * 4095)).toBeLessThan(4)
    }
  })

  test('every bit of the integers is fair and independent of every other', async () => {
    const [all] = await draw(5, [[1]], (key, like) => random.bits(key, like))
    const ones = new Float64Array(32 * 32)
    for (let i = 0; i < N; i += 32) {
      const x = all![i]! >>> 0
      for (let a = 0; a < 32; a++) if ((x >>> a) & 1) for (let b = 0; b < 32; b++) ones[a * 32 + b]! += (x >>> b) & 1
    }
    const n = N / 32
    const worst = ones.map((count, i) => {
      const p = i % 33 === 0 ? 0.5 : 0.25
      return Math.abs(count - n * p) / Math.sqrt(n * p * (1 - p))
    })
    expect(Math.max(...worst)).toBeLessThan(5)
  })

  test('a mask keeps its share, and neighbours, rows and distant elements are independent', async () => {
    for (const keep of [0.5, 0.9, 0.05]) {
      const [m] = await draw(17, [[0, 3, 0]], (key, like) => random.mask(key, like, keep))
      const sigma = Math.sqrt(keep * (1 - keep))
      expect(Math.abs((mean(m!) - keep) * Math.sqrt(N)) / sigma).toBeLessThan(4)
      for (const lag of LAGS) expect(Math.abs(correlation(m!, m!, lag, keep, sigma)), `lag ${lag}`).toBeLessThan(4.5)
    }
  })

  test('masks of neighbouring steps, layers and calls are independent, shifted against each other too', async () => {
    const labels = [
      [0, 0, 0],
      [0, 1, 0],
      [0, 0, 1],
      [1, 0, 0],
    ]
    const all: Float64Array[] = []
    for (const step of [1000, 1001]) all.push(...(await draw(step, labels, (key, like) => random.mask(key, like, 0.5))))
    for (let a = 0; a < all.length; a++)
      for (let b = a + 1; b < all.length; b++)
        for (const lag of [0, 1, 1024])
          expect(Math.abs(correlation(all[a]!, all[b]!, lag, 0.5, 0.5)), `${a}, ${b} at ${lag}`).toBeLessThan(5)
  })

  test('no step repeats a stretch of another: steps that are near or differ in one bit have no run of bits in common', async () => {
    const runs = new Set<number>()
    let count = 0
    for (const step of [0, 1, 2, 3, 4, 1 << 8, 1 << 16, 1 << 24, 0x80000000, 0xffffffff]) {
      const [x] = await draw(step, [[0, 0, 0]], (key, like) => random.bits(key, like), [64, 64])
      for (let i = 0; i + 1 < x!.length; i++) {
        // Two neighbours in one number of 53 bits.
        runs.add(Math.floor(x![i]! / 2 ** 6) * 2 ** 27 + Math.floor(x![i + 1]! / 2 ** 5))
        count++
      }
    }
    expect(runs.size).toBe(count)
  })

  test('no two rows of a mask agree more than chance has it', async () => {
    const [m] = await draw(3, [[0, 0, 0]], (key, like) => random.mask(key, like, 0.5))
    // Rows as bit sets; agreement of each pair of the first 512.
    const rows = Array.from({ length: 512 }, (_, r) =>
      Uint32Array.from({ length: 32 }, (_, w) => {
        let bits = 0
        for (let i = 0; i < 32; i++) bits = (bits << 1) | m![r * 1024 + w * 32 + i]!
        return bits >>> 0
      }),
    )
    let [squares, largest, pairs] = [0, 0, 0]
    for (let a = 0; a < 512; a++)
      for (let b = a + 1; b < 512; b++) {
        let same = 1024
        for (let w = 0; w < 32; w++) same -= ones32(rows[a]![w]! ^ rows[b]![w]!)
        const z = (same - 512) / 16
        squares += z * z
        largest = Math.max(largest, Math.abs(z))
        pairs++
      }
    expect(Math.abs(squares / pairs - 1) * Math.sqrt(pairs / 2)).toBeLessThan(4)
    expect(largest).toBeLessThan(5.5)
  })

  test('normal numbers have mean 0, deviation 1, thin and full tails, and no correlation', async () => {
    const [x, y] = await draw(
      9,
      [
        [0, 0, 0],
        [0, 1, 0],
      ],
      (key, like) => random.normal(key, like),
    )
    const power = (k: number): number => x!.reduce((sum, v) => sum + v ** k, 0) / N
    expect(Math.abs(power(1)) * Math.sqrt(N)).toBeLessThan(4)
    expect(Math.abs(power(2) - 1) * Math.sqrt(N / 2)).toBeLessThan(4)
    expect(Math.abs(power(3)) * Math.sqrt(N / 15)).toBeLessThan(4)
    expect(Math.abs(power(4) - 3) * Math.sqrt(N / 96)).toBeLessThan(4)
    // P(|x| > 4) = 6.33e-5
    const tail = x!.filter(v => Math.abs(v) > 4).length
    expect(Math.abs(tail - N * 6.334e-5) / Math.sqrt(N * 6.334e-5)).toBeLessThan(4)
    expect(Math.max(...x!.map(Math.abs).subarray(0, 100000))).toBeLessThan(6.8)
    expect(Math.abs(correlation(x!, y!, 0, 0, 1))).toBeLessThan(4.5)
    for (const lag of LAGS) expect(Math.abs(correlation(x!, x!, lag, 0, 1)), `lag ${lag}`).toBeLessThan(4.5)
  })

  test('come in any shape, along some axes only, and for extents that only the runtime knows', async () => {
    for (const shape of [[], [1], [7], [3, 1], [1, 13], [4099], [2, 3, 5, 7]]) {
      const size = shape.reduce((a, b) => a * b, 1)
      const [n] = await draw(1, [[2]], (key, like) => random.normal(key, like), shape)
      expect(n!.length).toBe(size)
      expect(n!.every(Number.isFinite)).toBe(true)
      expect(new Set(n).size).toBe(size)
    }
    const g = new Graph()
    const x = g.input('x', 'float32', ['batch', 3, 'steps'])
    const key = { step: g.input('key', 'uint32', []), labels: [1] }
    const outputs = {
      all: random.uniform(key, x),
      some: random.uniform(key, x, { axes: [0, -1] }),
      one: random.mask(key, x, 0.5, { axes: [] }),
      normal: random.normal(key, x, { axes: [1] }),
    }
    expect(outputs.some.shape).toEqual(['batch', 1, 'steps'])
    const out = await (await compile(g, { outputs })).run({
      x: tensor(new Float32Array(500 * 3 * 40), [500, 3, 40]),
      key: tensor(Uint32Array.of(4), []),
    })
    expect(Object.values(out).map(t => [...t.shape])).toEqual([
      [500, 3, 40],
      [500, 1, 40],
      [1, 1, 1],
      [1, 3, 1],
    ])
    const all = Float64Array.from(out.all!.data as Float32Array)
    expect(Math.abs((mean(all) - 0.5) * Math.sqrt(12 * all.length))).toBeLessThan(4)
    for (const lag of [1, 2, 3, 40, 120])
      expect(Math.abs(correlation(all, all, lag, 0.5, Math.sqrt(1 / 12)))).toBeLessThan(4)
    expect(() => random.uniform(key, x, { axes: [3] })).toThrow(expect.objectContaining({ name: 'ShapeError' }))
  })
})

const ones32 = (x: number): number => {
  let n = 0
  for (let rest = x >>> 0; rest !== 0; rest &= rest - 1) n++
  return n
}
