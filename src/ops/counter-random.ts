import { type Graph, isStatic, scalar, sizeOf, tensor, type Value } from '../ir/index.js'
import { shapeOf } from './dims.js'
import * as ops from './index.js'

/**
 * Randomness inside the graph, as a pure function of a key and a position: ONNX's own random operators cannot be
 * rewound. The hash is lowbias32 (C. Wellons, "Prospecting for hash functions", 2018) on unsigned 32-bit integers.
 */

const uint32 = (g: Graph, value: number): Value => g.constant(tensor(Uint32Array.of(value), []))

function lowbias32(x: Value): Value {
  const { graph } = x
  const mix = (v: Value, shift: number): Value =>
    ops.bitwiseXor(v, ops.bitShift(v, uint32(graph, shift), { direction: 'RIGHT' }))
  const a = ops.mul(mix(x, 16), uint32(graph, 0x7feb352d))
  const b = ops.mul(mix(a, 15), uint32(graph, 0x846ca68b))
  return mix(b, 16)
}

/** The key of the `position`-th layer from the key of the step. */
export const mixKey = (key: Value, position: number): Value =>
  lowbias32(ops.bitwiseXor(key, uint32(key.graph, Math.imul(position + 1, 0x9e3779b9) >>> 0)))

/** Independent uniform 32-bit integers in the shape of `like` (or the shape given). */
export function randomBits(key: Value, like: Value): Value {
  const { graph } = key
  if (isStatic(like.shape)) {
    // Index = row · columns + column, from two short constants: one long one would be as large as the result.
    const columns = Number(like.shape.at(-1) ?? 1)
    const rows = sizeOf(like.shape) / Math.max(1, columns)
    const column = graph.constant(
      tensor(
        Uint32Array.from({ length: columns }, (_, i) => i),
        [1, columns],
      ),
    )
    const row = graph.constant(
      tensor(
        Uint32Array.from({ length: rows }, (_, i) => (i * columns) >>> 0),
        [rows, 1],
      ),
    )
    const index = ops.add(row, ops.add(column, key))
    return ops.reshape(lowbias32(index), like.shape as readonly number[])
  }
  const count = ops.size(like)
  const index = ops.cast(ops.range(0, count, 1), { to: 'uint32' })
  return ops.reshape(lowbias32(ops.add(index, key)), shapeOf(like))
}

/** Uniform numbers in [0, 1) in the shape of `like`. */
export const randomUniform = (key: Value, like: Value): Value =>
  ops.mul(ops.cast(randomBits(key, like), { to: 'float32' }), scalar(key.graph, 'float32', 2 ** -32))

/** Standard normal numbers in the shape of `like` (Box–Muller). */
export function randomNormal(key: Value, like: Value): Value {
  const u = ops.add(randomUniform(key, like), scalar(key.graph, 'float32', 2 ** -33))
  const v = randomUniform(lowbias32(key), like)
  return ops.mul(ops.sqrt(ops.mul(ops.log(u), -2)), ops.cos(ops.mul(v, 2 * Math.PI)))
}

/** 1 with probability `keep`, else 0, as float32 in the shape of `like`. */
export function randomMask(key: Value, like: Value, keep: number): Value {
  const threshold = Math.min(0xffffffff, Math.floor(keep * 2 ** 32))
  return ops.cast(ops.less(randomBits(key, like), uint32(key.graph, threshold)), { to: 'float32' })
}
