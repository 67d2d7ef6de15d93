import { DataError, FormatError } from '../ir/index.js'

/** A file by path or `file:` URL (where there is a file system), one chosen in a browser, or bytes at hand. */
export type FileInput = string | URL | Blob | Uint8Array

/** What to call an input in an error. */
export function nameOf(input: FileInput): string {
  if (typeof input === 'string') return input
  if (input instanceof URL) return input.href
  if (input instanceof Blob) return 'name' in input && typeof input.name === 'string' ? input.name : 'blob'
  return 'bytes'
}

/** A file's bytes, from its beginning, in pieces. */
export async function* piecesOf(input: FileInput): AsyncGenerator<Uint8Array, void, undefined> {
  if (input instanceof Uint8Array) yield input
  else if (input instanceof Blob) yield* input.stream()
  else {
    const { createReadStream } = await fileSystem(input)
    try {
      for await (const piece of createReadStream(input)) yield piece
    } catch (cause) {
      throw unreadable(input, cause)
    }
  }
}

/** All bytes of a file. */
export async function bytesIn(input: FileInput): Promise<Uint8Array> {
  if (input instanceof Uint8Array) return input
  if (input instanceof Blob) return new Uint8Array(await input.arrayBuffer())
  const { promises } = await fileSystem(input)
  try {
    return await promises.readFile(input)
  } catch (cause) {
    throw unreadable(input, cause)
  }
}

async function fileSystem(input: string | URL): Promise<typeof import('node:fs')> {
  try {
    return await import('node:fs')
  } catch (cause) {
    throw new DataError({
      code: 'no-file-system',
      where: nameOf(input),
      expected: 'Node, where paths can be read',
      received: 'a place without a file system',
      hint: 'give a File or Blob instead of a path',
      cause,
    })
  }
}

function unreadable(input: string | URL, cause: unknown): DataError {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown'
  return new DataError({
    code: code === 'ENOENT' ? 'file-not-found' : 'file-unreadable',
    where: nameOf(input),
    expected: 'a file that can be read',
    received: code,
    cause,
  })
}

export interface GunzipOptions {
  /** Name for errors. */
  where?: string
  /** Refuses to unpack more bytes than this: a small file can hold endless zeros. Default 2 GiB. */
  limit?: number
}

/** Bytes as they are, or unpacked when they begin as gzip does. */
export async function gunzip(
  bytes: Uint8Array,
  { where = 'gzip', limit = 2 ** 31 }: GunzipOptions = {},
): Promise<Uint8Array> {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes
  const pieces: Uint8Array[] = []
  let size = 0
  try {
    // Blob wants memory that is not shared, which a Uint8Array's type leaves open.
    const unpacked = new Blob([bytes as Uint8Array<ArrayBuffer>]).stream().pipeThrough(new DecompressionStream('gzip'))
    for await (const piece of unpacked) {
      pieces.push(piece)
      size += piece.length
      if (size > limit) break
    }
  } catch (cause) {
    const received = cause instanceof Error ? cause.message : String(cause)
    throw new FormatError({
      code: 'gzip-corrupt',
      where: `${where}, after ${size} unpacked bytes`,
      expected: 'one whole gzip stream',
      received,
      hint: 'fetch the file again',
      cause,
    })
  }
  if (size > limit)
    throw new FormatError({
      code: 'gzip-too-large',
      where,
      expected: `at most ${limit} bytes unpacked`,
      received: 'more',
    })
  const out = new Uint8Array(size)
  let at = 0
  for (const piece of pieces) {
    out.set(piece, at)
    at += piece.length
  }
  return out
}
