import { DataError } from '../ir/index.js'

/**
 * Writes a file under a temporary name and renames it: a reader never sees half of it, and what is there after a crash
 * is whole: the one before, or this one.
 * @throws DataError if it cannot
 */
export async function writeFileAtomic(path: string, data: Uint8Array | string): Promise<void> {
  const { mkdir, open, rename, rm } = await import('node:fs/promises')
  const { dirname } = await import('node:path')
  // Several writers of one path do not meet: the last to finish wins, whole.
  const temporary = `${path}.${crypto.randomUUID()}.tmp`
  try {
    await mkdir(dirname(path), { recursive: true })
    const file = await open(temporary, 'w')
    try {
      await file.writeFile(data)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, path)
    await syncFolder(dirname(path))
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {}) // the error that counts is the one below
    throw unwritable(path, error)
  }
}

/** The error for a file that cannot be written. */
export const unwritable = (path: string, cause: unknown) =>
  new DataError({
    code: 'unwritable-file',
    where: path,
    expected: 'a place to write to',
    received: cause instanceof Error ? cause.message : String(cause),
    cause,
  })

/** Makes a renaming last: it is an entry of the folder. Not every system can open a folder for this. */
async function syncFolder(path: string): Promise<void> {
  const { open } = await import('node:fs/promises')
  const folder = await open(path, 'r').catch(() => null)
  if (folder === null) return
  try {
    await folder.sync()
  } catch {
    // Such a system keeps its folders in order by itself.
  } finally {
    await folder.close()
  }
}
