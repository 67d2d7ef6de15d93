import {
  allocate,
  DataError,
  type DType,
  dtypes,
  type NestedNumbers,
  type Tensor,
  type TypedArray,
  tensor,
} from '../ir/index.js'

/** Data as users hold it: a tensor, nested numbers, or a typed array (of one number per example). */
export type TensorLike = Tensor | TypedArray | NestedNumbers
/** One tensor, or one for each input or output by name (or in order). */
export type DataLike = TensorLike | Readonly<Record<string, TensorLike>> | readonly Tensor[]

/** Whether something is a tensor record. */
export const isTensor = (x: unknown): x is Tensor =>
  typeof x === 'object' && x !== null && 'dtype' in x && 'data' in x && 'shape' in x
/** What users hold, as a tensor. @throws DataError if it is none of these */
export function toTensor(x: TensorLike): Tensor {
  const plain = typeof x === 'number' || Array.isArray(x) || ArrayBuffer.isView(x)
  if (isTensor(x) ? !(x.dtype in dtypes) || !Array.isArray(x.shape) : !plain)
    throw new DataError({
      code: 'not-data',
      where: 'data',
      expected: 'a tensor, nested arrays of numbers or a typed array',
      received: x === null ? 'null' : isTensor(x) ? `dtype ${x.dtype}, shape ${x.shape}` : typeof x,
    })
  return isTensor(x) ? x : tensor(x as TypedArray | NestedNumbers)
}

/** Data by the names of a network's inputs or outputs, in dtypes a graph can take. */
export function named(
  data: DataLike,
  ports: readonly { name: string; dtype?: DType }[],
  what: string,
): Record<string, Tensor> {
  const list = Array.isArray(data) && data.length > 0 && data.every(isTensor) ? (data as Tensor[]) : undefined
  const record =
    list !== undefined
      ? Object.fromEntries(list.map((t, i) => [ports[i]?.name ?? `${i}`, t]))
      : isTensor(data) || Array.isArray(data) || ArrayBuffer.isView(data) || typeof data !== 'object' || data === null
        ? { [ports[0]!.name]: data as TensorLike }
        : (data as Readonly<Record<string, TensorLike>>)
  const out: Record<string, Tensor> = {}
  for (const name of Object.keys(record))
    if (!ports.some(port => port.name === name))
      throw new DataError({
        code: 'unknown-data',
        where: what,
        expected: ports.map(port => port.name).join(', '),
        received: name,
      })
  for (const port of ports) {
    const given = record[port.name]
    if (given === undefined)
      throw new DataError({ code: 'missing-data', where: what, expected: port.name, received: Object.keys(record) })
    out[port.name] = coerce(toTensor(given), port.dtype)
  }
  return out
}

/** Bytes and doubles become float32; a network's own dtype wins. */
export function coerce(t: Tensor, dtype?: DType): Tensor {
  const want =
    dtype ??
    (t.dtype === 'float64' || t.dtype === 'uint8' || t.dtype === 'bool' || t.dtype === 'int8' ? 'float32' : t.dtype)
  if (t.dtype === want) return t
  if (t.dtype === 'string' || want === 'string')
    throw new DataError({ code: 'string-data', where: 'data', expected: want, received: t.dtype })
  const data = allocate(want, t.data.length)
  if (data instanceof BigInt64Array || data instanceof BigUint64Array)
    for (let i = 0; i < data.length; i++) data[i] = BigInt(Number(t.data[i]))
  else for (let i = 0; i < data.length; i++) data[i] = Number(t.data[i])
  return { dtype: want, shape: t.shape, data }
}
