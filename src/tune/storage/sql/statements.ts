import {
  DummyDriver,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type RawBuilder,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
  sql,
} from 'kysely'
import type { Statement } from './database.js'

/** Where a value goes that is known only when the statement is run. */
class Slot {
  readonly name: string
  constructor(name: string) {
    this.name = name
  }
}
export const slot = (name: string): RawBuilder<unknown> => sql`${new Slot(name)}`
/** A statement whose text is made once, and that is run with values for its slots. */
export type Prepared = (values: Readonly<Record<string, unknown>>) => Statement

/** What a row of what is read is about. */
export const PART = {
  trial: 0,
  param: 1,
  value: 2,
  intermediate: 3,
  userAttr: 4,
  systemAttr: 5,
  study: 6,
  direction: 7,
} as const

/**
 * A row of what is read of trials and studies: which part, of which trial or study, its place among its like, and what
 * there is of name, number and texts.
 */
export type Part = readonly [
  part: number,
  of: number,
  place: number,
  name: string | null,
  number: number | null,
  text: string | null,
  text2: string | null,
]

export type Statements = ReturnType<typeof statementsFor>

/** Texts of SQL for one kind of database. */
export function compilerFor(kind: 'sqlite' | 'postgresql') {
  const postgres = kind === 'postgresql'
  const compiler = new Kysely<unknown>({
    dialect: {
      createAdapter: () => (postgres ? new PostgresAdapter() : new SqliteAdapter()),
      createDriver: () => new DummyDriver(), // statements are only written here
      createIntrospector: db => (postgres ? new PostgresIntrospector(db) : new SqliteIntrospector(db)),
      createQueryCompiler: () => (postgres ? new PostgresQueryCompiler() : new SqliteQueryCompiler()),
    },
  })
  return (query: RawBuilder<unknown>): Prepared => {
    const { sql: text, parameters } = query.compile(compiler)
    return values => ({
      sql: text,
      parameters: parameters.map(x => (x instanceof Slot ? (values[x.name] ?? null) : x)),
    })
  }
}

/** All statements of the storage. */
export function statementsFor(kind: 'sqlite' | 'postgresql') {
  const postgres = kind === 'postgresql'
  const prepared = compilerFor(kind)
  const int = (name: string) => sql`CAST(${slot(name)} AS INTEGER)`
  const float = (name: string) => sql`CAST(${slot(name)} AS FLOAT)`
  const text = (name: string) => sql`CAST(${slot(name)} AS TEXT)`
  /** Enumerations and dates are types of their own on PostgreSQL, texts on SQLite. */
  const typed = (name: string, type: string) =>
    postgres ? sql`CAST(${slot(name)} AS ${sql.raw(type)})` : sql`${slot(name)}`
  const forUpdate = sql.raw(postgres ? ' FOR UPDATE' : '')
  const isOpen = sql.raw(`state IN ('RUNNING', 'WAITING')`)

  /** The trial that something is written to: one that has not ended, or the newest of a study whose lock is held. */
  const targets = {
    open: sql`trials WHERE trial_id = ${slot('trial')} AND ${isOpen}`,
    newest: sql`trials WHERE trial_id = (SELECT max(trial_id) FROM trials WHERE study_id = ${slot('study')})`,
  }
  const writesTo = (target: RawBuilder<unknown>) => {
    const attribute = (table: string) =>
      prepared(sql`
        INSERT INTO ${sql.raw(table)} (trial_id, "key", value_json) SELECT trial_id, ${text('name')}, ${text('text')}
        FROM ${target} ON CONFLICT (trial_id, "key") DO UPDATE SET value_json = excluded.value_json`)
    return {
      param: prepared(sql`
        INSERT INTO trial_params (trial_id, param_name, param_value, distribution_json)
        SELECT trial_id, ${text('name')}, ${float('number')}, ${text('text')} FROM ${target}
        ON CONFLICT (trial_id, param_name)
        DO UPDATE SET param_value = excluded.param_value, distribution_json = excluded.distribution_json`),
      value: prepared(sql`
        INSERT INTO trial_values (trial_id, objective, value, value_type)
        SELECT trial_id, ${int('place')}, ${float('number')}, ${typed('type', 'trialvaluetype')} FROM ${target}
        ON CONFLICT (trial_id, objective) DO UPDATE SET value = excluded.value, value_type = excluded.value_type`),
      intermediate: prepared(sql`
        INSERT INTO trial_intermediate_values (trial_id, step, intermediate_value, intermediate_value_type)
        SELECT trial_id, ${int('place')}, ${float('number')}, ${typed('type', 'trialintermediatevaluetype')} FROM ${target}
        ON CONFLICT (trial_id, step) DO UPDATE SET
        intermediate_value = excluded.intermediate_value, intermediate_value_type = excluded.intermediate_value_type`),
      userAttr: attribute('trial_user_attributes'),
      systemAttr: attribute('trial_system_attributes'),
    }
  }
  const studyAttribute = (table: string) =>
    prepared(sql`
      INSERT INTO ${sql.raw(table)} (study_id, "key", value_json) SELECT study_id, ${text('name')}, ${text('text')}
      FROM studies WHERE study_id = ${slot('study')}
      ON CONFLICT (study_id, "key") DO UPDATE SET value_json = excluded.value_json RETURNING study_id`)

  const none = sql.raw('CAST(NULL AS TEXT)')
  const noNumber = sql.raw('CAST(NULL AS FLOAT)')
  /** The parts of trials chosen by a query for their rows. */
  const partsOf = (chosen: RawBuilder<unknown>) => {
    // PostgreSQL knows nothing of how many they are, and would read whole tables for a join.
    const ids = sql.raw(
      `trial_id ${postgres ? '= ANY(ARRAY(SELECT trial_id FROM chosen))' : 'IN (SELECT trial_id FROM chosen)'}`,
    )
    return prepared(sql`
      WITH chosen AS MATERIALIZED (${chosen})
      SELECT 0, trial_id, number, CAST(state AS TEXT), ${noNumber}, CAST(datetime_start AS TEXT), CAST(datetime_complete AS TEXT)
      FROM chosen
      UNION ALL SELECT 1, trial_id, param_id, param_name, param_value, distribution_json, ${none}
      FROM trial_params WHERE ${ids}
      UNION ALL SELECT 2, trial_id, objective, CAST(value_type AS TEXT), value, ${none}, ${none}
      FROM trial_values WHERE ${ids}
      UNION ALL SELECT 3, trial_id, step, CAST(intermediate_value_type AS TEXT), intermediate_value, ${none}, ${none}
      FROM trial_intermediate_values WHERE ${ids}
      UNION ALL SELECT 4, trial_id, trial_user_attribute_id, "key", ${noNumber}, value_json, ${none}
      FROM trial_user_attributes WHERE ${ids}
      UNION ALL SELECT 5, trial_id, trial_system_attribute_id, "key", ${noNumber}, value_json, ${none}
      FROM trial_system_attributes WHERE ${ids}`)
  }
  /** The parts of studies that meet a condition. */
  const studiesWhere = (condition: RawBuilder<unknown>) =>
    prepared(sql`
      SELECT 6, study_id, 0, study_name, ${noNumber}, ${none}, ${none} FROM studies WHERE ${condition}
      UNION ALL SELECT 7, study_id, objective, CAST(direction AS TEXT), ${noNumber}, ${none}, ${none}
      FROM study_directions WHERE ${condition}
      UNION ALL SELECT 4, study_id, study_user_attribute_id, "key", ${noNumber}, value_json, ${none}
      FROM study_user_attributes WHERE ${condition}
      UNION ALL SELECT 5, study_id, study_system_attribute_id, "key", ${noNumber}, value_json, ${none}
      FROM study_system_attributes WHERE ${condition}`)

  const ofStudy = sql`study_id = ${slot('study')}`
  /**
   * The same, to be looked for by trial id. PostgreSQL's plans are made without the values: which index serves, that of the
   * studies or that of the ids, is said here.
   */
  const withinIds = postgres ? sql`study_id + 0 = ${slot('study')}` : ofStudy
  const amongIds = postgres
    ? sql`trial_id = ANY(CAST(${slot('ids')} AS INTEGER[]))`
    : sql`trial_id IN (SELECT value FROM json_each(${slot('ids')}))`
  const later = sql`trial_id > ${slot('since')}`
  /** Those above an id, and some below. */
  const since = (columns: RawBuilder<unknown>, condition: RawBuilder<unknown>) => {
    const select = sql`SELECT ${columns} FROM trials WHERE`
    // By id where few are later, of whatever study; else all of the study.
    const few = sql`(SELECT max(trial_id) FROM trials) - ${slot('since')} <= ${slot('window')}`
    const above = postgres
      ? sql`${select} ${withinIds} AND ${later} AND ${few}${condition}
        UNION ALL ${select} ${ofStudy} AND trial_id + 0 > ${slot('since')} AND NOT ${few}${condition}`
      : sql`${select} ${ofStudy} AND ${later}${condition}`
    return sql`${above} UNION ALL ${select} ${withinIds} AND trial_id <= ${slot('since')} AND ${amongIds}${condition}`
  }
  const waiting = since(sql`trial_id`, sql` AND state = 'WAITING'`)
  const insertTrial = (condition: RawBuilder<unknown>) =>
    prepared(sql`
      INSERT INTO trials (number, study_id, state, datetime_start, datetime_complete)
      SELECT ${nextNumber}, study_id, ${typed('state', 'trialstate')}, ${typed('start', 'TIMESTAMP')}, ${typed('complete', 'TIMESTAMP')}
      FROM studies WHERE study_id = ${slot('study')}${condition} RETURNING trial_id, number`)
  const columns = sql.raw('trial_id, number, state, datetime_start, datetime_complete')
  /** Rows a transaction has written carry its number. */
  const byTransaction = sql`CAST(CAST(xmin AS TEXT) AS BIGINT) = CAST(${slot('transaction')} AS BIGINT) % 4294967296`
  const silence = postgres
    ? sql`EXTRACT(EPOCH FROM CAST(CURRENT_TIMESTAMP AS TIMESTAMP) - h.heartbeat)`
    : sql`((julianday('now') - julianday(h.heartbeat)) * 86400)`
  const nextNumber = sql`
    COALESCE((SELECT number FROM trials WHERE ${withinIds} ORDER BY trial_id DESC LIMIT 1), -1) + 1`
  const beatOf = (trial: RawBuilder<unknown>) =>
    prepared(sql`
      INSERT INTO trial_heartbeats (trial_id, heartbeat) SELECT trial_id, CURRENT_TIMESTAMP
      FROM trials WHERE trial_id = ${trial} AND state = 'RUNNING'
      ON CONFLICT (trial_id) DO UPDATE SET heartbeat = excluded.heartbeat`)

  return {
    findStudy: prepared(sql`SELECT study_id FROM studies WHERE study_name = ${slot('name')}`),
    insertStudy: prepared(sql`INSERT INTO studies (study_name) VALUES (${slot('name')}) RETURNING study_id`),
    insertedStudy: prepared(sql`
      SELECT study_id FROM studies WHERE study_name = ${slot('name')} AND ${postgres ? byTransaction : sql`1 = 0`}`),
    insertDirection: prepared(sql`
      INSERT INTO study_directions (direction, study_id, objective)
      SELECT ${typed('direction', 'studydirection')}, study_id, ${int('place')}
      FROM studies WHERE study_name = ${slot('name')}`),
    study: studiesWhere(sql`study_id = ${slot('study')}`),
    studies: studiesWhere(sql`study_id > 0`),
    studyUserAttr: studyAttribute('study_user_attributes'),
    studySystemAttr: studyAttribute('study_system_attributes'),
    /** Children first: the tables refer to each other. */
    deleteStudy: [
      ...[
        'trial_heartbeats',
        'trial_intermediate_values',
        'trial_values',
        'trial_params',
        'trial_user_attributes',
        'trial_system_attributes',
      ].map(table =>
        prepared(
          sql`DELETE FROM ${sql.raw(table)} WHERE trial_id IN (SELECT trial_id FROM trials WHERE study_id = ${slot('study')})`,
        ),
      ),
      ...['trials', 'study_user_attributes', 'study_system_attributes', 'study_directions', 'studies'].map(table =>
        prepared(sql`DELETE FROM ${sql.raw(table)} WHERE study_id = ${slot('study')}`),
      ),
    ],

    /** Everybody who makes a trial waits here, so that ids are committed in their order and numbers have no gaps. */
    lockStudy: prepared(sql`SELECT study_id FROM studies WHERE study_id = ${slot('study')}${forUpdate}`),
    insertTrial: insertTrial(sql``),
    /** Only where none waits, and there are fewer than a limit. */
    beginTrial: insertTrial(sql`
      AND NOT EXISTS (${waiting}) AND (${int('limit')} IS NULL OR ${nextNumber} < ${int('limit')})`),
    /** Only where none waits, and another trial ended at the same time. */
    beginAfter: insertTrial(sql`
      AND NOT EXISTS (${waiting})
      AND EXISTS (SELECT 1 FROM trials WHERE trial_id = ${slot('ended')} AND datetime_complete = ${slot('start')})`),
    insertedTrial: prepared(sql`
      SELECT trial_id, number FROM trials WHERE study_id = ${slot('study')} AND ${postgres ? byTransaction : sql`1 = 0`}`),
    /** Dates are as good as names: to the microsecond, nobody begins or ends anything at the same time. */
    begunTrial: prepared(sql`
      SELECT trial_id, number FROM trials WHERE study_id = ${slot('study')} AND datetime_start = ${slot('date')}`),
    startedTrial: prepared(sql`
      SELECT trial_id FROM trials WHERE trial_id = ${slot('trial')} AND datetime_start = ${slot('date')}`),
    endedTrial: prepared(sql`
      SELECT trial_id FROM trials WHERE trial_id = ${slot('trial')} AND datetime_complete = ${slot('date')}`),
    /** A row where a trial ended then, of the one that began then, or of nothing. */
    endedAndBegun: prepared(sql`
      SELECT b.trial_id, b.number FROM trials e
      LEFT JOIN trials b ON b.study_id = e.study_id AND b.datetime_start = e.datetime_complete
      WHERE e.trial_id = ${slot('trial')} AND e.datetime_complete = ${slot('date')}`),
    /** A row where the trial can be written to. */
    lockOpen: prepared(sql`SELECT trial_id FROM trials WHERE trial_id = ${slot('trial')} AND ${isOpen}${forUpdate}`),
    trialState: prepared(sql`SELECT number, state FROM trials WHERE trial_id = ${slot('trial')}`),
    lockTrial: prepared(sql`SELECT number, state FROM trials WHERE trial_id = ${slot('trial')}${forUpdate}`),
    start: prepared(sql`
      UPDATE trials SET state = 'RUNNING', datetime_start = ${slot('date')}
      WHERE trial_id = ${slot('trial')} AND state = 'WAITING' RETURNING trial_id`),
    setState: prepared(sql`
      UPDATE trials SET state = ${slot('state')}, datetime_complete = ${slot('date')}
      WHERE trial_id = ${slot('trial')} AND ${isOpen} RETURNING trial_id`),
    toOpen: writesTo(targets.open),
    toNewest: writesTo(targets.newest),
    distribution: prepared(sql`
      SELECT p.distribution_json FROM trial_params p JOIN trials t ON t.trial_id = p.trial_id
      WHERE t.study_id = (SELECT study_id FROM trials WHERE trial_id = ${slot('trial')}) AND p.param_name = ${slot('name')}
      LIMIT 1`),
    studyOfTrial: prepared(sql`SELECT study_id FROM trials WHERE trial_id = ${slot('trial')}`),

    trial: partsOf(sql`SELECT ${columns} FROM trials WHERE trial_id = ${slot('trial')}`),
    trialsSince: partsOf(since(columns, sql``)),

    beat: beatOf(sql`${slot('trial')}`),
    /** The newest trial if it began then: where none was made, it is somebody else's. */
    beatNewest: beatOf(sql`(
      SELECT trial_id FROM trials WHERE trial_id = (SELECT max(trial_id) FROM trials WHERE study_id = ${slot('study')})
      AND datetime_start = ${slot('date')})`),
    stale: prepared(sql`
      SELECT t.trial_id FROM trials t JOIN trial_heartbeats h ON h.trial_id = t.trial_id
      WHERE t.study_id = ${slot('study')} AND t.state = 'RUNNING' AND ${silence} > ${float('grace')} ORDER BY t.trial_id`),
  }
}
