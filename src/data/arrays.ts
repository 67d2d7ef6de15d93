import { DataError, type DType, type NestedNumbers, type Tensor, type TypedArray, tensor } from '../ir/index.js'
import type { Dataset } from './dataset.js'
import { isRecord, isTensor } from './example.js'
import { fromTensors, type TensorOptions } from './tensors.js'

/** A typed array with the shape it stands for. */
export interface ShapedArray {
  readonly data: TypedArray
  readonly shape: readonly number[]
}

/** Any object with a shape that gives out its values, such as a tensor of TensorFlow.js. */
export interface SyncTensor {
  readonly shape: readonly number[]
  readonly dtype?: string
  dataSync(): TypedArray | string[]
}

export type AnyArray =
  | Tensor
  | ShapedArray
  | SyncTensor
  | TypedArray
  | Uint8ClampedArray
  | NestedNumbers
  | readonly string[]
/** Arrays in the places of tensors. */
export type ArrayTree = AnyArray | { readonly [name: string]: ArrayTree | undefined }

/** The structure of `T` with tensors in the places of arrays. */
export type Tensors<T> = T extends AnyArray ? Tensor : { readonly [K in keyof T]: Tensors<T[K]> }

export interface ArrayOptions extends TensorOptions {
  /** Element types by name (`{ y: 'int32' }`; inside records by path, `'x.age'`), where the default does not suit. */
  dtypes?: Readonly<Record<string, DType>>
}

/**
 * A dataset from arrays in memory: `fromArrays({ x: [[0, 1], [2, 3]], y: [0, 1] })`. Takes nested numbers, typed arrays
 * (alone: one number per example), `{ data, shape }`, tensors, and tensors of TensorFlow.js. Numbers and Float64Array
 * become float32, booleans bool, bigints int64, strings string; other typed arrays keep their type.
 *
 * @throws ShapeError for ragged rows or different numbers of examples, DataError for anything else than arrays.
 */
export function fromArrays<T extends ArrayTree>(
  arrays: T,
  { dtypes = {}, ...options }: ArrayOptions = {},
): Dataset<Tensors<T>> {
  // The tree keeps its structure, which is what Tensors<T> says.
  return fromTensors(convert(arrays, '', dtypes) as Tensors<T> & Tensor, options)
}

function convert(value: unknown, path: string, dtypes: Readonly<Record<string, DType>>): unknown {
  if (value === undefined) return undefined
  if (isRecord(value) && !isArrayLike(value))
    return Object.fromEntries(
      Object.entries(value).map(([key, part]) => [key, convert(part, path ? `${path}.${key}` : key, dtypes)]),
    )
  return toTensor(value, path || 'data', dtypes[path])
}

const isArrayLike = (value: object): boolean =>
  isTensor(value) || 'dataSync' in value || ('data' in value && 'shape' in value)

function toTensor(value: unknown, where: string, dtype: DType | undefined): Tensor {
  if (isTensor(value)) return retyped(value.data, value.shape, dtype ?? value.dtype)
  if (value instanceof Uint8ClampedArray)
    return retyped(new Uint8Array(value.buffer, value.byteOffset, value.length), [value.length], dtype)
  if (isTyped(value)) return retyped(value, [value.length], dtype)
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    const given: { shape?: unknown; data?: unknown; dtype?: unknown; dataSync?: unknown } = value
    const data: unknown = typeof given.dataSync === 'function' ? given.dataSync() : given.data
    const shape = given.shape
    if ((isTyped(data) || isStrings(data)) && Array.isArray(shape))
      return retyped(data, shape as number[], dtype ?? (given.dtype === 'bool' ? 'bool' : undefined))
  }
  if (isStrings(value)) return tensor(value)
  if (Array.isArray(value)) {
    checkNumbers(value, where)
    return tensor(value as NestedNumbers, undefined, dtype)
  }
  throw new DataError({
    code: 'not-an-array',
    where,
    expected: 'nested numbers, a typed array, { data, shape } or a tensor',
    received: value === null ? 'null' : typeof value,
  })
}

const isTyped = (value: unknown): value is TypedArray => ArrayBuffer.isView(value) && !(value instanceof DataView)
const isStrings = (value: unknown): value is string[] =>
  Array.isArray(value) && value.length > 0 && value.every(item => typeof item === 'string')

function retyped(data: TypedArray | string[], shape: readonly number[], dtype: DType | undefined): Tensor {
  return tensor(data, shape, dtype ?? (data instanceof Float64Array ? 'float32' : undefined))
}

function checkNumbers(value: readonly unknown[], where: string): void {
  for (const [i, item] of value.entries()) {
    if (Array.isArray(item)) checkNumbers(item, `${where}[${i}]`)
    else if (isTyped(item))
      throw new DataError({
        code: 'array-of-typed-arrays',
        where: `${where}[${i}]`,
        expected: 'numbers',
        received: item.constructor.name,
        hint: 'use one typed array with a shape: { data, shape }',
      })
    else if (typeof item !== 'number' && typeof item !== 'bigint' && typeof item !== 'boolean')
      throw new DataError({
        code: 'not-a-number',
        where: `${where}[${i}]`,
        expected: 'a number',
        received: item === null ? 'null' : typeof item === 'string' ? `"${item}"` : typeof item,
      })
  }
}
