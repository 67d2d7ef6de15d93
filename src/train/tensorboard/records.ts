import { FormatError } from '../../ir/index.js'

/**
 * The framing of event files (TFRecord): length as uint64, its masked CRC32C, the bytes, their masked CRC32C; all
 * little-endian.
 */

/** CRC32C, the Castagnoli polynomial 0x1EDC6F41 bit-reversed (RFC 3720). */
const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1
  return crc
})

export function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff
  for (const byte of bytes) crc = table[(crc ^ byte) & 0xff]! ^ (crc >>> 8)
  return (crc ^ 0xffffffff) >>> 0
}

/** A checksum of bytes that hold checksums would be weak: it is rotated, and a constant added. */
const masked = (bytes: Uint8Array): number => {
  const crc = crc32c(bytes)
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0
}

const overhead = 16

/** One record around a message. */
export function frame(message: Uint8Array): Uint8Array {
  const record = new Uint8Array(message.length + overhead)
  const view = new DataView(record.buffer)
  view.setUint32(0, message.length >>> 0, true)
  view.setUint32(4, Math.floor(message.length / 2 ** 32), true)
  view.setUint32(8, masked(record.subarray(0, 8)), true)
  record.set(message, 12)
  view.setUint32(12 + message.length, masked(message), true)
  return record
}

/**
 * The messages in the bytes of an event file. A last record that was cut short, as by a crash, is left out.
 * @throws FormatError for a checksum that is wrong
 */
export function* readRecords(bytes: Uint8Array): Generator<Uint8Array> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  for (let at = 0; at + 12 <= bytes.length; ) {
    check(bytes.subarray(at, at + 8), view.getUint32(at + 8, true), at)
    const length = view.getUint32(at, true) + view.getUint32(at + 4, true) * 2 ** 32
    const start = at + 12
    if (start + length + 4 > bytes.length) return
    const message = bytes.subarray(start, start + length)
    check(message, view.getUint32(start + length, true), start)
    yield message
    at = start + length + 4
  }
}

function check(bytes: Uint8Array, checksum: number, at: number): void {
  if (masked(bytes) === checksum) return
  throw new FormatError({
    code: 'checksum',
    where: `event file, byte ${at}`,
    expected: `a CRC32C of ${masked(bytes)}`,
    received: checksum,
  })
}
