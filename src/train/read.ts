import { DataError } from '../ir/index.js'

/** A file's bytes. @throws DataError if it cannot be read */
export async function readFile(path: string): Promise<Uint8Array> {
  const { readFile } = await import('node:fs/promises')
  try {
    return await readFile(path)
  } catch (cause) {
    throw new DataError({
      code: 'unreadable-file',
      where: path,
      expected: 'a file to read',
      received: cause instanceof Error ? cause.message : String(cause),
      cause,
    })
  }
}
