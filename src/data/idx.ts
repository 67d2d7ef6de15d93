import { type DType, FormatError, type Tensor, type TypedArray } from '../ir/index.js'

/** IDX, the format of MNIST: two zero bytes, a type, the number of axes, extents, elements; all big-endian. */

const types: Readonly<Record<number, { dtype: DType; bytes: number; read: (view: DataView, at: number) => number }>> = {
  8: { dtype: 'uint8', bytes: 1, read: (v, at) => v.getUint8(at) },
  9: { dtype: 'int8', bytes: 1, read: (v, at) => v.getInt8(at) },
  11: { dtype: 'int16', bytes: 2, read: (v, at) => v.getInt16(at) },
  12: { dtype: 'int32', bytes: 4, read: (v, at) => v.getInt32(at) },
  13: { dtype: 'float32', bytes: 4, read: (v, at) => v.getFloat32(at) },
  14: { dtype: 'float64', bytes: 8, read: (v, at) => v.getFloat64(at) },
}
const arrays = {
  uint8: Uint8Array,
  int8: Int8Array,
  int16: Int16Array,
  int32: Int32Array,
  float32: Float32Array,
  float64: Float64Array,
}

/**
 * The tensor in IDX bytes (not compressed).
 * @throws FormatError with the byte offset where the bytes are not what the header says
 */
export function decodeIdx(bytes: Uint8Array, where = 'IDX'): Tensor {
  const fail = (code: string, offset: number, expected: string, received: unknown): never => {
    throw new FormatError({ code, where: `${where}, byte ${offset}`, expected, received })
  }
  if (bytes.length < 4) fail('idx-short', bytes.length, 'a header of 4 bytes or more', `${bytes.length} bytes`)
  if (bytes[0] !== 0 || bytes[1] !== 0) fail('idx-magic', 0, 'two zero bytes', `${bytes[0]} ${bytes[1]}`)
  const type = types[bytes[2]!] ?? fail('idx-type', 2, 'a type from 0x08 to 0x0E', `0x${bytes[2]!.toString(16)}`)
  const rank = bytes[3]!
  const header = 4 + 4 * rank
  if (bytes.length < header)
    fail('idx-short', bytes.length, `a header of ${header} bytes for ${rank} axes`, `${bytes.length} bytes`)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const shape = Array.from({ length: rank }, (_, i) => view.getUint32(4 + 4 * i))
  const count = shape.reduce((a, b) => a * b, 1)
  const size = header + count * type.bytes
  if (bytes.length < size)
    fail('idx-short', bytes.length, `${size} bytes for shape [${shape.join(', ')}]`, `${bytes.length} bytes`)
  if (bytes.length > size)
    fail('idx-trailing', size, `the end of the file after ${size} bytes`, `${bytes.length} bytes`)
  if (type.dtype === 'uint8') return { dtype: 'uint8', shape, data: bytes.slice(header) }
  const data = new arrays[type.dtype as keyof typeof arrays](count)
  for (let i = 0; i < count; i++) data[i] = type.read(view, header + i * type.bytes)
  return { dtype: type.dtype, shape, data: data as TypedArray }
}

/** The tensor in an IDX file, gzip-compressed or not. */
export async function readIdx(path: string): Promise<Tensor> {
  const { readFile } = await import('node:fs/promises')
  return decodeIdx(await gunzip(await readFile(path), path), path)
}

/** Bytes as they are, or unpacked where they begin as gzip does. */
export async function gunzip(bytes: Uint8Array, where: string): Promise<Uint8Array> {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes
  try {
    const stream = new Blob([bytes.slice()]).stream().pipeThrough(new DecompressionStream('gzip'))
    return new Uint8Array(await new Response(stream).arrayBuffer())
  } catch (cause) {
    throw new FormatError({
      code: 'gzip',
      where,
      expected: 'a whole gzip file',
      received: cause instanceof Error ? cause.message : String(cause),
      hint: 'fetch the file again',
      cause,
    })
  }
}
