import { allocate, type DType, dtypeFromOnnx, dtypes, fromNumbers, type TypedArray } from './dtype.js'
import { FormatError } from './errors.js'
import type { ExternalFiles } from './external.js'
import { type TensorProto, TensorProto_DataLocation, TensorProto_DataType } from './proto/onnx_pb.js'
import type { Tensor } from './tensor.js'

const MAX_RANK = 64
/** What one array can hold on every machine anneal runs on. */
const MAX_TENSOR_BYTES = 2 ** 32

/** Extents from a file as numbers, none negative and their product exact. */
export function checkedDims(dims: readonly (bigint | number)[], where: string): { shape: number[]; size: number } {
  if (dims.length > MAX_RANK)
    throw new FormatError({ code: 'bad-dims', where, expected: `at most ${MAX_RANK} extents`, received: dims.length })
  const shape = dims.map(Number)
  const size = shape.reduce((a, b) => a * b, 1)
  if (shape.some(dim => !Number.isSafeInteger(dim) || dim < 0) || !Number.isSafeInteger(size))
    throw new FormatError({
      code: 'bad-dims',
      where,
      expected: 'extents ≥ 0 with a product below 2^53',
      received: `[${dims.slice(0, 16).join(', ')}]`,
    })
  return { shape, size }
}

/** An ONNX data type number as a dtype. */
export function checkedDtype(code: number, where: string): DType {
  const dtype = dtypeFromOnnx(code)
  if (dtype === undefined)
    throw new FormatError({
      code: 'unsupported-dtype',
      where,
      expected: `one of ${Object.keys(dtypes).join(', ')}`,
      received: TensorProto_DataType[code] ?? `data type number ${code}`,
    })
  return dtype
}

type TypedField = 'floatData' | 'int32Data' | 'int64Data' | 'uint64Data' | 'doubleData' | 'stringData'
const fieldNames: Record<TypedField, string> = {
  floatData: 'float_data',
  int32Data: 'int32_data',
  int64Data: 'int64_data',
  uint64Data: 'uint64_data',
  doubleData: 'double_data',
  stringData: 'string_data',
}
/** Which field holds the elements of a dtype where they are not raw bytes. */
const fieldOf: Record<DType, TypedField> = {
  float32: 'floatData',
  float64: 'doubleData',
  float16: 'int32Data',
  bfloat16: 'int32Data',
  int8: 'int32Data',
  uint8: 'int32Data',
  int16: 'int32Data',
  uint16: 'int32Data',
  int32: 'int32Data',
  bool: 'int32Data',
  uint32: 'uint64Data',
  uint64: 'uint64Data',
  int64: 'int64Data',
  string: 'stringData',
}

/**
 * A tensor of a file, its elements copied. Nothing is allocated before the bytes that are there are known to fill it.
 * @param where the tensor's name, for errors
 */
export function decodeTensor(proto: TensorProto, where: string, files?: ExternalFiles): Tensor {
  const dtype = checkedDtype(proto.dataType, where)
  const { shape, size } = checkedDims(proto.dims, where)
  if (proto.segment !== undefined)
    throw new FormatError({
      code: 'unsupported-segment',
      where,
      expected: 'a tensor in one piece',
      received: 'segment',
    })
  const typed = (Object.keys(fieldNames) as TypedField[]).filter(field => proto[field].length > 0)
  if (proto.dataLocation === TensorProto_DataLocation.EXTERNAL) {
    if (typed.length > 0 || proto.rawData.length > 0) fail(where, 'external data alone', 'data in the file as well')
    return { dtype, shape, data: fromRaw(dtype, size, readExternal(proto, dtype, size, where, files), where) }
  }
  if (proto.rawData.length > 0) {
    if (typed.length > 0) fail(where, 'raw_data alone', `raw_data and ${fieldNames[typed[0]!]}`)
    return { dtype, shape, data: fromRaw(dtype, size, proto.rawData, where) }
  }
  const field = fieldOf[dtype]
  const other = typed.find(name => name !== field)
  if (other !== undefined) fail(where, `elements of ${dtype} in ${fieldNames[field]}`, fieldNames[other])
  if (proto[field].length !== size)
    fail(where, `${size} elements for shape [${shape.join(', ')}]`, `${proto[field].length} elements`)
  return { dtype, shape, data: fromTyped(dtype, proto, field, where) }
}

function fromRaw(dtype: DType, size: number, bytes: Uint8Array, where: string): Tensor['data'] {
  const { array, bytes: width } = dtypes[dtype]
  if (array === null) return fail(where, 'strings in string_data', 'raw_data')
  if (bytes.length !== size * width) fail(where, `${size * width} bytes (${size} × ${dtype})`, `${bytes.length} bytes`)
  // A copy: bytes inside a file lie at any offset, and a tensor must not keep the whole file alive.
  const data = new array(bytes.slice().buffer, 0, size)
  return dtype === 'bool' ? toBool(data) : data
}

function toBool(data: TypedArray): TypedArray {
  for (let i = 0; i < data.length; i++) data[i] = data[i] === 0 ? 0 : 1
  return data
}

function fromTyped(dtype: DType, proto: TensorProto, field: TypedField, where: string): Tensor['data'] {
  if (field === 'stringData') return proto.stringData.map(bytes => text(bytes, where))
  const values = proto[field] as number[] | bigint[]
  if (field === 'floatData' || field === 'doubleData' || dtype === 'int64' || dtype === 'uint64')
    return fromNumbers(dtype, values)
  // Narrow integers stand in wider ones; what does not fit would be cut off silently.
  const data = allocate(dtype, values.length)
  for (let i = 0; i < values.length; i++) {
    data[i] = Number(values[i])
    if (data[i] !== Number(values[i]))
      throw new FormatError({
        code: 'value-range',
        where: `${where}[${i}]`,
        expected: `a value of ${dtype}`,
        received: values[i],
      })
  }
  return dtype === 'bool' ? toBool(data) : data
}

function readExternal(
  proto: TensorProto,
  dtype: DType,
  size: number,
  where: string,
  files: ExternalFiles | undefined,
): Uint8Array {
  const entries = new Map(proto.externalData.map(entry => [entry.key, entry.value]))
  const location = entries.get('location')
  if (location === undefined) return fail(where, 'an external location', 'none')
  const number = (key: 'offset' | 'length'): number | undefined => {
    const given = entries.get(key)
    if (given === undefined || given === '') return undefined
    if (!/^\d{1,16}$/.test(given) || !Number.isSafeInteger(Number(given)))
      fail(where, `external ${key}: a whole number`, given)
    return Number(given)
  }
  const offset = number('offset') ?? 0
  const expected = size * dtypes[dtype].bytes
  const length = number('length') ?? expected
  if (expected > MAX_TENSOR_BYTES)
    throw new FormatError({
      code: 'too-large',
      where,
      expected: `at most ${MAX_TENSOR_BYTES} bytes in one tensor`,
      received: expected,
    })
  if (length !== expected) fail(where, `external length ${expected} (${size} × ${dtype})`, length)
  if (files === undefined)
    throw new FormatError({
      code: 'external-data',
      where,
      expected: 'the folder of the model',
      received: `a tensor in the file ${location}`,
      hint: 'pass files: folderFiles(folder), or memoryFiles({ name: bytes })',
    })
  const file = files(location, where)
  if (offset + length > file.size)
    throw new FormatError({
      code: 'external-range',
      where: `${where} (${location})`,
      expected: `bytes ${offset} to ${offset + length}`,
      received: `a file of ${file.size} bytes`,
    })
  return file.read(offset, length)
}

/** UTF-8 bytes as text. */
export function text(bytes: Uint8Array, where: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw new FormatError({ code: 'bad-text', where, expected: 'UTF-8', received: 'other bytes' })
  }
}

const fail = (where: string, expected: unknown, received: unknown): never => {
  throw new FormatError({ code: 'tensor-data', where, expected, received })
}
