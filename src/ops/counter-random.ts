import { type Dim, type Graph, isStatic, normalizeAxis, scalar, sizeOf, tensor, type Value } from '../ir/index.js'
import { dimsVector, extentOf, shapeOf } from './dims.js'
import * as ops from './index.js'

/**
 * Randomness inside the graph, as a pure function of a key and a position: ONNX's own random operators cannot be
 * rewound. For layers of your own: `random.mask(ctx.randomKey(), x, 0.9)`, by the names of nn/random.ts.
 *
 * An element at row r and column c of a grid of n elements is hashed in two rounds. The first, lowbias32 (C. Wellons,
 * "Prospecting for hash functions", 2018) of label and key, runs over the rows and over the columns only, some 2√n
 * numbers; the second takes the product of the row's and the column's number, one shift and one multiplication per
 * element. A key enters in front of the first round, so that no two keys give shifted copies of one stream.
 */

/** What is new at each step, a uint32 scalar of the graph, and labels of who draws. */
interface LabelledKey {
  readonly step: Value
  readonly labels: readonly number[]
}
/** Which numbers are drawn: a uint32 scalar that is new at each step, or what `mixKey` makes of one. */
export type RandomKey = Value | LabelledKey
const labelled = (key: RandomKey): LabelledKey => ('labels' in key ? key : { step: key, labels: [] })

/** The key of another purpose (of a layer, say, by its position): other labels, unrelated numbers. Costs no node. */
export function mixKey(key: RandomKey, ...labels: readonly number[]): RandomKey {
  const { step, labels: before } = labelled(key)
  return { step, labels: [...before, ...labels] }
}

/** Which elements of the shape of `like` are drawn. */
export interface DrawOptions {
  /** Axes along which the numbers differ; along all others one is drawn, for broadcasting. Default: all axes. */
  readonly axes?: readonly number[]
}

const [ODD_1, ODD_2] = [0x7feb352d, 0x846ca68b]
const uint32 = (g: Graph, value: number): Value => g.constant(tensor(Uint32Array.of(value), []))
const foldShift = (x: Value, shift: number): Value =>
  ops.bitwiseXor(x, ops.bitShift(x, uint32(x.graph, shift), { direction: 'RIGHT' }))
const times = (x: Value, odd: number): Value => ops.mul(x, uint32(x.graph, odd))

const lowbias32 = (x: Value): Value => foldShift(times(foldShift(times(foldShift(x, 16), ODD_1), 15), ODD_2), 16)

/** The same hash outside the graph. */
function hash32(x: number): number {
  const a = Math.imul(x ^ (x >>> 16), ODD_1)
  const b = Math.imul(a ^ (a >>> 15), ODD_2)
  return (b ^ (b >>> 16)) >>> 0
}
/** Every label changes the whole; whole numbers beyond 32 bits count with both halves. */
const foldLabels = (labels: readonly number[]): number =>
  labels.reduce((h, label) => hash32(hash32(h + 0x9e3779b9 + label) ^ Math.floor(label / 2 ** 32)), labels.length)

/** Rows and columns whose product is n, both near √n; where n has no such divisors, a little more than n. */
function grid(n: number): readonly [rows: number, columns: number] {
  const root = Math.floor(Math.sqrt(n))
  for (let rows = root; rows > root / 8; rows--) if (n % rows === 0) return [rows, n / rows]
  const columns = Math.ceil(Math.sqrt(n))
  return [Math.ceil(n / columns), columns]
}

/** A vector of n numbers whose high bits are mixed best; n is known. */
function mixedVector(key: RandomKey, n: number): Value {
  const { step, labels } = labelled(key)
  const { graph } = step
  const [rows, columns] = grid(n)
  const label = foldLabels(labels)
  const start = Uint32Array.from({ length: rows + columns }, (_, i) => hash32(label ^ hash32(i + 1)))
  const first = roundOne(graph.constant(tensor(start, [rows + columns])), step)
  const all = ops.reshape(
    roundTwo(
      ops.reshape(ops.slice(first, [0], [rows]), [rows, 1]),
      ops.reshape(ops.slice(first, [rows], [rows + columns]), [1, columns]),
    ),
    [-1],
  )
  return rows * columns === n ? all : ops.slice(all, [0], [n])
}

/** The same for a number of elements that only the runtime knows: one row, numbers other than the grid's. */
function mixedUnknown(key: RandomKey, count: Value): Value {
  const { step, labels } = labelled(key)
  const { graph } = step
  const label = foldLabels(labels)
  const index = ops.cast(ops.range(0, count, 1), { to: 'uint32' })
  const column = roundOne(ops.add(times(index, 0x9e3779b1), uint32(graph, hash32(label + 1))), step)
  return roundTwo(roundOne(uint32(graph, hash32(label)), step), column)
}

// Odd factors lose no bits.
const roundOne = (start: Value, step: Value): Value =>
  ops.bitwiseOr(lowbias32(ops.bitwiseXor(start, step)), uint32(step.graph, 1))
const roundTwo = (row: Value, column: Value): Value => times(foldShift(ops.mul(row, column), 15), ODD_2)

/** The extents of what is drawn: 1 on the axes left out. */
function drawnDims(like: Value, axes: readonly number[] | undefined): readonly Dim[] {
  const chosen = axes?.map(axis => normalizeAxis(axis, like.shape.length, 'random'))
  return like.shape.map((dim, axis) => (chosen === undefined || chosen.includes(axis) ? dim : 1))
}

function mixed(key: RandomKey, like: Value, axes: readonly number[] | undefined): Value {
  const dims = drawnDims(like, axes)
  if (isStatic(dims)) return ops.reshape(mixedVector(key, sizeOf(dims)), dims as readonly number[])
  const shape =
    axes === undefined
      ? shapeOf(like)
      : dimsVector(
          like.graph,
          dims.map((dim, axis) => (typeof dim === 'number' ? dim : extentOf(like, axis))),
        )
  return ops.reshape(mixedUnknown(key, ops.reduceProd(shape, { keepdims: 0 })), shape)
}

/** Independent uniform integers in [0, 2³²), uint32, in the shape of `like`. */
export const randomBits = (key: RandomKey, like: Value, { axes }: DrawOptions = {}): Value =>
  foldShift(mixed(key, like, axes), 16)

// 24 bits, which float32 holds exactly: 32 would round up to 1.
const unitInterval = (x: Value): Value =>
  ops.mul(
    ops.cast(ops.bitShift(x, uint32(x.graph, 8), { direction: 'RIGHT' }), { to: 'float32' }),
    scalar(x.graph, 'float32', 2 ** -24),
  )

/** Uniform numbers in [0, 1), multiples of 2⁻²⁴, in the shape of `like`. */
export const randomUniform = (key: RandomKey, like: Value, { axes }: DrawOptions = {}): Value =>
  unitInterval(mixed(key, like, axes))

/** Standard normal numbers in the shape of `like`, at most 6.8 in size (Box & Muller 1958). */
export function randomNormal(key: RandomKey, like: Value, { axes }: DrawOptions = {}): Value {
  const { graph } = like
  // Small numbers keep all their 32 bits here: they make the tail. 2⁻³³ keeps the logarithm finite.
  const radius = (x: Value): Value => {
    const u = ops.mul(ops.cast(foldShift(x, 16), { to: 'float32' }), scalar(graph, 'float32', 2 ** -32))
    return ops.sqrt(ops.mul(ops.log(ops.add(u, scalar(graph, 'float32', 2 ** -33))), -2))
  }
  const angle = (x: Value): Value => ops.mul(unitInterval(x), 2 * Math.PI)
  const dims = drawnDims(like, axes)
  if (!isStatic(dims))
    return ops.mul(radius(mixed(mixKey(key, 1), like, axes)), ops.cos(angle(mixed(mixKey(key, 2), like, axes))))
  // Each pair of uniform numbers makes two normal ones.
  const n = sizeOf(dims)
  const half = Math.ceil(n / 2)
  const [r, a] = [radius(mixedVector(mixKey(key, 1), half)), angle(mixedVector(mixKey(key, 2), half))]
  const pairs = ops.concat([ops.mul(r, ops.cos(a)), ops.mul(r, ops.sin(a))], { axis: 0 })
  return ops.reshape(n % 2 === 0 ? pairs : ops.slice(pairs, [0], [n]), dims as readonly number[])
}

/** `kept` (default 1) with probability `keep`, else 0, as float32 in the shape of `like`. */
export function randomMask(
  key: RandomKey,
  like: Value,
  keep: number,
  { axes, kept = 1 }: DrawOptions & { kept?: number } = {},
): Value {
  const { graph } = like
  const threshold = Math.min(0xffffffff, Math.floor(keep * 2 ** 32))
  const chosen = ops.less(mixed(key, like, axes), graph.tunable('uint32', threshold))
  const one = kept === 1 ? scalar(graph, 'float32', 1) : graph.tunable('float32', kept)
  return ops.where(chosen, one, scalar(graph, 'float32', 0))
}
