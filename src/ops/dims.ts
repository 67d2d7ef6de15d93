import { type Dim, type DType, type Graph, isStatic, type Shape, sizeOf, tensor, type Value } from '../ir/index.js'
import { cast } from './cast.js'
import { gather } from './gather.js'
import { concat } from './join.js'
import { mul } from './math.js'
import { constantOfShape, expand, reshape, shape } from './shape.js'
import { slice } from './slice.js'

/**
 * Extents as values, for gradient rules that must work for symbolic shapes too.
 * Whatever is static becomes a constant, so nothing of it is left in a compiled program.
 */

const int64 = (g: Graph, data: readonly number[], dims: readonly number[] = [data.length]): Value =>
  g.constant(tensor(BigInt64Array.from(data, BigInt), dims))

/** The shape of `x` as an int64 vector: constant where it is static. */
export const shapeOf = (x: Value): Value => (isStatic(x.shape) ? int64(x.graph, x.shape) : shape(x))

/** One extent of `x` as an int64 vector of one element. */
export const extentOf = (x: Value, axis: number): Value => {
  const dim = x.shape[axis < 0 ? axis + x.shape.length : axis]!
  return typeof dim === 'number'
    ? int64(x.graph, [dim])
    : gather(shape(x), int64(x.graph, [axis < 0 ? axis + x.shape.length : axis]))
}

/** The extents of `x` along `axes`, as an int64 vector. */
export const extentsOf = (x: Value, axes: readonly number[]): Value => {
  const dims = axes.map(axis => x.shape[axis]!)
  return isStatic(dims) ? int64(x.graph, dims) : gather(shape(x), int64(x.graph, axes))
}

/** An int64 vector from numbers and one-element int64 vectors. */
export const dimsVector = (g: Graph, dims: readonly (number | Value)[]): Value => {
  if (dims.every(dim => typeof dim === 'number')) return int64(g, dims)
  return concat(
    dims.map(dim => (typeof dim === 'number' ? int64(g, [dim]) : dim)),
    { axis: 0 },
  )
}

/** The number of elements of `x` along `axes` (all when left out) as a scalar of `dtype`. */
export const countOf = (
  x: Value,
  axes: readonly number[] = x.shape.map((_, i) => i),
  dtype: DType = x.dtype,
): Value => {
  const dims = axes.map(axis => x.shape[axis]!)
  if (isStatic(dims)) return x.graph.constant(tensor(sizeOf(dims), [], dtype))
  let total = reshape(extentOf(x, axes[0]!), [])
  for (const axis of axes.slice(1)) total = mul(total, reshape(extentOf(x, axis), []))
  return cast(total, { to: dtype })
}

/** `x` reshaped to the shape of `like`. */
export const reshapeLike = (x: Value, like: Value): Value => reshapeTo(x, like.shape, () => shapeOf(like))

/** `x` reshaped to `dims`; at most one symbolic extent is left to the runtime, for more `dynamic` supplies the shape. */
export const reshapeTo = (x: Value, dims: Shape, dynamic: () => Value): Value => {
  const unknown = dims.filter((dim: Dim) => typeof dim !== 'number').length
  // A 0 is meant as it stands, not as "copy the input's extent".
  if (unknown === 0)
    return reshape(x, int64(x.graph, dims as readonly number[]), dims.includes(0) ? { allowzero: 1 } : {})
  if (unknown === 1 && !dims.includes(0))
    return reshape(
      x,
      int64(
        x.graph,
        dims.map(dim => (typeof dim === 'number' ? dim : -1)),
      ),
    )
  return reshape(x, dynamic(), { allowzero: 1 })
}

/** `x` expanded (broadcast) to the shape of `like`. */
export const expandLike = (x: Value, like: Value): Value => expand(x, shapeOf(like))

/** A tensor of the shape and dtype of `like`, filled with `value`. */
export const fullLike = (like: Value, value: number): Value =>
  constantOfShape(shapeOf(like), { value: tensor([value], [1], like.dtype) })
export const zerosLike = (like: Value): Value => fullLike(like, 0)
export const onesLike = (like: Value): Value => fullLike(like, 1)

/** `x` from `start` to `end` along `axis`. */
export const sliceAxis = (x: Value, axis: number, start: number | Value, end: number | Value, step = 1): Value =>
  slice(x, typeof start === 'number' ? [start] : start, typeof end === 'number' ? [end] : end, [axis], [step])
