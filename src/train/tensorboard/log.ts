import type { FileHandle } from 'node:fs/promises'
import { DataError } from '../../ir/index.js'
import { versionMessage } from './messages.js'
import { concat, type Zlib } from './png.js'
import { frame } from './records.js'

/** A file, by its name in the folder, and how much of it is written. */
export interface LogPosition {
  readonly file: string
  readonly length: number
}

/** An event file that is being written. */
export interface EventLog {
  /** Takes a message to write; it is made when its turn comes, with node:zlib at hand. */
  add(make: (zlib: Zlib) => Uint8Array): void
  /** Waits until all is handed to the system. @throws DataError where it could not be written */
  flush(): Promise<void>
  close(): Promise<void>
  /** Of what is flushed; null before anything was. */
  position(): LogPosition | null
}

/**
 * An event file in a folder, opened at the first event. Events are written in the background as they come, whole records
 * at a time, and never changed: what a crash leaves is readable to the last record. `resume` goes on in a file of
 * before, from a length on; where it is gone or shorter, a new file is begun.
 */
export function eventLog(folder: string, clock: () => number, resume: LogPosition | null): EventLog {
  let pending: ((zlib: Zlib) => Uint8Array)[] = []
  let writing: Promise<void> | null = null
  let failure: DataError | null = null
  let opened: { handle: FileHandle; file: string; zlib: Zlib } | null = null
  let length = 0
  let closed = false

  const write = async (): Promise<void> => {
    try {
      if (opened === null) {
        const { zlib, ...place } = await openLog(folder, clock, resume)
        length = place.length
        opened = { zlib, ...place }
      }
      while (pending.length > 0) {
        const batch = pending
        pending = []
        const { zlib, handle } = opened
        const records = concat(batch.map(make => frame(make(zlib))))
        await handle.appendFile(records)
        length += records.length
      }
    } catch (error) {
      pending = []
      failure ??= unwritable(opened === null ? folder : `${folder}/${opened.file}`, error)
    } finally {
      writing = null
    }
  }
  const flush = async (): Promise<void> => {
    while (writing !== null) await writing
    if (failure !== null) throw failure
  }
  return {
    add: make => {
      if (closed)
        throw new DataError({ code: 'closed-log', where: folder, expected: 'an open log', received: 'a closed one' })
      pending.push(make)
      writing ??= write()
    },
    flush,
    close: async () => {
      closed = true
      try {
        await flush()
        await opened?.handle.datasync()
      } finally {
        await opened?.handle.close()
        opened = null
      }
    },
    position: () => (opened === null ? null : { file: opened.file, length }),
  }
}

async function openLog(folder: string, clock: () => number, resume: LogPosition | null) {
  const { mkdir, open, stat, truncate } = await import('node:fs/promises')
  const { join } = await import('node:path')
  const { hostname } = await import('node:os')
  const zlib = await import('node:zlib')
  if (resume !== null) {
    const path = join(folder, resume.file)
    const left = await stat(path).catch(() => undefined)
    if (left !== undefined && left.size >= resume.length) {
      await truncate(path, resume.length)
      return { handle: await open(path, 'a'), file: resume.file, zlib, length: resume.length }
    }
  }
  await mkdir(folder, { recursive: true })
  const seconds = String(Math.floor(clock())).padStart(10, '0')
  for (let n = 0; ; n++) {
    // TensorBoard reads the files of a folder in the order of their names.
    const file = `events.out.tfevents.${seconds}.${hostname()}.anneal.${process.pid}.${n}`
    const handle = await open(join(folder, file), 'ax').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'EEXIST') return null
      throw error
    })
    if (handle === null) continue
    const first = frame(versionMessage(clock()))
    await handle.appendFile(first)
    return { handle, file, zlib, length: first.length }
  }
}

const unwritable = (where: string, error: unknown) =>
  new DataError({
    code: 'unwritable-file',
    where,
    expected: 'a folder to write event files to',
    received: error instanceof Error ? error.message : String(error),
    cause: error,
  })
