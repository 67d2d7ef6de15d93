import type { PoolClient } from 'pg'
import { ConfigError, RuntimeError } from '../../../ir/index.js'
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
import { exchanges } from './exchange.js'
import { closedError } from './sqlite.js'

/** About half a minute. */
const PATIENCE: Patience = { tries: 10, first: 100, most: 8000 }
/** Connections of one process; they are opened as they are needed. */
const CONNECTIONS = 4
const BEGIN: Statement = { sql: 'BEGIN ISOLATION LEVEL READ COMMITTED', parameters: [] }
const COMMIT: Statement = { sql: 'COMMIT', parameters: [] }
const TRANSACTION: Statement = { sql: 'SELECT CAST(txid_current() AS TEXT)', parameters: [] }
const RELAX: Statement = { sql: 'SET LOCAL synchronous_commit TO OFF', parameters: [] }
/**
 * Plans are made once, while tables may be empty, and kept while they grow: they are to go by the indices, which serve small
 * tables as well.
 */
const PLANS: Statement = {
  sql: `SELECT set_config(name, value, false) FROM (VALUES ('plan_cache_mode', 'force_generic_plan'),
    ('enable_seqscan', 'off'), ('enable_hashjoin', 'off'), ('enable_mergejoin', 'off'), ('jit', 'off')) AS t(name, value)
    WHERE current_setting(name, true) IS NOT NULL`,
  parameters: [],
}
/** A write of no meaning, whose commit waits until it and all before it have reached the disk. */
const FLUSH: Statement = { sql: `SELECT pg_logical_emit_message(true, 'anneal', '')`, parameters: [] }

/**
 * A PostgreSQL database through a few connections. What belongs together is sent together, without waiting for answers in
 * between. A connection that breaks is made anew, with growing pauses; what was under way is sent again where that does no
 * harm, and where it does the database is asked whether it has done it.
 * @throws ConfigError where the database refuses the user or does not exist; RuntimeError where it cannot be reached
 */
export async function postgresDatabase(
  connection: string,
  url: string,
  patience: Patience = PATIENCE,
): Promise<Database> {
  const { default: pg } = await import('pg').catch((error: unknown) => {
    throw new RuntimeError({
      code: 'no-driver',
      where: url,
      expected: 'the package pg',
      received: error instanceof Error ? error.message : String(error),
      hint: 'npm install pg',
      cause: error,
    })
  })
  const application = `anneal ${crypto.randomUUID()}`
  let pool: InstanceType<typeof pg.Pool>
  try {
    pool = new pg.Pool({
      connectionString: connection,
      max: CONNECTIONS,
      connectionTimeoutMillis: 15_000,
      idleTimeoutMillis: 60_000, // a new one has all statements to plan again
      keepAlive: true,
      application_name: application,
      allowExitOnIdle: true,
    })
  } catch (error) {
    throw new ConfigError({
      code: 'storage-url',
      where: 'storage',
      expected: 'postgresql://user:password@host:5432/database',
      received: url,
      cause: error,
    })
  }
  // A connection that breaks is told of by its queries, and replaced when one is needed.
  pool.on('error', () => {})
  pool.on('connect', client => client.on('error', () => {}))

  const exchange = exchanges(pg.types.getTypeParser)
  const ready = new WeakSet<PoolClient>()
  const patiently = async <T>(work: (session: Session, lost: AnswerLost | null) => Promise<T>): Promise<T> => {
    let lost: AnswerLost | null = null
    for (let attempt = 0; ; attempt++) {
      let client: PoolClient | null = null
      try {
        const own = await pool.connect()
        client = own
        if (!ready.has(own)) await exchange(own, [PLANS])
        ready.add(own)
        const result = await work(
          {
            // Of pg's client, which its types leave out.
            process: (own as PoolClient & { readonly processID: number }).processID,
            application,
            send: statements => exchange(own, statements),
          },
          lost,
        )
        own.release()
        return result
      } catch (error) {
        const cause = unwrapped(error)
        // What a failed transaction leaves behind goes with its connection.
        client?.release(true)
        if (error instanceof AnswerLost) lost = error
        if (!isConnection(cause) && !isConflict(cause)) throw translated(cause, url)
        if (attempt + 1 >= patience.tries)
          throw new RuntimeError({
            code: 'database-lost',
            where: url,
            expected: 'a database that can be reached',
            received: messageOf(cause),
            hint: `tried ${patience.tries} times; what was written before is safe`,
            cause,
          })
        await pause(pauseOf(patience, attempt))
      }
    }
  }

  let canFlush: boolean
  try {
    canFlush = await patiently(session =>
      session.send([FLUSH]).then(
        () => true,
        (error: unknown) => {
          if (isConnection(error)) throw error
          return false // a server for reading only, or one that is not quite PostgreSQL
        },
      ),
    )
  } catch (error) {
    await pool.end()
    throw error
  }
  return {
    kind: 'postgresql',
    url,
    run: async given => {
      if (pool.ending) throw closedError(url)
      const batch = { ...given, contended: canFlush && given.contended === true }
      return patiently(async (client, lost) => (lost === null ? runBatch(client, batch) : recover(client, batch, lost)))
    },
    close: async () => {
      if (!pool.ending) await pool.end()
    },
  }
}

async function runBatch(session: Session, batch: Batch): Promise<Answer> {
  const { guard, writes = [], reads = [], trace, once, contended = false } = batch
  if (writes.length === 0) return { held: true, rows: await session.send(reads), recovered: null }
  // A guard is asked before anything else is sent; and so is the transaction's number, where one may have to ask later what
  // became of it.
  const first = [...(guard === undefined ? [] : [guard.statement]), ...(once === undefined ? [] : [TRANSACTION])]
  const ahead = first.length === 0 ? null : (await session.send([BEGIN, ...first])).slice(1)
  if (guard !== undefined && !guard.holds(ahead![0]!)) {
    const rows = await session.send([COMMIT, ...reads])
    return { held: false, rows: [...writes.map(() => []), ...rows.slice(1)], recovered: null }
  }
  // One statement is a transaction by itself.
  const alone = writes.length === 1 && ahead === null && !contended
  const before = [...(alone || ahead !== null ? [] : [BEGIN]), ...(contended ? [RELAX] : [])]
  const after = [...(alone ? [] : [COMMIT]), ...(contended ? [FLUSH] : [])]
  try {
    const rows = await session.send([...before, ...writes, ...after, ...reads])
    const written = rows.slice(before.length, before.length + writes.length)
    return { held: true, rows: [...written, ...lastOf(rows, reads)], recovered: null }
  } catch (error) {
    if (!isConnection(error) || (once === undefined && trace === undefined)) throw error
    throw new AnswerLost(session.process, once === undefined ? null : `${ahead!.at(-1)![0]![0]}`, error)
  }
}

/** After a lost answer: what was done is not done again. */
async function recover(session: Session, batch: Batch, lost: AnswerLost): Promise<Answer> {
  const { writes = [], reads = [], once, trace } = batch
  // The server may not have noticed yet that nobody listens, and go on with it.
  for (let i = 0; ; i++) {
    const [rows] = await session.send([{ sql: WORKING, parameters: [lost.process, session.application] }])
    if (rows!.length === 0) break
    if (i > 200) throw new Error('connection terminated, its work still in progress')
    await pause(50)
  }
  if (lost.transaction !== null && !(await isCommitted(session, lost.transaction))) return runBatch(session, batch)
  const found = trace ?? once!(lost.transaction!)
  const rows = await session.send([found, ...(batch.contended ? [FLUSH] : []), ...reads])
  // After a fall a server may give the number of a transaction that left no trace to another one.
  if (rows[0]!.length === 0) return runBatch(session, batch)
  return { held: true, rows: [...writes.map(() => []), ...lastOf(rows, reads)], recovered: rows[0]! }
}

/** Whether the server process of a connection that broke still works; tells it to end. */
const WORKING =
  'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = CAST($1 AS INTEGER) AND application_name = $2'

async function isCommitted(session: Session, transaction: string): Promise<boolean> {
  try {
    const status = { sql: 'SELECT txid_status(CAST($1 AS BIGINT))', parameters: [transaction] }
    return (await session.send([status]))[0]![0]?.[0] === 'committed'
  } catch (error) {
    // A number the server does not remember giving: it fell before anything of the transaction reached its disk.
    if (codeOf(error) === '22023') return false
    throw error
  }
}

const lastOf = (rows: readonly (readonly Row[])[], reads: readonly Statement[]): readonly (readonly Row[])[] =>
  reads.length === 0 ? [] : rows.slice(-reads.length)

/** A connection while it is somebody's. */
interface Session {
  /** The number of the process that serves it. */
  readonly process: number
  /** The name that all connections of this storage go by, and no others. */
  readonly application: string
  /** Sends statements at one go, and waits for all answers. @throws the error of the first that fails */
  send(statements: readonly Statement[]): Promise<readonly (readonly Row[])[]>
}

/** The answer to writes that a process of the server was given did not come. */
class AnswerLost extends Error {
  readonly process: number
  readonly transaction: string | null
  constructor(process: number, transaction: string | null, cause: unknown) {
    super('answer lost', { cause })
    this.process = process
    this.transaction = transaction
  }
}
const unwrapped = (error: unknown): unknown => (error instanceof AnswerLost ? error.cause : error)

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''
const messageOf = (error: unknown): string => {
  if (error instanceof AggregateError) return error.errors.map(messageOf).join('; ')
  return error instanceof Error ? error.message : String(error)
}

/** Whether a connection broke, could not be made, or was sent away by a server that ends or begins. */
function isConnection(error: unknown): boolean {
  if (error instanceof AggregateError) return error.errors.every(isConnection)
  const code = codeOf(error)
  return (
    /^(08...|57P0[123]|53300)$/.test(code) ||
    /^(ECONN|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|EAI_AGAIN|ENOENT)/.test(code) ||
    (code === '' &&
      /connection (terminated|ended|error)|timeout|not queryable|closed the connection/i.test(messageOf(error)))
  )
}
/** Rolled back for the sake of others: another try is in order. */
const isConflict = (error: unknown): boolean => ['40001', '40P01', '55P03'].includes(codeOf(error))

function translated(error: unknown, url: string): Error {
  const code = codeOf(error)
  if (['28P01', '28000', '3D000', '42501', 'ENOTFOUND'].includes(code))
    return new ConfigError({
      code: 'database-access',
      where: url,
      expected: code === 'ENOTFOUND' ? 'a host that is known' : 'a database that this user may work with',
      received: messageOf(error),
      cause: error,
    })
  return databaseError(url, error)
}
