import type { crc32, deflateSync } from 'node:zlib'
import { DataError, ShapeError, type Tensor } from '../../ir/index.js'

/** The rows of a picture as PNG wants them, before compression. */
export interface Picture {
  readonly height: number
  readonly width: number
  readonly channels: number
  /** Each row: a 0 (no filter), then its pixels, channels together. */
  readonly rows: Uint8Array
}

/** What of node:zlib is needed; it is loaded only when something is written. */
export interface Zlib {
  readonly deflateSync: typeof deflateSync
  readonly crc32: typeof crc32
}

/** PNG's colour types: grey, grey with alpha, RGB, RGBA. */
const colourTypes: Readonly<Record<number, number>> = { 1: 0, 2: 4, 3: 2, 4: 6 }

/**
 * Pictures of a tensor [channels, height, width] or [batch, channels, height, width], 1 to 4 channels: bytes, or floats
 * from 0 to 1 (what lies outside is clipped, NaN is black).
 */
export function picturesOf(t: Tensor, where: string): Picture[] {
  const rank = t.shape.length
  const [channels, height, width] = t.shape.slice(-3) as [number, number, number]
  if ((rank !== 3 && rank !== 4) || colourTypes[channels] === undefined || height * width === 0)
    throw new ShapeError({
      code: 'image-shape',
      where,
      expected: '[channels, height, width] or [batch, channels, height, width], 1 to 4 channels',
      received: `[${t.shape.join(', ')}]`,
    })
  const scale = { uint8: 1, float32: 255, float64: 255 }[t.dtype as string]
  if (scale === undefined)
    throw new DataError({ code: 'image-dtype', where, expected: 'uint8, or float32 from 0 to 1', received: t.dtype })
  const data = t.data as Uint8Array | Float32Array | Float64Array // by the dtypes just checked
  return Array.from({ length: rank === 4 ? t.shape[0]! : 1 }, (_, n) => {
    const stride = width * channels + 1
    const rows = new Uint8Array(height * stride)
    for (let c = 0; c < channels; c++)
      for (let y = 0; y < height; y++)
        for (let x = 0; x < width; x++) {
          const value = Math.round(data[((n * channels + c) * height + y) * width + x]! * scale)
          rows[y * stride + 1 + x * channels + c] = Math.min(255, Math.max(0, value))
        }
    return { height, width, channels, rows }
  })
}

/** A PNG file (ISO/IEC 15948), 8 bits a channel. */
export function encodePng({ height, width, channels, rows }: Picture, { deflateSync, crc32 }: Zlib): Uint8Array {
  const header = new Uint8Array(13)
  const view = new DataView(header.buffer)
  view.setUint32(0, width)
  view.setUint32(4, height)
  header[8] = 8
  header[9] = colourTypes[channels]!
  const chunk = (type: string, data: Uint8Array): Uint8Array => {
    const out = new Uint8Array(data.length + 12)
    out.set(new TextEncoder().encode(type), 4)
    out.set(data, 8)
    const outView = new DataView(out.buffer)
    outView.setUint32(0, data.length)
    outView.setUint32(data.length + 8, crc32(out.subarray(4, data.length + 8)))
    return out
  }
  return concat([
    Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a),
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(rows)),
    chunk('IEND', new Uint8Array(0)),
  ])
}

export function concat(parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((total, part) => total + part.length, 0))
  let at = 0
  for (const part of parts) {
    out.set(part, at)
    at += part.length
  }
  return out
}
