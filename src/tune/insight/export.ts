import { ConfigError } from '../../ir/index.js'
import { distributionToJson } from '../distribution.js'
import { durationOf, type FrozenTrial } from '../frozen-trial.js'
import { parseJson, stringifyJson } from '../json.js'
import type { StudyView } from '../samplers/sampler.js'
import { objectiveNames, type Studied, viewOf } from './view.js'

export type ExportFormat = 'csv' | 'json'

/**
 * A study as text. CSV has the columns of Optuna's `trials_dataframe` (number, value or values_…, datetime_start,
 * datetime_complete, duration in seconds, params_…, user_attrs_…, system_attrs_…, state). JSON holds everything;
 * numbers that are not finite stand bare, as Python reads them.
 * @throws ConfigError for another format
 */
export async function exportStudy(study: Studied, format: ExportFormat): Promise<string> {
  const view = await viewOf(study)
  if (format === 'csv') return csv(view)
  if (format === 'json') return json(view)
  throw new ConfigError({ code: 'unknown-format', where: 'exportStudy', expected: 'csv or json', received: format })
}

function json({ name, directions, systemAttrs, trials }: StudyView): string {
  return `${stringifyJson({
    name,
    directions,
    systemAttrs,
    trials: trials.map(trial => ({
      number: trial.number,
      state: trial.state,
      values: trial.values,
      params: trial.params,
      distributions: Object.fromEntries(
        Object.entries(trial.distributions).map(([key, d]) => [key, parseJson(distributionToJson(d), key)]),
      ),
      intermediateValues: Object.fromEntries(trial.intermediateValues),
      userAttrs: trial.userAttrs,
      systemAttrs: trial.systemAttrs,
      start: trial.start?.toISOString() ?? null,
      complete: trial.complete?.toISOString() ?? null,
    })),
  })}\n`
}

function csv(view: StudyView): string {
  const { trials, directions } = view
  const names = objectiveNames(view)
  const named = Array.isArray(view.systemAttrs['study:metric_names'])
  const keys = (of: (trial: FrozenTrial) => object) =>
    [...new Set(trials.flatMap(trial => Object.keys(of(trial))))].sort()
  const columns: [title: string, cell: (trial: FrozenTrial) => unknown][] = [
    ['number', trial => trial.number],
    ...directions.map((_, i): [string, (trial: FrozenTrial) => unknown] => [
      named ? `values_${names[i]}` : directions.length === 1 ? 'value' : `values_${i}`,
      trial => trial.values?.[i],
    ]),
    ['datetime_start', trial => trial.start?.toISOString()],
    ['datetime_complete', trial => trial.complete?.toISOString()],
    ['duration', trial => (durationOf(trial) === null ? undefined : durationOf(trial)! / 1000)],
  ]
  const spread = (prefix: string, of: (trial: FrozenTrial) => Readonly<Record<string, unknown>>) => {
    for (const key of keys(of)) columns.push([`${prefix}_${key}`, trial => of(trial)[key]])
  }
  spread('params', trial => trial.params)
  spread('user_attrs', trial => trial.userAttrs)
  spread('system_attrs', trial => trial.systemAttrs)
  columns.push(['state', trial => trial.state])
  const rows = trials.map(trial => columns.map(([, cell]) => cellText(cell(trial))))
  return `${[columns.map(([title]) => quoted(title)), ...rows].map(row => row.join(',')).join('\n')}\n`
}

const cellText = (value: unknown): string =>
  value === undefined || value === null ? '' : quoted(typeof value === 'object' ? stringifyJson(value) : String(value))

/** As RFC 4180 has it. */
const quoted = (text: string): string => (/[",\r\n]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text)
