import { ShapeError } from './errors.js'
import { fromBfloat16, fromFloat16, toBfloat16, toFloat16 } from './half.js'

/** Element types, by ONNX's names in lower case. */
export type DType =
  | 'float32'
  | 'float64'
  | 'float16'
  | 'bfloat16'
  | 'int8'
  | 'uint8'
  | 'int16'
  | 'uint16'
  | 'int32'
  | 'uint32'
  | 'int64'
  | 'uint64'
  | 'bool'
  | 'string'

/** What holds a tensor's elements on the host. float16 and bfloat16 are raw bits; bool is 0 or 1; string is an array. */
export type TypedArray =
  | Float32Array
  | Float64Array
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array
export type TensorData = TypedArray | string[]

type TypedArrayConstructor = {
  new (length: number): TypedArray
  new (buffer: ArrayBufferLike, offset?: number, length?: number): TypedArray
  readonly BYTES_PER_ELEMENT: number
}

interface DTypeInfo {
  /** Value of onnx.TensorProto.DataType. */
  onnx: number
  bytes: number
  kind: 'float' | 'int' | 'uint' | 'bool' | 'string'
  array: TypedArrayConstructor | null
}

/** Everything the project knows of each element type, in one table. */
export const dtypes: Record<DType, DTypeInfo> = {
  float32: { onnx: 1, bytes: 4, kind: 'float', array: Float32Array },
  uint8: { onnx: 2, bytes: 1, kind: 'uint', array: Uint8Array },
  int8: { onnx: 3, bytes: 1, kind: 'int', array: Int8Array },
  uint16: { onnx: 4, bytes: 2, kind: 'uint', array: Uint16Array },
  int16: { onnx: 5, bytes: 2, kind: 'int', array: Int16Array },
  int32: { onnx: 6, bytes: 4, kind: 'int', array: Int32Array },
  int64: { onnx: 7, bytes: 8, kind: 'int', array: BigInt64Array },
  string: { onnx: 8, bytes: 0, kind: 'string', array: null },
  bool: { onnx: 9, bytes: 1, kind: 'bool', array: Uint8Array },
  float16: { onnx: 10, bytes: 2, kind: 'float', array: Uint16Array },
  float64: { onnx: 11, bytes: 8, kind: 'float', array: Float64Array },
  uint32: { onnx: 12, bytes: 4, kind: 'uint', array: Uint32Array },
  uint64: { onnx: 13, bytes: 8, kind: 'uint', array: BigUint64Array },
  bfloat16: { onnx: 16, bytes: 2, kind: 'float', array: Uint16Array },
}

const byOnnx = new Map(Object.entries(dtypes).map(([name, info]) => [info.onnx, name as DType]))

/** The dtype of an ONNX data type number, or undefined where anneal has none. */
export const dtypeFromOnnx = (code: number): DType | undefined => byOnnx.get(code)

export const isFloat = (dtype: DType): boolean => dtypes[dtype].kind === 'float'
export const isInteger = (dtype: DType): boolean => dtypes[dtype].kind === 'int' || dtypes[dtype].kind === 'uint'
export const is64Bit = (dtype: DType): boolean => dtype === 'int64' || dtype === 'uint64'

/** A zeroed host array for `length` elements. */
export function allocate(dtype: DType, length: number): TypedArray {
  const { array } = dtypes[dtype]
  if (array === null) throw new ShapeError({ code: 'string-allocation', expected: 'a numeric dtype', received: dtype })
  return new array(length)
}

/**
 * Plain numbers as a host array of `dtype`: rounded to half precision, truth values as 0 and 1. Integers above 2^53 need a
 * bigint array of their own.
 */
export function fromNumbers(dtype: DType, values: ArrayLike<number | bigint | boolean>): TypedArray {
  const out = allocate(dtype, values.length)
  if (out instanceof BigInt64Array || out instanceof BigUint64Array) {
    for (let i = 0; i < values.length; i++) out[i] = BigInt(values[i]!)
  } else {
    const convert = encoders[dtype] ?? Number
    for (let i = 0; i < values.length; i++) out[i] = convert(Number(values[i]))
  }
  return out
}

const encoders: Readonly<Partial<Record<DType, (x: number) => number>>> = {
  float16: toFloat16,
  bfloat16: toBfloat16,
  bool: x => (x === 0 ? 0 : 1),
}
const decoders: Readonly<Partial<Record<DType, (bits: number) => number>>> = {
  float16: fromFloat16,
  bfloat16: fromBfloat16,
}

/** What a host array of `dtype` holds, as plain numbers (exact to 2^53). */
export function toNumbers(dtype: DType, data: TensorData): number[] {
  const decode = decoders[dtype]
  const numbers = Array.from(data as ArrayLike<number | bigint>, Number)
  return decode === undefined ? numbers : numbers.map(decode)
}

/** The dtype a host array stands for when none is named. */
export function dtypeOfArray(data: TensorData): DType {
  if (data instanceof Float32Array) return 'float32'
  if (data instanceof Float64Array) return 'float64'
  if (data instanceof Int32Array) return 'int32'
  if (data instanceof BigInt64Array) return 'int64'
  if (data instanceof Uint8Array) return 'uint8'
  if (data instanceof Int8Array) return 'int8'
  if (data instanceof Int16Array) return 'int16'
  if (data instanceof Uint16Array) return 'uint16'
  if (data instanceof Uint32Array) return 'uint32'
  if (data instanceof BigUint64Array) return 'uint64'
  return 'string'
}
