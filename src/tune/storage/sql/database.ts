import { RuntimeError } from '../../../ir/index.js'

/** SQL with its parameters, ready to be sent. */
export interface Statement {
  readonly sql: string
  readonly parameters: readonly unknown[]
}
export type Row = readonly unknown[]

/** What is sent together: writes as one transaction, then reads that see them. */
export interface Batch {
  /** Looks first, in the transaction; nothing is written where it does not like what it sees. */
  readonly guard?: { readonly statement: Statement; readonly holds: (rows: readonly Row[]) => boolean }
  readonly writes?: readonly Statement[]
  readonly reads?: readonly Statement[]
  /**
   * The writes must not be done twice: when the answer to them is lost, the database is asked for what they have left
   * behind, by which they can be told from those of others. Rows take the place of the answer; where there are none,
   * nothing was done, and it is done again.
   */
  readonly trace?: Statement
  /** The same for writes that are told only by the number of their transaction, which costs asking for it first. */
  readonly once?: (transaction: string) => Statement
  /**
   * The writes lock what everybody needs: let go of it before they have reached the disk, then wait for the disk. Nobody
   * is told of them earlier.
   */
  readonly contended?: boolean
}

export interface Answer {
  /** Whether the guard let the writes happen. */
  readonly held: boolean
  /** Rows of each write, then of each read. Of writes that did not happen, or whose answer was lost, there are none. */
  readonly rows: readonly (readonly Row[])[]
  /** What `trace` or `once` gave, at least one row, where the answer was lost. */
  readonly recovered: readonly Row[] | null
}

/** A connection, or several, to one database. Broken ones are renewed; what can be sent again safely is sent again. */
export interface Database {
  readonly kind: 'sqlite' | 'postgresql'
  /** Without a password. */
  readonly url: string
  run(batch: Batch): Promise<Answer>
  close(): Promise<void>
}

/** How often and how patiently something is tried: `first` ms, doubling up to `most`, each with some chance in it. */
export interface Patience {
  readonly tries: number
  readonly first: number
  readonly most: number
}

export const pause = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms))
export const pauseOf = ({ first, most }: Patience, attempt: number): number =>
  Math.min(first * 2 ** attempt, most) * (0.5 + Math.random())

/** What the database itself refused. */
export const databaseError = (url: string, error: unknown, code = 'database', hint?: string): RuntimeError =>
  new RuntimeError({
    code,
    where: url,
    expected: 'a database that does what it is asked',
    received: error instanceof Error ? error.message : String(error),
    ...(hint === undefined ? {} : { hint }),
    cause: error,
  })
