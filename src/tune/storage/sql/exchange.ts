import type { Connection, FieldDef, PoolClient } from 'pg'
import type { Row, Statement } from './database.js'

type Read = (text: string) => unknown
/** How the texts of a type are read, by the type's number; pg's `types.getTypeParser`. */
export type ReaderOf = (type: number, format: 'text') => Read

/** What is known of a statement's text: its name on all connections, and how its columns are read, once it has answered. */
interface Known {
  readonly name: string
  columns: readonly Read[] | null
}
/** What pg's connection does and its types say otherwise of. */
type Wire = {
  [K in 'parse' | 'bind' | 'describe' | 'execute']: (message: Readonly<Record<string, unknown>>) => void
} & Pick<Connection, 'stream' | 'sync'>

/**
 * Sends statements to a connection at one go, with one request for an answer at their end: one packet there, one back. They
 * are one transaction unless they say BEGIN and COMMIT; after the first that fails none is done. Each text is prepared once
 * for each connection.
 * @returns for each statement its rows
 */
export type Exchanges = (client: PoolClient, statements: readonly Statement[]) => Promise<readonly (readonly Row[])[]>

export function exchanges(readerOf: ReaderOf): Exchanges {
  const texts = new Map<string, Known>()
  const prepared = new WeakMap<object, Set<Known>>()
  const knownOf = (sql: string): Known => {
    let known = texts.get(sql)
    if (known === undefined) texts.set(sql, (known = { name: `anneal_${texts.size}`, columns: null }))
    return known
  }
  const submit = (wire: Wire, statements: readonly Statement[]): readonly Known[] => {
    let there = prepared.get(wire)
    if (there === undefined) prepared.set(wire, (there = new Set()))
    wire.stream.cork()
    try {
      return statements.map(({ sql, parameters }) => {
        const known = knownOf(sql)
        if (!there.has(known)) wire.parse({ name: known.name, text: sql })
        there.add(known)
        wire.bind({ statement: known.name, values: parameters.map(textOf) })
        if (known.columns === null) wire.describe({ type: 'P' })
        wire.execute({})
        return known
      })
    } finally {
      wire.sync()
      wire.stream.uncork()
    }
  }
  return (client, statements) =>
    new Promise((resolve, reject) => {
      const rows: Row[][] = statements.map(() => [])
      let sent: readonly Known[] = []
      let at = 0
      // A query as pg's client knows them.
      client.query({
        callback: (error: Error | null) => (error === null ? resolve(rows) : reject(error)),
        submit(connection: Connection) {
          sent = submit(connection as unknown as Wire, statements)
        },
        handleRowDescription({ fields }: { readonly fields: readonly FieldDef[] }) {
          sent[at]!.columns = fields.map(field => readerOf(field.dataTypeID, 'text'))
        },
        handleDataRow({ fields }: { readonly fields: readonly (string | null)[] }) {
          const columns = sent[at]!.columns!
          rows[at]!.push(fields.map((text, i) => (text === null ? null : columns[i]!(text))))
        },
        handleCommandComplete() {
          sent[at++]!.columns ??= []
        },
        handleError(error: Error) {
          this.callback(error)
        },
        handleReadyForQuery() {
          this.callback(null)
        },
      })
    })
}

/** A parameter as PostgreSQL reads it. */
function textOf(value: unknown): string | null {
  if (value === null || value === undefined) return null
  return Array.isArray(value) ? `{${value.map(elementOf).join(',')}}` : String(value)
}
const elementOf = (value: unknown): string =>
  value === null
    ? 'NULL'
    : typeof value === 'string'
      ? `"${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`
      : String(value)
