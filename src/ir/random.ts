/**
 * A counter-based generator: every number is a pure function of the seed, the keys and a counter, so any part of a
 * stream can be drawn again without drawing what came before. Philox 4x32-10 (Salmon et al., "Parallel random numbers:
 * as easy as 1, 2, 3", 2011).
 */

/** The high and low 32 bits of a product of two unsigned 32-bit integers. */
function mulHigh(a: number, b: number): number {
  const [a0, a1, b0, b1] = [a & 0xffff, a >>> 16, b & 0xffff, b >>> 16]
  const low = a0 * b0
  const middle = a1 * b0 + (low >>> 16)
  const cross = a0 * b1 + (middle % 0x10000)
  return (a1 * b1 + Math.floor(middle / 0x10000) + Math.floor(cross / 0x10000)) >>> 0
}

/** One block of Philox 4x32-10: four unsigned 32-bit integers from a counter of four and a key of two. */
export function philox(counter: readonly [number, number, number, number], key: readonly [number, number]): [number, number, number, number] {
  let [c0, c1, c2, c3] = counter
  let [k0, k1] = key
  for (let round = 0; round < 10; round++) {
    const high0 = mulHigh(0xd2511f53, c0)
    const low0 = Math.imul(0xd2511f53, c0) >>> 0
    const high1 = mulHigh(0xcd9e8d57, c2)
    const low1 = Math.imul(0xcd9e8d57, c2) >>> 0
    ;[c0, c1, c2, c3] = [(high1 ^ c1 ^ k0) >>> 0, low1, (high0 ^ c3 ^ k1) >>> 0, low0]
    k0 = (k0 + 0x9e3779b9) >>> 0
    k1 = (k1 + 0xbb67ae85) >>> 0
  }
  return [c0, c1, c2, c3]
}

export interface CounterRandom {
  /** The `i`-th unsigned 32-bit integer of the stream. */
  bits(i: number): number
  /** The `i`-th number of the stream, uniform in [0, 1). */
  uniform(i: number): number
  /** The `i`-th number of the stream, standard normal (Box–Muller). */
  normal(i: number): number
  /** A permutation of 0 … n−1. */
  permutation(n: number): Uint32Array
}

/** The stream that belongs to a seed and up to two keys (say, an epoch and a layer's index). */
export function counterRandom(seed: number, key = 0, subkey = 0): CounterRandom {
  const k: [number, number] = [seed >>> 0, Math.floor(seed / 2 ** 32) >>> 0]
  let cached = -1
  let block: [number, number, number, number] = [0, 0, 0, 0]
  const bits = (i: number): number => {
    const at = Math.floor(i / 4)
    if (at !== cached) {
      block = philox([at >>> 0, Math.floor(at / 2 ** 32) >>> 0, key >>> 0, subkey >>> 0], k)
      cached = at
    }
    return block[i & 3]!
  }
  const uniform = (i: number) => bits(i) / 2 ** 32
  return {
    bits,
    uniform,
    normal: i => {
      const radius = Math.sqrt(-2 * Math.log((bits(2 * i) + 1) / 2 ** 32))
      return radius * Math.cos(2 * Math.PI * uniform(2 * i + 1))
    },
    permutation: n => {
      const order = Uint32Array.from({ length: n }, (_, i) => i)
      for (let i = n - 1; i > 0; i--) {
        const j = Math.floor(uniform(i) * (i + 1))
        const swap = order[i]!
        order[i] = order[j]!
        order[j] = swap
      }
      return order
    },
  }
}
