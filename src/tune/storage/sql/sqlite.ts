import { accessSync, constants, existsSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import type LibsqlDatabase from 'libsql'
import { ConfigError, FormatError, RuntimeError } from '../../../ir/index.js'
import {
  type Answer,
  type Batch,
  type Database,
  databaseError,
  type Patience,
  pause,
  pauseOf,
  type Row,
  type Statement,
} from './database.js'

/** A statement and what it is run with. */
interface Prepared {
  all(parameters: readonly unknown[]): Row[]
}

/** About a minute; a lock is held for milliseconds. */
const PATIENCE: Patience = { tries: 400, first: 2, most: 150 }
/** Milliseconds within which SQLite itself waits for a lock, and the process with it. */
const BUSY = 50
/** Milliseconds without a turn of the event loop. */
const TURN = 20

/**
 * A SQLite file (or `:memory:`). Transactions run at a stretch, without a turn of the event loop, so that a lock is never
 * held while the process does other things. The log is written ahead (WAL), which other processes follow; it survives the
 * end of the process at any point, and the end of the machine up to the last moments.
 * @throws ConfigError where the file cannot be opened, FormatError where it is no database
 */
export async function sqliteDatabase(path: string, url: string): Promise<Database> {
  const Driver = await import('libsql').then(
    module => module.default,
    (error: unknown) => {
      throw new RuntimeError({
        code: 'no-driver',
        where: url,
        expected: 'the package libsql, prebuilt for this system',
        received: error instanceof Error ? error.message : String(error),
        hint: 'npm install libsql; or keep the study in journal:///file.log',
        cause: error,
      })
    },
  )
  let db: LibsqlDatabase.Database
  try {
    db = new Driver(path, { timeout: BUSY })
  } catch (error) {
    throw new ConfigError({
      code: 'storage-path',
      where: url,
      expected: 'a file that can be opened',
      received: obstacle(path),
      cause: error,
    })
  }
  const statements = new Map<string, Prepared>()
  const prepare = (sql: string): Prepared => {
    const known = statements.get(sql)
    if (known !== undefined) return known
    const statement = db.prepare(sql)
    // The types of `all` say unknown[]; raw gives arrays.
    const prepared: Prepared = (statement.reader ? statement.raw() : statement) as unknown as Prepared
    statements.set(sql, prepared)
    return prepared
  }
  const all = ({ sql, parameters }: Statement): readonly Row[] => prepare(sql).all(parameters)
  /** Rows of the writes; null where the guard forbade them. */
  const transaction = (writes: readonly Statement[], guard: Batch['guard']): (readonly Row[])[] | null => {
    db.exec('BEGIN IMMEDIATE')
    try {
      const holds = guard === undefined || guard.holds(all(guard.statement))
      const rows = holds ? writes.map(all) : null
      db.exec('COMMIT')
      return rows
    } catch (error) {
      if (db.inTransaction) db.exec('ROLLBACK')
      throw error
    }
  }
  const patiently = async <T>(work: () => T): Promise<T> => {
    for (let attempt = 0; ; attempt++)
      try {
        return work()
      } catch (error) {
        if (!isBusy(error)) throw translated(error, url)
        if (attempt >= PATIENCE.tries)
          throw new RuntimeError({
            code: 'database-locked',
            where: url,
            expected: 'a lock that is let go of within a minute',
            received: 'another process keeps it',
            hint: 'many writers at a time are better served by PostgreSQL',
            cause: error,
          })
        await pause(pauseOf(PATIENCE, Math.min(attempt, 10)))
      }
  }
  let closed = false
  let turned = performance.now()
  try {
    await patiently(() => {
      // A file that may only be read keeps its mode.
      if (modeOf(db) !== 'wal') attempt(() => db.pragma('journal_mode = WAL'), isReadOnly)
      db.pragma('synchronous = NORMAL')
    })
  } catch (error) {
    db.close()
    throw error
  }
  return {
    kind: 'sqlite',
    url,
    run: async ({ guard, writes = [], reads = [] }): Promise<Answer> => {
      if (closed) throw closedError(url)
      // Nothing here takes a turn of the event loop by itself; but what the driver is done with is only freed in one.
      if (performance.now() - turned > TURN) {
        await new Promise(resolve => setImmediate(resolve))
        turned = performance.now()
      }
      // Each part by itself: after a commit, only the reads are tried again.
      const written = writes.length === 0 ? [] : await patiently(() => transaction(writes, guard))
      const read: (readonly Row[])[] = []
      for (const statement of reads) read.push(await patiently(() => all(statement)))
      return { held: written !== null, rows: [...(written ?? writes.map(() => [])), ...read], recovered: null }
    },
    close: async () => {
      if (closed) return
      closed = true
      statements.clear()
      db.close()
    },
  }
}

export const closedError = (url: string) =>
  new RuntimeError({ code: 'storage-closed', where: url, expected: 'an open storage', received: 'a closed one' })

const modeOf = (db: LibsqlDatabase.Database): unknown => {
  const [row] = db.prepare('PRAGMA journal_mode').raw().all([]) as unknown as Row[]
  return row?.[0]
}
/** SQLite's primary result codes. */
const SQLITE = { busy: 5, locked: 6, readOnly: 8, full: 13, cannotOpen: 14, protocol: 15, notDatabase: 26 } as const
/** What went wrong: the last byte of the code, which the driver does not name in all its forms. */
const codeOf = (error: unknown): number =>
  error instanceof Error && 'rawCode' in error && typeof error.rawCode === 'number' ? error.rawCode & 0xff : 0
const isBusy = (error: unknown): boolean =>
  ([SQLITE.busy, SQLITE.locked, SQLITE.protocol] as readonly number[]).includes(codeOf(error))
const isReadOnly = (error: unknown): boolean => codeOf(error) === SQLITE.readOnly

/** Why a file cannot be opened, as far as the system tells. */
function obstacle(path: string): string {
  if (!existsSync(dirname(path))) return `${path}, in a folder that is not there`
  try {
    accessSync(existsSync(path) ? path : dirname(path), constants.R_OK | constants.W_OK)
    return existsSync(path) && !statSync(path).isFile() ? `${path}, which is no file` : path
  } catch (error) {
    return error instanceof Error ? error.message : path
  }
}

function attempt(work: () => unknown, expected: (error: unknown) => boolean): void {
  try {
    work()
  } catch (error) {
    if (!expected(error)) throw error
  }
}

function translated(error: unknown, url: string): Error {
  const code = codeOf(error)
  if (code === SQLITE.notDatabase)
    return new FormatError({
      code: 'not-sqlite',
      where: url,
      expected: 'a SQLite database',
      received: 'a file of another kind',
      hint: 'a file of lines that begin with {"op_code" is a journal: journal:///file.log',
      cause: error,
    })
  if (code === SQLITE.full) return databaseError(url, error, 'disk-full', 'make room: what was written before is safe')
  if (code === SQLITE.cannotOpen)
    return databaseError(
      url,
      error,
      'storage-path',
      'SQLite writes files beside the database: it takes a folder that can be written to',
    )
  return isReadOnly(error)
    ? databaseError(url, error, 'database-read-only', 'it takes a file, and a folder around it, that can be written to')
    : databaseError(url, error)
}
