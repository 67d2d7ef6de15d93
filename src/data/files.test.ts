import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { gunzip } from './files.js'

test('bytes that are not gzip pass through', async () => {
  const bytes = Uint8Array.of(1, 2, 3)
  expect(await gunzip(bytes)).toBe(bytes)
})

test('a small file that unpacks without end is stopped', async () => {
  const bomb = gzipSync(new Uint8Array(50_000_000))
  await expect(gunzip(bomb, { limit: 1_000_000 })).rejects.toMatchObject({
    name: 'FormatError',
    code: 'gzip-too-large',
  })
})
