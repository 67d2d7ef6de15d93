import { ConfigError } from './errors.js'

/** The high 32 bits of a product of two unsigned 32-bit integers (as a signed one), from 16-bit halves. */
function mulHigh(a: number, b: number): number {
  const a0 = a & 0xffff
  const a1 = a >>> 16
  const b0 = b & 0xffff
  const b1 = b >>> 16
  const middle = Math.imul(a1, b0) + (Math.imul(a0, b0) >>> 16)
  const cross = Math.imul(a0, b1) + (middle & 0xffff)
  return (Math.imul(a1, b1) + (middle >>> 16) + (cross >>> 16)) | 0
}

/** One block of Philox 4x32-10 into `out`; separate numbers, since arrays would cost more than the arithmetic. */
function block(c0: number, c1: number, c2: number, c3: number, k0: number, k1: number, out: Uint32Array): void {
  for (let round = 0; round < 10; round++) {
    const high0 = mulHigh(0xd2511f53, c0)
    const low0 = Math.imul(0xd2511f53, c0)
    const high1 = mulHigh(0xcd9e8d57, c2)
    c0 = high1 ^ c1 ^ k0
    c1 = Math.imul(0xcd9e8d57, c2)
    c2 = high0 ^ c3 ^ k1
    c3 = low0
    k0 = (k0 + 0x9e3779b9) | 0
    k1 = (k1 + 0xbb67ae85) | 0
  }
  out[0] = c0
  out[1] = c1
  out[2] = c2
  out[3] = c3
}

/**
 * Philox 4x32-10: four unsigned 32-bit integers from a counter of four and a key of two.
 * Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
 */
export function philox(counter: readonly [number, number, number, number], key: readonly [number, number]): number[] {
  const out = new Uint32Array(4)
  block(counter[0] | 0, counter[1] | 0, counter[2] | 0, counter[3] | 0, key[0] | 0, key[1] | 0, out)
  return [...out]
}

/**
 * Random numbers by counter: every one is a pure function of seed, keys and index, so that any part of the stream can
 * be drawn again without drawing what came before. Integers, normals and permutations come from separate lanes of the
 * stream: they do not repeat each other's numbers. `uniform` and `below` are other views of `bits`.
 */
export interface CounterRandom {
  /** The `i`-th unsigned 32-bit integer. */
  bits(i: number): number
  /** The `i`-th number of [0, 1), a multiple of 2⁻²⁴: float32 holds it exactly and never rounds it up to 1. */
  uniform(i: number): number
  /** The `i`-th integer of 0 … bound−1 (bound at most 2³²; the bias is below bound/2³²). */
  below(i: number, bound: number): number
  /** The `i`-th standard normal number (Box–Muller), at most 6.8 in size. */
  normal(i: number): number
  /** A permutation of 0 … n−1 (Fisher–Yates), n below 2³². */
  permutation(n: number): Uint32Array
}

const low32 = (x: number): number => x | 0
const high32 = (x: number): number => Math.floor(x / 2 ** 32) | 0

function checked(value: number, what: string): number {
  if (!Number.isSafeInteger(value))
    throw new ConfigError({ code: 'random-seed', where: what, expected: 'an integer below 2^53', received: value })
  return value
}

/** Folds the keys, in order, into the 64 bits that tell one stream of a seed from another. */
function streamOf(keys: readonly (number | string)[]): readonly [number, number] {
  const id = new Uint32Array(4)
  const fold = (low: number, high: number, kind: number): void => block(low, high, id[0]! | 0, id[1]! | 0, kind, 0, id)
  for (const key of keys) {
    if (typeof key === 'string') {
      for (let i = 0; i < key.length; i++) fold(key.charCodeAt(i), i, 1)
      fold(key.length, 0, 2)
    } else fold(low32(checked(key, 'key')), high32(key), 3)
  }
  return [id[0]! | 0, id[1]! | 0]
}

/**
 * The stream that belongs to a seed and any number of keys, each an integer or a name:
 * `counterRandom(seed, 'dropout', layer, step)`. Other keys, or the same in another order, give an unrelated stream.
 * Without keys, `bits` is plain Philox 4x32-10 with the seed as key and the block number as counter.
 *
 * @throws ConfigError when the seed or a numeric key is not an integer below 2⁵³ in size.
 */
export function counterRandom(seed: number, ...keys: readonly (number | string)[]): CounterRandom {
  const [key0, key1] = [low32(checked(seed, 'seed')), high32(seed)]
  const [stream0, stream1] = streamOf(keys)
  const words = new Uint32Array(4)
  let cached = -1
  let cachedLane = 0
  const word = (lane: number, i: number): number => {
    const at = i < 2 ** 31 ? i >>> 2 : Math.floor(i / 4)
    if (at !== cached || lane !== cachedLane) {
      block(low32(at), high32(at) | (lane << 24), stream0, stream1, key0, key1, words)
      cached = at
      cachedLane = lane
    }
    return words[i & 3]!
  }
  const bits = (i: number): number => word(0, i)
  return {
    bits,
    uniform: i => (bits(i) >>> 8) / 2 ** 24,
    below: (i, bound) => Math.floor((bits(i) * bound) / 2 ** 32),
    normal: i => {
      const even = i - (i % 2)
      const radius = Math.sqrt(-2 * Math.log((word(1, even) + 0.5) / 2 ** 32))
      const angle = 2 * Math.PI * (word(1, even + 1) / 2 ** 32)
      return radius * (i === even ? Math.cos(angle) : Math.sin(angle))
    },
    permutation: n => {
      const order = new Uint32Array(n)
      for (let i = 0; i < n; i++) {
        // "Inside-out": fills and shuffles in one pass.
        const j = Math.floor((word(2, i) * (i + 1)) / 2 ** 32)
        order[i] = order[j]!
        order[j] = i
      }
      return order
    },
  }
}
