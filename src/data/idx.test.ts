import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fromNumbers, tensor } from '../ir/index.js'
import { decodeIdx, encodeIdx, readIdx } from './index.js'

// Two int16 rows, written out by hand from the format's description.
const hand = Uint8Array.of(0, 0, 0x0b, 2, 0, 0, 0, 2, 0, 0, 0, 3, 0, 1, 0xff, 0xff, 1, 0, 0x7f, 0xff, 0x80, 0, 0, 9)
const error = (bytes: Uint8Array): unknown => {
  try {
    return decodeIdx(bytes, 'f.idx')
  } catch (thrown) {
    return thrown
  }
}

test('reads what the format describes', () => {
  expect(decodeIdx(hand)).toEqual(tensor(Int16Array.of(1, -1, 256, 32767, -32768, 9), [2, 3]))
  expect(encodeIdx(decodeIdx(hand))).toEqual(hand)
})

test('floats are big-endian', () => {
  // 1.5 is 3FC00000 in single and 3FF8000000000000 in double precision (IEEE 754).
  expect(decodeIdx(Uint8Array.of(0, 0, 0x0d, 1, 0, 0, 0, 1, 0x3f, 0xc0, 0, 0)).data).toEqual(Float32Array.of(1.5))
  expect(decodeIdx(Uint8Array.of(0, 0, 0x0e, 1, 0, 0, 0, 1, 0x3f, 0xf8, 0, 0, 0, 0, 0, 0)).data).toEqual(
    Float64Array.of(1.5),
  )
})

test('every type and shape comes back as it went', () => {
  const dtype = fc.constantFrom('uint8', 'int8', 'int16', 'int32', 'float32', 'float64')
  fc.assert(
    fc.property(
      dtype,
      fc.array(fc.nat(4), { maxLength: 4 }),
      fc.infiniteStream(fc.integer({ min: -128, max: 255 })),
      (type, shape, numbers) => {
        const size = shape.reduce((a, b) => a * b, 1)
        const t = tensor(fromNumbers(type, [...numbers.take(size)]), shape)
        expect(decodeIdx(encodeIdx(t))).toEqual(t)
      },
    ),
  )
})

describe('tells where a file is wrong', () => {
  test.each([
    ['empty', new Uint8Array(0), { code: 'idx-short', where: 'f.idx, byte 0' }],
    [
      'another format',
      Uint8Array.of(0x89, 0x50, 0x4e, 0x47),
      { code: 'idx-magic', where: 'f.idx, byte 0', received: '0x89 0x50' },
    ],
    ['compressed', gzipSync(hand), { code: 'idx-magic', received: 'gzip' }],
    [
      'an unknown type',
      Uint8Array.of(0, 0, 0x0a, 1, 0, 0, 0, 0),
      { code: 'idx-type', where: 'f.idx, byte 2', received: '0x0a' },
    ],
    [
      'cut in the header',
      hand.subarray(0, 9),
      { code: 'idx-short', where: 'f.idx, byte 9', expected: 'a header of 12 bytes for 2 axes' },
    ],
    [
      'cut in the data',
      hand.subarray(0, 23),
      {
        code: 'idx-short',
        where: 'f.idx, byte 23',
        expected: '24 bytes for int16 [2, 3]',
        received: '23 bytes in all',
      },
    ],
    [
      'too long',
      Uint8Array.of(...hand, 1, 2),
      { code: 'idx-trailing', where: 'f.idx, byte 24', received: '2 more bytes' },
    ],
    ['claiming more than any memory', Uint8Array.of(0, 0, 8, 3, ...Array(12).fill(255)), { code: 'idx-short' }],
  ])('%s', (_, bytes, fields) => {
    expect(error(bytes)).toMatchObject({ name: 'FormatError', ...fields })
  })

  test('any bytes give a tensor or a FormatError', () => {
    const almost = fc.uint8Array({ minLength: 1, maxLength: 40 }).map(tail => Uint8Array.of(0, 0, ...tail))
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 40 }), almost), bytes => {
        const result = error(bytes)
        expect(result instanceof Error ? result.name : 'FormatError').toBe('FormatError')
      }),
      { numRuns: 500 },
    )
  })
})

describe('files', () => {
  test('are read plain and compressed, by path, URL, bytes or Blob', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'anneal-idx-'))
    try {
      const path = join(folder, 'a.idx.gz')
      await writeFile(path, gzipSync(hand))
      for (const input of [path, new URL(`file://${path}`), hand, gzipSync(hand), new Blob([gzipSync(hand)])])
        expect((await readIdx(input)).shape).toEqual([2, 3])
      await expect(readIdx(join(folder, 'b'))).rejects.toMatchObject({
        name: 'DataError',
        code: 'file-not-found',
        where: join(folder, 'b'),
      })
      await expect(readIdx(folder)).rejects.toMatchObject({ name: 'DataError', code: 'file-unreadable' })
    } finally {
      await rm(folder, { recursive: true })
    }
  })

  test.each([
    ['cut short', gzipSync(hand).subarray(0, 20)],
    ['damaged', Uint8Array.from(gzipSync(hand), (byte, i) => (i === 15 ? byte ^ 0xff : byte))],
    ['followed by something else', Uint8Array.of(...gzipSync(hand), 1, 2, 3)],
  ])('a gzip that is %s is a FormatError', async (_, bytes) => {
    await expect(readIdx(bytes)).rejects.toMatchObject({ name: 'FormatError', code: 'gzip-corrupt' })
  })
})
