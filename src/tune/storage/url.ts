import { ConfigError } from '../../ir/index.js'

/** What a storage's URL asks for. */
export type Location =
  | { readonly kind: 'memory' }
  | { readonly kind: 'sqlite'; readonly path: string }
  | { readonly kind: 'postgresql'; readonly connection: string }
  | { readonly kind: 'journal'; readonly path: string }

/** Optuna's tables have had this number ever since; URLs may mention it. */
const SCHEMA_VERSION = '12'

/** A URL fit to be shown: without its password. */
export const withoutPassword = (url: string): string =>
  url
    // Up to the last @ of the authority: passwords may hold @ and / where somebody forgot to write them as %40 and %2F.
    .replace(/^([a-z][a-z0-9+.-]*:\/\/[^:/?#@]*):.*@(?=[^@]*$)/i, '$1:***@')
    .replace(/([?&](?:password|sslpassword)=)[^&#]*/gi, '$1***')

/**
 * Reads a storage's URL, in Optuna's forms: `sqlite:///relative.db`, `sqlite:////absolute.db`, `sqlite:///:memory:`,
 * `postgresql://user:password@host:5432/database` (also `+psycopg2` and the like, which name Python's drivers),
 * `journal:///relative.log`, `memory`.
 * @throws ConfigError for any other
 */
export function parseStorageUrl(url: string): Location {
  const refuse = (expected: string, hint?: string): never => {
    throw new ConfigError({
      code: 'storage-url',
      where: 'storage',
      expected,
      received: withoutPassword(url),
      ...(hint === undefined ? {} : { hint }),
    })
  }
  if (url === 'memory') return { kind: 'memory' }
  const filled = url.replace(/\{SCHEMA_VERSION\}|\{\{|\}\}/g, token =>
    token === '{SCHEMA_VERSION}' ? SCHEMA_VERSION : token[0]!,
  )
  const match = /^([a-z]+)(\+[a-z0-9_]+)?:\/\/(.*)$/is.exec(filled)
  const path = (rest: string, form: string): string => {
    // The first slash ends the authority, which files have none of.
    if (!rest.startsWith('/') || rest === '/') return refuse(form)
    return rest.slice(1).replace(/\?.*$/s, '')
  }
  switch (match?.[1]?.toLowerCase()) {
    case 'sqlite': {
      const rest = match![3]!
      if (rest === '' || rest === '/') return { kind: 'sqlite', path: ':memory:' }
      return { kind: 'sqlite', path: path(rest, 'sqlite:///relative.db or sqlite:////absolute.db') }
    }
    case 'journal':
      return { kind: 'journal', path: path(match![3]!, 'journal:///relative.log or journal:////absolute.log') }
    case 'postgresql':
    case 'postgres':
      return { kind: 'postgresql', connection: `postgresql://${match![3]!}` }
    case 'mysql':
    case 'mariadb':
      return refuse('a SQLite or PostgreSQL database', 'MySQL is not supported; PostgreSQL serves many machines')
    case 'redis':
      return refuse('a SQLite or PostgreSQL database, or a journal file', 'Redis is not supported')
    default:
      return refuse('memory, sqlite:///file.db, postgresql://user@host/database or journal:///file.log')
  }
}
