import { ConfigError } from './errors.js'

/** Four unsigned 32-bit integers. */
export type Words = [number, number, number, number]

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

/**
 * One block of Philox 4x32-10: four unsigned 32-bit integers from a counter of four and a key of two.
 * Written to `out` (a new array unless given), so that a long stream makes no garbage.
 * Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
 */
export function philox(counter: Readonly<Words>, key: readonly [number, number], out: Words = [0, 0, 0, 0]): Words {
  let c0 = counter[0] | 0
  let c1 = counter[1] | 0
  let c2 = counter[2] | 0
  let c3 = counter[3] | 0
  let k0 = key[0] | 0
  let k1 = key[1] | 0
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
  out[0] = c0 >>> 0
  out[1] = c1 >>> 0
  out[2] = c2 >>> 0
  out[3] = c3 >>> 0
  return out
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

const low32 = (x: number): number => x >>> 0
const high32 = (x: number): number => Math.floor(x / 2 ** 32) >>> 0

function checked(value: number, what: string): number {
  if (!Number.isSafeInteger(value))
    throw new ConfigError({ code: 'random-seed', where: what, expected: 'an integer below 2^53', received: value })
  return value
}

/** Folds the keys, in order, into the 64 bits that tell one stream of a seed from another. */
function streamOf(keys: readonly (number | string)[]): readonly [number, number] {
  const id: Words = [0, 0, 0, 0]
  const fold = (low: number, high: number, kind: number): Words => philox([low, high, id[0], id[1]], [kind, 0], id)
  for (const key of keys) {
    if (typeof key === 'string') {
      for (let i = 0; i < key.length; i++) fold(key.charCodeAt(i), i, 1)
      fold(key.length, 0, 2)
    } else fold(low32(checked(key, 'key')), high32(key), 3)
  }
  return [id[0], id[1]]
}

/**
 * The stream that belongs to a seed and any number of keys, each an integer or a name:
 * `counterRandom(seed, 'dropout', layer, step)`. Other keys, or the same in another order, give an unrelated stream.
 * Without keys, `bits` is plain Philox 4x32-10 with the seed as key and the block number as counter.
 *
 * @throws ConfigError when the seed or a numeric key is not an integer below 2⁵³ in size.
 */
export function counterRandom(seed: number, ...keys: readonly (number | string)[]): CounterRandom {
  const key = [low32(checked(seed, 'seed')), high32(seed)] as const
  const [stream0, stream1] = streamOf(keys)
  const block: Words = [0, 0, 0, 0]
  let cached = -1
  let cachedLane = 0
  const word = (lane: number, i: number): number => {
    const at = Math.floor(i / 4)
    if (at !== cached || lane !== cachedLane) {
      philox([low32(at), (high32(at) | (lane << 24)) >>> 0, stream0, stream1], key, block)
      cached = at
      cachedLane = lane
    }
    return block[i & 3]!
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
