import { closeSync, existsSync, fstatSync, fsyncSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { ConfigError, FormatError, RuntimeError } from '../../../ir/index.js'
import { parseJson, stringifyJson } from '../../json.js'
import { isRecord, type Operation } from './operations.js'

/** Bytes read at a time. */
const CHUNK = 1 << 20
const NEWLINE = 0x0a

/** A file of operations, one a line, that only ever grows. */
export interface JournalFile {
  /** Absolute. */
  readonly path: string
  /** The operations that have come since the last time. */
  read(): Operation[]
  /** Adds operations and waits until they have reached the disk. Only while holding the lock, and after a read. */
  append(operations: readonly Operation[]): void
}

/** @throws ConfigError where the file cannot be opened or made */
export function journalFile(given: string): JournalFile {
  const path = resolve(given)
  try {
    closeSync(openSync(path, 'a'))
  } catch (error) {
    // One that may only be read is enough for reading.
    if (!existsSync(path))
      throw new ConfigError({
        code: 'storage-path',
        where: path,
        expected: 'a file that can be opened',
        received: existsSync(dirname(path)) ? messageOf(error) : `${path}, in a folder that is not there`,
        cause: error,
      })
  }
  const failed = (code: string, expected: string, cause: unknown, hint?: string) =>
    new RuntimeError({
      code,
      where: path,
      expected,
      received: messageOf(cause),
      ...(hint === undefined ? {} : { hint }),
      cause,
    })
  const opened = (flags: string): number => {
    try {
      return openSync(path, flags)
    } catch (error) {
      throw failed('storage-path', `a file that can be ${flags === 'r' ? 'read' : 'written to'}`, error)
    }
  }
  /** Up to here whole lines have been read. */
  let offset = 0
  let lines = 0
  const parse = (line: string): Operation => {
    const json = parseJson(line, `${path}, line ${lines + 1}`)
    if (!isRecord(json) || typeof json.op_code !== 'number')
      throw new FormatError({
        code: 'bad-journal',
        where: `${path}, line ${lines + 1}`,
        expected: 'an operation: {"op_code": …}',
        received: line.slice(0, 80),
      })
    return json as Operation // what it holds is looked at when it is applied
  }
  const take = (text: string, atEnd: boolean): Operation[] => {
    const operations: Operation[] = []
    const found = text.split('\n')
    found.pop() // after the last newline
    for (const [i, line] of found.entries()) {
      if (line.trim() !== '')
        try {
          operations.push(parse(line))
        } catch (error) {
          // On network drives the end of a line may be there before its middle: next time.
          if (atEnd && i === found.length - 1 && lines > 0) break
          throw error
        }
      offset += Buffer.byteLength(line) + 1
      lines++
    }
    return operations
  }
  return {
    path,
    read: () => {
      const fd = opened('r')
      try {
        const { size } = fstatSync(fd)
        if (size < offset)
          throw new FormatError({
            code: 'bad-journal',
            where: path,
            expected: `at least the ${offset} bytes read before`,
            received: size,
            hint: 'a journal only grows: the file was replaced',
          })
        const operations: Operation[] = []
        let rest: Buffer = Buffer.alloc(0)
        for (let at = offset; at < size; ) {
          const chunk = Buffer.alloc(Math.min(CHUNK, size - at))
          const got = readSync(fd, chunk, 0, chunk.length, at)
          if (got === 0) break
          at += got
          const bytes = Buffer.concat([rest, chunk.subarray(0, got)])
          const end = bytes.lastIndexOf(NEWLINE) + 1
          rest = bytes.subarray(end)
          if (lines === 0 && offset === 0 && bytes[0] !== 0x7b) throw notJournal(path, bytes)
          const before = offset
          operations.push(...take(bytes.toString('utf8', 0, end), at >= size && rest.length === 0))
          if (offset - before < end) break
        }
        return operations
      } finally {
        closeSync(fd)
      }
    },
    append: operations => {
      const bytes = Buffer.from(operations.map(operation => `${stringifyJson(operation)}\n`).join(''))
      const fd = opened('r+')
      try {
        // What is behind the last whole line was left by a process that died while writing.
        if (fstatSync(fd).size > offset) ftruncateSync(fd, offset)
        try {
          for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at, bytes.length - at, offset + at)
          fsyncSync(fd)
        } catch (error) {
          throw failed('journal-write', 'a file that can be written to', error, 'what was written before is safe')
        }
        offset += bytes.length
        lines += operations.length
      } finally {
        closeSync(fd)
      }
    },
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

const notJournal = (path: string, bytes: Buffer) =>
  new FormatError({
    code: 'bad-journal',
    where: path,
    expected: 'lines that begin with {"op_code"',
    received: bytes.toString('latin1', 0, 16),
    ...(bytes.toString('latin1', 0, 15) === 'SQLite format 3' ? { hint: 'sqlite:///file.db opens a SQLite file' } : {}),
  })
