import { FormatError } from '../../../ir/index.js'
import { type Database, pause, type Row, type Statement } from './database.js'
import { schemaStatements, TABLE_NAMES } from './tables.js'

/** The version written: that of Optuna 3.2 and all after it. The one before has the same tables, and one index less. */
const VERSION = 'v3.2.0.a'
const READABLE: readonly string[] = ['v3.0.0.d', VERSION]
/** Versions of Optuna's whose tables differ. */
const OLD: readonly string[] = [
  'v0.9.0.a',
  'v1.2.0.a',
  'v1.3.0.a',
  'v2.4.0.a',
  'v2.6.0.a',
  'v3.0.0.a',
  'v3.0.0.b',
  'v3.0.0.c',
]
const LIBRARY = 'anneal'
/** Frozen: versions are told by alembic_version since. */
const SCHEMA_NUMBER = 12

const plain = (sql: string, parameters: readonly unknown[] = []): Statement => ({ sql, parameters })

interface State {
  readonly missing: readonly string[]
  readonly versions: readonly string[]
  readonly library: { readonly schema: number; readonly name: string } | null
}

/**
 * Makes the tables of an empty database, and refuses one whose version is not known. A database that is whole is not
 * written to.
 * @throws FormatError `schema-version`, `schema`
 */
export async function prepareSchema(database: Database): Promise<void> {
  let state = await stateOf(database)
  if (state.missing.length === TABLE_NAMES.length) {
    await create(database)
    state = await stateOf(database)
  }
  // Python makes tables first and says their version a moment later.
  for (let i = 0; i < 30 && (state.missing.length > 0 || state.versions.length === 0); i++) {
    await pause(100)
    state = await stateOf(database)
  }
  if (state.missing.length > 0 && !isOld(state))
    throw new FormatError({
      code: 'schema',
      where: database.url,
      expected: "an empty database, or one with all of Optuna's tables",
      received: `one without ${state.missing.join(', ')}`,
      hint: 'give the study a database or schema of its own',
    })
  if (state.versions.length === 0 && state.library?.schema === SCHEMA_NUMBER) {
    await database.run({ writes: [plain(`INSERT INTO alembic_version (version_num) VALUES ('${VERSION}')`)] })
    return
  }
  if (state.versions.length === 1 && READABLE.includes(state.versions[0]!)) return
  const version = state.versions.join(', ') || `without a version, by Optuna ${state.library?.name ?? 'of old'}`
  throw new FormatError({
    code: 'schema-version',
    where: database.url,
    expected: `a database of version ${READABLE.join(' or ')}`,
    received: state.library === null ? version : `${version}, written by ${state.library.name}`,
    hint: isOld(state)
      ? "Optuna's `optuna storage upgrade --storage URL` brings it up to date"
      : 'it comes from a newer Optuna: a newer anneal may know it; no data was touched',
  })
}

const isOld = ({ versions, library }: State): boolean =>
  versions.length === 0 ? library !== null && library.schema !== SCHEMA_NUMBER : versions.every(v => OLD.includes(v))

async function stateOf(database: Database): Promise<State> {
  const list =
    database.kind === 'sqlite'
      ? "SELECT name FROM sqlite_master WHERE type = 'table'"
      : 'SELECT CAST(tablename AS TEXT) FROM pg_tables WHERE schemaname = ANY(current_schemas(false))'
  const read = async (sql: string): Promise<readonly Row[]> => (await database.run({ reads: [plain(sql)] })).rows[0]!
  const there = new Set((await read(list)).map(row => row[0]))
  const missing = TABLE_NAMES.filter(name => !there.has(name))
  const versions = there.has('alembic_version')
    ? (await read('SELECT version_num FROM alembic_version')).map(row => `${row[0]}`)
    : []
  const [info] = there.has('version_info') ? await read('SELECT schema_version, library_version FROM version_info') : []
  return {
    missing,
    versions,
    library: info === undefined ? null : { schema: Number(info[0]), name: `${info[1]}` },
  }
}

async function create(database: Database): Promise<void> {
  await database.run({
    writes: [
      // One worker at a time; SQLite's transactions see to it by themselves.
      ...(database.kind === 'postgresql' ? [plain(`SELECT pg_advisory_xact_lock(hashtext('anneal schema'))`)] : []),
      ...schemaStatements(database.kind).map(sql => plain(sql)),
      plain(`INSERT INTO version_info (version_info_id, schema_version, library_version)
        SELECT 1, ${SCHEMA_NUMBER}, '${LIBRARY}' WHERE NOT EXISTS (SELECT 1 FROM version_info)`),
      plain(`INSERT INTO alembic_version (version_num)
        SELECT '${VERSION}' WHERE NOT EXISTS (SELECT 1 FROM alembic_version)`),
    ],
  })
}
