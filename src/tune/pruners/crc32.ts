/** CRC-32 of bytes (ISO 3309, as zlib's); `before` is that of the bytes before them. */
export function crc32(bytes: Iterable<number>, before = 0): number {
  let crc = ~before
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0)
  }
  return ~crc >>> 0
}
