import { allocate, type DType, FormatError, ShapeError, sizeOf, type Tensor, type TypedArray } from '../ir/index.js'
import { bytesIn, type FileInput, gunzip, nameOf } from './files.js'

// IDX, the format of MNIST (yann.lecun.com/exdb/mnist): two zero bytes, the element type, the number of axes, one
// 32-bit extent per axis, the elements in row-major order; all big-endian.
const types: readonly { readonly code: number; readonly dtype: DType; readonly bytes: number }[] = [
  { code: 0x08, dtype: 'uint8', bytes: 1 },
  { code: 0x09, dtype: 'int8', bytes: 1 },
  { code: 0x0b, dtype: 'int16', bytes: 2 },
  { code: 0x0c, dtype: 'int32', bytes: 4 },
  { code: 0x0d, dtype: 'float32', bytes: 4 },
  { code: 0x0e, dtype: 'float64', bytes: 8 },
]

/**
 * The tensor in the bytes of an IDX file (not compressed). Types: uint8, int8, int16, int32, float32, float64.
 *
 * @throws FormatError with the byte offset, what belongs there and what was found, for bytes that are not IDX, end too
 * early or go on too long.
 */
export function decodeIdx(bytes: Uint8Array, where = 'IDX'): Tensor {
  const fail = (code: string, offset: number, expected: string, received: string, hint?: string): never => {
    throw new FormatError({
      code,
      where: `${where}, byte ${offset}`,
      expected,
      received,
      ...(hint === undefined ? {} : { hint }),
    })
  }
  const hex = (i: number) => `0x${bytes[i]!.toString(16).padStart(2, '0')}`
  if (bytes.length < 4) fail('idx-short', bytes.length, 'a header of at least 4 bytes', `${bytes.length} bytes in all`)
  if (bytes[0] === 0x1f && bytes[1] === 0x8b)
    fail('idx-magic', 0, '0x00 0x00', 'gzip', 'readIdx unpacks compressed files')
  if (bytes[0] !== 0 || bytes[1] !== 0) fail('idx-magic', 0, '0x00 0x00', `${hex(0)} ${hex(1)}`, 'this is no IDX file')
  const type =
    types.find(entry => entry.code === bytes[2]) ??
    fail('idx-type', 2, 'an element type: 0x08, 0x09, 0x0b, 0x0c, 0x0d or 0x0e', hex(2))
  const rank = bytes[3]!
  const start = 4 + 4 * rank
  if (bytes.length < start)
    fail('idx-short', bytes.length, `a header of ${start} bytes for ${rank} axes`, `${bytes.length} bytes in all`)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const shape = Array.from({ length: rank }, (_, i) => view.getUint32(4 + 4 * i))
  // Compared before anything is allocated: extents may claim any size.
  const end = start + sizeOf(shape) * type.bytes
  if (bytes.length < end)
    fail(
      'idx-short',
      bytes.length,
      `${end} bytes for ${type.dtype} [${shape.join(', ')}]`,
      `${bytes.length} bytes in all`,
    )
  if (bytes.length > end)
    fail(
      'idx-trailing',
      end,
      `the end of the file, after ${type.dtype} [${shape.join(', ')}]`,
      `${bytes.length - end} more bytes`,
    )
  return { dtype: type.dtype, shape, data: littleEndian(bytes.subarray(start), type.dtype, type.bytes) }
}

/** A tensor of one of IDX's types as the bytes of an IDX file. */
export function encodeIdx({ dtype, shape, data }: Tensor): Uint8Array {
  const type = types.find(entry => entry.dtype === dtype)
  if (type === undefined || Array.isArray(data))
    throw new ShapeError({ code: 'idx-dtype', expected: types.map(entry => entry.dtype).join(', '), received: dtype })
  const start = 4 + 4 * shape.length
  const out = new Uint8Array(start + data.length * type.bytes)
  const view = new DataView(out.buffer)
  out.set([0, 0, type.code, shape.length])
  for (const [i, extent] of shape.entries()) view.setUint32(4 + 4 * i, extent)
  // The array is of the type's own dtype, so its bytes are as many as reserved.
  const numbers = data as TypedArray
  out.set(new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength), start)
  swap(out.subarray(start), type.bytes)
  return out
}

/**
 * The tensor in an IDX file, gzip or not.
 *
 * @throws FormatError as `decodeIdx`, and for a damaged gzip; DataError when the file cannot be read.
 */
export async function readIdx(input: FileInput): Promise<Tensor> {
  const where = nameOf(input)
  return decodeIdx(await gunzip(await bytesIn(input), { where }), where)
}

/** Typed arrays have the machine's byte order, and every machine that runs JavaScript engines today is little-endian. */
function littleEndian(bytes: Uint8Array, dtype: DType, width: number): TypedArray {
  const out = allocate(dtype, bytes.length / width)
  const raw = new Uint8Array(out.buffer)
  raw.set(bytes)
  swap(raw, width)
  return out
}

function swap(bytes: Uint8Array, width: number): void {
  if (width === 1) return
  for (let start = 0; start < bytes.length; start += width)
    for (let low = start, high = start + width - 1; low < high; low++, high--) {
      const byte = bytes[low]!
      bytes[low] = bytes[high]!
      bytes[high] = byte
    }
}
