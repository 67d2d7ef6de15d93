import { type RawBuilder, sql } from 'kysely'
import { distributionToJson } from '../../distribution.js'
import { stringifyJson } from '../../json.js'
import type { TrialWrite } from '../storage.js'
import type { Statement } from './database.js'
import { stored } from './parts.js'
import { compilerFor, type Prepared, slot } from './statements.js'

/** What a trial's end is. */
export interface End {
  readonly state: string
  readonly date: string | null
  readonly values: readonly number[] | null
}

/** The lists of one table: for each column the values of all rows. */
interface Lists {
  readonly table: string
  readonly columns: Readonly<Record<string, string>>
  /** The columns by which a row is known. */
  readonly key: string
  readonly rows: readonly (readonly unknown[])[]
}

const attributes = { key: 'TEXT', value_json: 'TEXT' }

/**
 * On PostgreSQL, where each statement costs its way, all that is written to a trial, and its end, is one statement: it
 * answers with the trial's id where the trial was open. The lists of a table are arrays.
 */
export function gatheredWrites(): (trialId: number, writes: readonly TrialWrite[], end: End | null) => Statement {
  const compile = compilerFor('postgresql')
  const known = new Map<string, Prepared>()
  return (trialId, writes, end) => {
    const lists = listsOf(writes, end?.values ?? null).filter(list => list.rows.length > 0)
    const shape = `${end === null ? '' : 'end '}${lists.map(list => list.table).join(' ')}`
    let prepared = known.get(shape)
    if (prepared === undefined) known.set(shape, (prepared = compile(statementOf(lists, end !== null))))
    const values: Record<string, unknown> = { trial: trialId, state: end?.state, date: end?.date }
    for (const { table, columns, rows } of lists)
      for (const [i, column] of Object.keys(columns).entries()) values[`${table}.${column}`] = rows.map(row => row[i])
    return prepared(values)
  }
}

function statementOf(lists: readonly Lists[], ends: boolean): RawBuilder<unknown> {
  const open = sql`trial_id = ${slot('trial')} AND state IN ('RUNNING', 'WAITING')`
  const target = ends
    ? sql`UPDATE trials SET state = ${slot('state')}, datetime_complete = ${slot('date')} WHERE ${open} RETURNING trial_id`
    : sql`SELECT trial_id FROM trials WHERE ${open} FOR UPDATE`
  const inserts = lists.map(({ table, columns, key }) => {
    const names = Object.keys(columns).map(name => `"${name}"`)
    const arrays = Object.entries(columns).map(
      ([name, type]) => sql`CAST(${slot(`${table}.${name}`)} AS ${sql.raw(type)}[])`,
    )
    const updates = names.filter(name => name !== `"${key}"`).map(name => `${name} = excluded.${name}`)
    return sql`${sql.raw(`w_${table}`)} AS (
      INSERT INTO ${sql.raw(table)} (trial_id, ${sql.raw(names.join(', '))})
      SELECT target.trial_id, ${sql.raw(names.map(name => `u.${name}`).join(', '))}
      FROM target, unnest(${sql.join(arrays)}) WITH ORDINALITY AS u(${sql.raw(names.join(', '))}, place) ORDER BY u.place
      ON CONFLICT (trial_id, ${sql.raw(`"${key}"`)}) DO UPDATE SET ${sql.raw(updates.join(', '))})`
  })
  return sql`WITH ${sql.join([sql`target AS (${target})`, ...inserts])} SELECT trial_id FROM target`
}

function listsOf(writes: readonly TrialWrite[], values: readonly number[] | null): readonly Lists[] {
  // A statement may touch a row once: the last write of a name counts, in the place of the first.
  const params = new Map<string, readonly unknown[]>()
  const steps = new Map<number, readonly unknown[]>()
  const attrs = { userAttr: new Map<string, readonly unknown[]>(), systemAttr: new Map<string, readonly unknown[]>() }
  for (const write of writes)
    if (write.kind === 'param')
      params.set(write.name, [write.name, write.internal, distributionToJson(write.distribution)])
    else if (write.kind === 'intermediate') {
      const { number, type } = stored(write.value)
      steps.set(write.step, [write.step, number, type])
    } else attrs[write.kind].set(write.key, [write.key, stringifyJson(write.value)])
  const results = (values ?? []).map((value, place) => {
    const { number, type } = stored(value)
    return [place, number, type]
  })
  return [
    {
      table: 'trial_params',
      columns: { param_name: 'TEXT', param_value: 'FLOAT', distribution_json: 'TEXT' },
      key: 'param_name',
      rows: [...params.values()],
    },
    {
      table: 'trial_intermediate_values',
      columns: {
        step: 'INTEGER',
        intermediate_value: 'FLOAT',
        intermediate_value_type: 'trialintermediatevaluetype',
      },
      key: 'step',
      rows: [...steps.values()],
    },
    { table: 'trial_user_attributes', columns: attributes, key: 'key', rows: [...attrs.userAttr.values()] },
    { table: 'trial_system_attributes', columns: attributes, key: 'key', rows: [...attrs.systemAttr.values()] },
    {
      table: 'trial_values',
      columns: { objective: 'INTEGER', value: 'FLOAT', value_type: 'trialvaluetype' },
      key: 'objective',
      rows: results,
    },
  ]
}
