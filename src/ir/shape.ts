import { ShapeError } from './errors.js'

/**
 * One extent of a tensor: a number, or a name for what is only known when the program runs (`'batch'`).
 * Arithmetic on names gives derived names (`'(batch*49)'`): equal expressions are equal strings.
 */
export type Dim = number | string
export type Shape = readonly Dim[]

export const isStatic = (shape: Shape): shape is readonly number[] => shape.every(dim => typeof dim === 'number')

/** Number of elements; the shape must be static. */
export function sizeOf(shape: Shape): number {
  let size = 1
  for (const dim of shape) {
    if (typeof dim !== 'number')
      throw new ShapeError({ code: 'symbolic-size', expected: 'a static shape', received: shape })
    size *= dim
  }
  return size
}

export const addDim = (a: Dim, b: Dim): Dim => {
  if (typeof a === 'number' && typeof b === 'number') return a + b
  if (a === 0) return b
  if (b === 0) return a
  return `(${a}+${b})`
}
export const subDim = (a: Dim, b: Dim): Dim => {
  if (typeof a === 'number' && typeof b === 'number') return a - b
  if (b === 0) return a
  return a === b ? 0 : `(${a}-${b})`
}
export const mulDim = (a: Dim, b: Dim): Dim => {
  if (typeof a === 'number' && typeof b === 'number') return a * b
  if (a === 0 || b === 0) return 0
  if (a === 1) return b
  if (b === 1) return a
  return typeof a === 'number' ? `(${b}*${a})` : `(${a}*${b})`
}
/** Integer division rounding toward zero, as ONNX's Div on integers. */
export const divDim = (a: Dim, b: Dim): Dim => {
  if (typeof a === 'number' && typeof b === 'number') return b === 0 ? 0 : Math.trunc(a / b)
  if (b === 1) return a
  return a === b ? 1 : `(${a}/${b})`
}
export const productDim = (dims: Shape): Dim => dims.reduce(mulDim, 1)

/** An axis from −rank … rank−1 as 0 … rank−1. */
export function normalizeAxis(axis: number, rank: number, where?: string): number {
  if (!Number.isInteger(axis) || axis < -rank || axis >= rank)
    throw new ShapeError({
      code: 'axis-out-of-range',
      ...(where === undefined ? {} : { where }),
      expected: `an axis from ${-rank} to ${rank - 1}`,
      received: axis,
    })
  return axis < 0 ? axis + rank : axis
}

/** The shape of an elementwise result (numpy and ONNX multidirectional broadcasting). */
export function broadcastShapes(shapes: readonly Shape[], where?: string): Shape {
  const rank = Math.max(0, ...shapes.map(shape => shape.length))
  const out: Dim[] = []
  for (let i = 0; i < rank; i++) {
    let dim: Dim = 1
    for (const shape of shapes) {
      const d = shape[i - rank + shape.length] ?? 1
      if (d === 1 || d === dim) continue
      // A number other than 1 beats a name: at run time the name must be that number or 1.
      if (dim === 1) dim = d
      else if (typeof dim === 'string' && typeof d === 'string') dim = maxName(dim, d)
      else if (typeof dim === 'string') dim = d
      else if (typeof d === 'number')
        throw new ShapeError({
          code: 'broadcast',
          ...(where === undefined ? {} : { where }),
          expected: 'shapes that broadcast: equal extents, or 1, counted from the last axis',
          received: shapes.map(s => `[${s.join(', ')}]`).join(' and '),
        })
    }
    out.push(dim)
  }
  return out
}

/** The larger of two names, one of which must be 1 at run time where they differ: each name once, in order. */
function maxName(a: string, b: string): string {
  const names = [...new Set([...namesIn(a), ...namesIn(b)])].sort()
  return names.length === 1 ? names[0]! : `max(${names.join(',')})`
}

/** What stands in `max(…)`, or the name itself. */
function namesIn(name: string): string[] {
  if (!name.startsWith('max(') || !name.endsWith(')')) return [name]
  const names = ['']
  let depth = 0
  for (const letter of name.slice(4, -1)) {
    if (letter === '(') depth++
    if (letter === ')') depth--
    if (letter === ',' && depth === 0) names.push('')
    else names[names.length - 1] += letter
  }
  return names
}

export const sameShape = (a: Shape, b: Shape): boolean => a.length === b.length && a.every((dim, i) => dim === b[i])

/** Row-major strides in elements. */
export function stridesOf(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length)
  let step = 1
  for (let i = shape.length - 1; i >= 0; i--) {
    strides[i] = step
    step *= shape[i]!
  }
  return strides
}
