import { unwritable } from '../write.js'

/** A text file that a run adds lines to, and takes lines back from when it is resumed at an earlier epoch. */
export interface LogFile {
  /** The next line begins the file anew, or goes to its end with `append`. */
  begin(): Promise<void>
  /** Adds text; `first` stands before it where the file is still empty. */
  add(text: string, first?: string): Promise<void>
  /** Bytes in the file that are not to be taken back. */
  length(): number
  /** Goes on after so many bytes. */
  resume(length: number): void
}

export function logFile(path: string, append: boolean): LogFile {
  let length = 0
  return {
    begin: () =>
      explained(path, async () => {
        const { stat } = await import('node:fs/promises')
        length = append ? await stat(path).then(found => found.size, whenMissing) : 0
      }),
    add: (text, first = '') =>
      explained(path, async () => {
        const { mkdir, open } = await import('node:fs/promises')
        const { dirname } = await import('node:path')
        await mkdir(dirname(path), { recursive: true })
        const file = await open(path, 'a')
        try {
          const { size } = await file.stat()
          // A run that was killed may have written more than its checkpoint knows, or half a line.
          const keep = Math.min(length, size)
          if (keep < size) await file.truncate(keep)
          const bytes = new TextEncoder().encode((keep === 0 ? first : '') + text)
          await file.appendFile(bytes)
          length = keep + bytes.length
        } finally {
          await file.close()
        }
      }),
    length: () => length,
    resume: given => {
      length = given
    },
  }
}

function whenMissing(error: NodeJS.ErrnoException): number {
  if (error.code === 'ENOENT') return 0
  throw error
}

async function explained<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    throw unwritable(path, cause)
  }
}
