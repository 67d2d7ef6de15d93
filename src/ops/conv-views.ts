import { isStatic, type Value } from '../ir/index.js'
import { dimsVector, extentOf, reshapeLike } from './dims.js'
import { add, sub } from './math.js'
import { pad, slice } from './slice.js'
import { offsets, spatialOf, type Window } from './window.js'

/** Windows as shifted views of the whole input, and the way back to its extents. */

export const axesFrom = (start: number, x: Value): number[] => x.shape.map((_, i) => i).slice(start)
/** The extents of `x` along `at`, numbers where they are known. */
export const dimsOf = (x: Value, at: readonly number[]): (number | Value)[] =>
  at.map(i => (typeof x.shape[i] === 'number' ? (x.shape[i] as number) : extentOf(x, i)))
export const product = (list: readonly number[]): number => list.reduce((a, b) => a * b, 1)

/** Shifted, strided views of the padded input, one for each kernel offset; `axis` is where its spatial axes begin. */
export function views(padded: Value, axis: number, out: readonly number[], w: Window): Value[] {
  const axes = w.kernel.map((_, i) => axis + i)
  return offsets(w.kernel).map(offset => {
    const starts = offset.map((o, i) => o * w.dilations[i]!)
    const ends = starts.map((s, i) => s + (out[i]! - 1) * w.strides[i]! + 1)
    const whole = starts.every((s, i) => s === 0 && ends[i] === padded.shape[axes[i]!] && w.strides[i] === 1)
    return whole ? padded : slice(padded, starts, ends, axes, w.strides)
  })
}

export const padSpatial = (x: Value, w: Window): Value =>
  [...w.before, ...w.after].every(p => p === 0) ? x : pad(x, [0, 0, ...w.before, 0, 0, ...w.after])

/** The part of `x` that begins at `before` on the spatial axes, cut or filled with zeros to the spatial extents of `like`. */
export function fitSpatial(x: Value, like: Value, before: readonly number[] = like.shape.slice(2).map(() => 0)): Value {
  const [have, wanted] = [spatialOf(x), spatialOf(like)]
  const begins = [0, 0, ...before.map(b => -b)]
  if (have !== undefined && wanted !== undefined) {
    const ends = wanted.map((extent, i) => extent + before[i]! - have[i]!)
    return [...before, ...ends].every(p => p === 0) ? x : pad(x, [...begins, 0, 0, ...ends])
  }
  const ends = before.map((b, i) => sub(add(extentOf(like, i + 2), [b]), extentOf(x, i + 2)))
  const fitted = pad(x, dimsVector(x.graph, [...begins, 0, 0, ...ends]))
  // The names of the extents are those of `like`: what was computed from lengths carries the computation as its name.
  return isStatic(fitted.shape) ? fitted : reshapeLike(fitted, like)
}
