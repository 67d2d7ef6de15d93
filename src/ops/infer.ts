import {
  addDim,
  broadcastShapes,
  type Dim,
  type DType,
  divDim,
  isFloat,
  isInteger,
  mulDim,
  ShapeError,
  subDim,
  type TensorType,
  type Value,
} from '../ir/index.js'

/** Shape and dtype rules that many operators share. */

export const typeOf = (value: TensorType): TensorType => ({ dtype: value.dtype, shape: value.shape })

/** All of `values` have the dtype of the first, or an error that says which have not. */
export function sameDtype(values: readonly Value[], where: string): DType {
  const dtype = values[0]!.dtype
  for (const value of values)
    if (value.dtype !== dtype)
      throw new ShapeError({
        code: 'dtype-mismatch',
        where,
        expected: `one dtype (${dtype}, as ${values[0]!.name})`,
        received: `${value.dtype} (${value.name})`,
        hint: `convert with cast(x, { to: '${dtype}' })`,
      })
  return dtype
}

export type DTypeClass = 'float' | 'number' | 'integer' | 'bool' | 'any'

/** Fails unless the dtype is of the class the operator computes on. */
export function expectDtype(value: Value, allowed: DTypeClass, where: string): void {
  const ok =
    allowed === 'any' ||
    (allowed === 'float' && isFloat(value.dtype)) ||
    (allowed === 'integer' && isInteger(value.dtype)) ||
    (allowed === 'bool' && value.dtype === 'bool') ||
    (allowed === 'number' && (isFloat(value.dtype) || isInteger(value.dtype)))
  if (!ok)
    throw new ShapeError({
      code: 'dtype',
      where,
      expected: allowed === 'bool' ? 'bool' : `a ${allowed} dtype`,
      received: `${value.dtype} (${value.name})`,
      hint: `convert with cast(x, { to: ${allowed === 'bool' ? "'bool'" : allowed === 'integer' ? "'int64'" : "'float32'"} })`,
    })
}

/** Elementwise operators of one input: same shape; dtype as given, or the input's. */
export const elementwise =
  (allowed: DTypeClass = 'float', dtype?: DType) =>
  ({ X }: { X: Value }, _attrs: unknown, where: string): TensorType => {
    expectDtype(X, allowed, where)
    return { dtype: dtype ?? X.dtype, shape: X.shape }
  }

/** Elementwise operators of two inputs A and B with broadcasting. */
export const broadcasting =
  (allowed: DTypeClass = 'number', dtype?: DType, content?: (a: Dim, b: Dim) => Dim | undefined) =>
  ({ A, B }: { A: Value; B: Value }, _attrs: unknown, where: string): TensorType => {
    expectDtype(A, allowed, where)
    expectDtype(B, allowed, where)
    const common = sameDtype([A, B], where)
    return {
      dtype: dtype ?? common,
      shape: broadcastShapes([A.shape, B.shape], where),
      // Content counts in whole numbers; of a float quotient it would lose the fraction.
      content:
        content === undefined || isFloat(common)
          ? undefined
          : broadcastContent([A, B], args => content(args[0]!, args[1]!)),
    }
  }

/** Applies `f` elementwise to what is known of small integer tensors (scalars and vectors). */
export function broadcastContent(
  operands: readonly Value[],
  f: (args: readonly Dim[]) => Dim | undefined,
): readonly Dim[] | undefined {
  const contents = operands.map(value => value.content)
  if (contents.some(content => content === undefined) || operands.some(value => value.shape.length > 1))
    return undefined
  const length = Math.max(...contents.map(content => content!.length))
  if (contents.some(content => content!.length !== 1 && content!.length !== length)) return undefined
  const out: Dim[] = []
  for (let i = 0; i < length; i++) {
    const dim = f(contents.map(content => content![content!.length === 1 ? 0 : i]!))
    if (dim === undefined) return undefined
    out.push(dim)
  }
  return out
}

/** Comparison of known dimensions: numbers, a name with itself, and a plain name, which is never negative, with −1. */
export const compareContent =
  (test: (a: number, b: number) => boolean) =>
  (a: Dim, b: Dim): Dim | undefined => {
    if (typeof a === 'number' && typeof b === 'number') return test(a, b) ? 1 : 0
    if (a === b) return test(0, 0) ? 1 : 0
    const extent = (dim: Dim) => typeof dim === 'string' && /^[\w.:]+$/.test(dim)
    if (extent(a) && typeof b === 'number' && b < 0) return test(0, b) ? 1 : 0
    if (extent(b) && typeof a === 'number' && a < 0) return test(a, 0) ? 1 : 0
    return undefined
  }

export { addDim, divDim, mulDim, subDim }
