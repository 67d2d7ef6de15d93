import {
  allocate,
  DataError,
  type NestedNumbers,
  ShapeError,
  sameShape,
  type Tensor,
  type TypedArray,
  tensor,
} from '../ir/index.js'
import { isRecord, isTensor } from './example.js'

/** An element's type after `batch`: tensors with a leading axis in the places of tensors, arrays and scalars. */
export type Batched<T> = T extends Tensor | TypedArray | readonly unknown[] | number | bigint | boolean | string
  ? Tensor
  : { readonly [K in keyof T]: Batched<T[K]> }

/**
 * Elements of one structure as one element with a leading batch axis. Tensors, typed arrays and nested numbers of one
 * shape are stacked; numbers become float32, bigints int64, booleans bool, strings string.
 *
 * @throws ShapeError when shapes or dtypes differ, DataError for what cannot be stacked.
 */
export function stack<T>(elements: readonly T[], where = 'batch'): Batched<T> {
  // The type follows the structure that stackAny walks.
  return stackAny(elements, where) as Batched<T>
}

function stackAny(elements: readonly unknown[], where: string): unknown {
  const first = elements[0]
  if (isTensor(first)) return stackTensors(elements as readonly Tensor[], where)
  if (isRecord(first)) return stackRecords(first, elements, where)
  return stackTensors(
    elements.map(element => asTensor(element, where)),
    where,
  )
}

function stackRecords(first: Readonly<Record<string, unknown>>, elements: readonly unknown[], where: string): unknown {
  const present = (record: Readonly<Record<string, unknown>>) =>
    Object.keys(record).filter(k => record[k] !== undefined)
  const keys = present(first)
  for (const element of elements) {
    const found = isRecord(element) ? present(element) : []
    if (found.length !== keys.length || keys.some(key => !found.includes(key)))
      throw new DataError({
        code: 'batch-structure',
        where,
        expected: `{ ${keys} }, as in the first element`,
        received: isRecord(element) ? `{ ${found} }` : typeof element,
      })
  }
  return Object.fromEntries(
    keys.map(key => [
      key,
      stackAny(
        elements.map(element => (element as Readonly<Record<string, unknown>>)[key]),
        `${where}.${key}`,
      ),
    ]),
  )
}

function asTensor(value: unknown, where: string): Tensor {
  if (isTensor(value)) return value
  if (typeof value === 'string') return { dtype: 'string', shape: [], data: [value] }
  if (ArrayBuffer.isView(value) && !(value instanceof DataView)) return tensor(value as TypedArray)
  if (Array.isArray(value) || ['number', 'bigint', 'boolean'].includes(typeof value))
    return tensor(value as NestedNumbers)
  throw new DataError({
    code: 'cannot-batch',
    where,
    expected: 'tensors, typed arrays, numbers, strings, or plain records of them',
    received: value === null ? 'null' : typeof value === 'object' ? value.constructor.name : typeof value,
    hint: 'turn elements into tensors with map before batch',
  })
}

function stackTensors(tensors: readonly Tensor[], where: string): Tensor {
  const first = tensors[0]!
  const shape = [tensors.length, ...first.shape]
  tensors.forEach((t, i) => {
    if (!isTensor(t))
      throw new DataError({
        code: 'batch-structure',
        where,
        expected: 'a tensor, as in the first element',
        received: typeof t,
      })
    if (t.dtype !== first.dtype || !sameShape(t.shape, first.shape))
      throw new ShapeError({
        code: 'ragged-batch',
        where: `${where}, element ${i}`,
        expected: `${first.dtype} [${first.shape.join(', ')}], as in the first element`,
        received: `${t.dtype} [${t.shape.join(', ')}]`,
        hint: 'bring all elements to one shape with map before batch',
      })
  })
  if (Array.isArray(first.data)) return { dtype: 'string', shape, data: tensors.flatMap(t => t.data as string[]) }
  const width = first.data.length
  const data = allocate(first.dtype, width * tensors.length)
  // All are of one dtype (checked above): the cast only lets one line serve all element types.
  for (const [i, t] of tensors.entries()) (data as Float32Array).set(t.data as Float32Array, i * width)
  return { dtype: first.dtype, shape, data }
}
