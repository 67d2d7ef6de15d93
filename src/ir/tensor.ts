import { type DType, dtypeOfArray, dtypes, fromNumbers, type TensorData, toNumbers } from './dtype.js'
import { ShapeError } from './errors.js'
import { sizeOf } from './shape.js'

/** A host tensor: plain data, row-major. */
export interface Tensor {
  readonly dtype: DType
  readonly shape: readonly number[]
  readonly data: TensorData
}

/** Numbers nested to any depth, as in `[[1, 2], [3, 4]]`. */
export type NestedNumbers = number | bigint | boolean | readonly NestedNumbers[]

function flatten(value: NestedNumbers, shape: number[], depth: number, out: (number | bigint | boolean)[]): void {
  if (!Array.isArray(value)) {
    if (depth !== shape.length) throw new ShapeError({ code: 'ragged-array', expected: shape, received: 'a scalar' })
    out.push(value as number)
    return
  }
  if (value.length !== shape[depth])
    throw new ShapeError({
      code: 'ragged-array',
      expected: `${shape[depth]} elements at depth ${depth}`,
      received: value.length,
    })
  for (const item of value) flatten(item, shape, depth + 1, out)
}

/**
 * A tensor from a typed array and a shape, or from (nested) numbers.
 * `dtype` defaults to that of the typed array, and to float32 for numbers.
 */
export function tensor(data: TensorData | NestedNumbers, shape?: readonly number[], dtype?: DType): Tensor {
  let values: TensorData
  let actual: readonly number[]
  if (ArrayBuffer.isView(data) || (Array.isArray(data) && typeof data[0] === 'string')) {
    const given = data as TensorData
    const type = dtype ?? dtypeOfArray(given)
    const want = dtypes[type].array
    if (want !== null && !(given instanceof want)) values = fromNumbers(type, given as ArrayLike<number | bigint>)
    else values = given
    actual = shape ?? [given.length]
    dtype = type
  } else {
    const nested = data as NestedNumbers
    const found: number[] = []
    for (let level: NestedNumbers | undefined = nested; Array.isArray(level); level = level[0]) found.push(level.length)
    const flat: (number | bigint | boolean)[] = []
    flatten(nested, found, 0, flat)
    dtype ??= typeof flat[0] === 'bigint' ? 'int64' : typeof flat[0] === 'boolean' ? 'bool' : 'float32'
    values = fromNumbers(dtype, flat)
    actual = shape ?? found
  }
  if (sizeOf(actual) !== values.length)
    throw new ShapeError({
      code: 'tensor-size',
      expected: `${sizeOf(actual)} elements for shape [${actual}]`,
      received: values.length,
    })
  return { dtype, shape: [...actual], data: values }
}

/** A tensor's elements as plain numbers (exact to 2^53). */
export function numbersOf(t: Tensor): number[] {
  return toNumbers(t.dtype, t.data)
}

/** The only element of a one-element tensor. */
export function scalarOf(t: Tensor): number {
  if (t.data.length !== 1) throw new ShapeError({ code: 'not-a-scalar', expected: 'one element', received: t.shape })
  return toNumbers(t.dtype, t.data)[0]!
}

/** A tensor's raw little-endian bytes (shares memory with the tensor). */
export function bytesOf(t: Tensor): Uint8Array {
  if (!ArrayBuffer.isView(t.data))
    throw new ShapeError({ code: 'string-bytes', expected: 'a numeric tensor', received: t.dtype })
  return new Uint8Array(t.data.buffer, t.data.byteOffset, t.data.byteLength)
}
