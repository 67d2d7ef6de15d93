import { allocate, dtypes, ShapeError, type Tensor, type TensorData, tensor } from '../ir/index.js'

const isTensor = (x: unknown): x is Tensor => typeof x === 'object' && x !== null && 'dtype' in x && 'data' in x && 'shape' in x

/** Tensors of one shape as one tensor with a new first axis. */
export function stack(tensors: readonly Tensor[]): Tensor {
  const first = tensors[0]!
  for (const t of tensors)
    if (t.dtype !== first.dtype || String(t.shape) !== String(first.shape))
      throw new ShapeError({
        code: 'ragged-batch',
        where: 'dataset.batch',
        expected: `${first.dtype} [${first.shape.join(', ')}], as the first element of the batch`,
        received: `${t.dtype} [${t.shape.join(', ')}]`,
        hint: 'pad, crop or resize the elements to one shape with map()',
      })
  const shape = [tensors.length, ...first.shape]
  if (dtypes[first.dtype].array === null) return { dtype: first.dtype, shape, data: tensors.flatMap(t => t.data as string[]) }
  const data = allocate(first.dtype, first.data.length * tensors.length) as Float32Array // any typed array: only `set` is used
  tensors.forEach((t, i) => data.set(t.data as Float32Array, i * first.data.length))
  return { dtype: first.dtype, shape, data: data as TensorData }
}

/** Elements as one batch: tensors are stacked, numbers become a vector, records are joined key by key. */
export function collate<T>(elements: readonly T[]): T {
  const first: unknown = elements[0]
  // The result has the element's type with a batch axis in each tensor, which the type cannot say.
  if (isTensor(first)) return stack(elements as readonly unknown[] as Tensor[]) as unknown as T
  if (typeof first === 'number') return tensor(elements as readonly unknown[] as number[]) as unknown as T
  if (typeof first === 'object' && first !== null && !Array.isArray(first))
    return Object.fromEntries(
      Object.keys(first)
        .filter(key => (first as Record<string, unknown>)[key] !== undefined)
        .map(key => [key, collate(elements.map(element => (element as Record<string, unknown>)[key]))]),
    ) as T
  return elements as unknown as T
}

/** Rows of a tensor as a new one. */
export function rowsOf(t: Tensor, rows: Uint32Array): Tensor {
  const width = t.shape[0] === 0 ? 0 : t.data.length / t.shape[0]!
  const shape = [rows.length, ...t.shape.slice(1)]
  if (!ArrayBuffer.isView(t.data)) return { ...t, shape, data: Array.from(rows).flatMap(row => (t.data as string[]).slice(row * width, (row + 1) * width)) }
  const from = t.data as Float32Array // any typed array: only `set` and `subarray` are used
  const data = allocate(t.dtype, rows.length * width) as Float32Array
  if (width === 1) for (let i = 0; i < rows.length; i++) data[i] = from[rows[i]!]!
  else for (let i = 0; i < rows.length; i++) data.set(from.subarray(rows[i]! * width, (rows[i]! + 1) * width), i * width)
  return { dtype: t.dtype, shape, data: data as TensorData }
}
