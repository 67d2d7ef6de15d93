import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { Command } from 'commander'
import { ConfigError } from '../ir/index.js'
import type { Table } from '../report/record.js'
import { tableText } from '../report/text.js'
import { writeFileAtomic } from '../train/write.js'
import { loadStudy } from '../tune/create.js'
import { type FrozenTrial, isFinished } from '../tune/frozen-trial.js'
import { failStale } from '../tune/heartbeat.js'
import { type EvaluatorName, paramImportances } from '../tune/importance/index.js'
import { exportStudy } from '../tune/insight/export.js'
import { stringifyJson } from '../tune/json.js'
import { STORAGE_VARIABLE } from '../tune/launch/index.js'
import { progressOf } from '../tune/progress.js'
import { openStorage } from '../tune/storage/open.js'
import type { Storage } from '../tune/storage/storage.js'
import { parseStorageUrl } from '../tune/storage/url.js'
import type { Study } from '../tune/study.js'
import { numberOption } from './options.js'
import { duration, paramsText, progressLines, shown } from './tune-view.js'

interface Flags {
  storage?: string
  name?: string
  json?: boolean
}

const say = (text: string): void => void process.stdout.write(`${text}\n`)

/** A command over a storage: opens it, and closes it whatever happens. */
const command = (
  name: string,
  description: string,
  work: (storage: Storage, flags: Flags & Readonly<Record<string, string | undefined>>, study: string) => Promise<void>,
  { ofStudy = true }: { ofStudy?: boolean } = {},
): Command => {
  const made = new Command(name)
    .description(description)
    .option(
      '--storage <url>',
      `sqlite:///file.db, postgresql://user@host/database, journal:///file.log (or ${STORAGE_VARIABLE})`,
    )
  if (ofStudy)
    made.argument('[study]', "the study's name, where the storage has several").option('--name <study>', 'the same')
  return made.action(async (...given: unknown[]) => {
    const [named, flags] = (ofStudy ? given : [undefined, ...given]) as [string | undefined, Flags]
    const url = flags.storage ?? process.env[STORAGE_VARIABLE]
    if (url === undefined || url === '')
      throw new ConfigError({
        code: 'missing-option',
        where: '--storage',
        expected: 'the storage, or its URL in ANNEAL_STORAGE',
        received: 'none',
      })
    checkThere(url)
    const storage = await openStorage(url)
    try {
      const study = ofStudy ? (named ?? flags.name ?? (await onlyStudy(storage))) : ''
      await work(storage, flags as Flags & Record<string, string | undefined>, study) // each knows its own options
    } finally {
      await storage.close()
    }
  })
}

/** To look at a storage does not make it. */
function checkThere(url: string): void {
  const location = parseStorageUrl(url)
  if (!('path' in location) || location.path === ':memory:' || existsSync(location.path)) return
  throw new ConfigError({
    code: 'no-storage',
    where: url,
    expected: 'a file with studies',
    received: `none at ${resolve(location.path)}`,
    hint: 'one is made by anneal tune',
  })
}

async function onlyStudy(storage: Storage): Promise<string> {
  const studies = await storage.studies()
  if (studies.length === 1) return studies[0]!.name
  throw new ConfigError({
    code: 'missing-option',
    where: '--name',
    expected: studies.length === 0 ? 'a study: this storage has none' : `one of ${studies.map(s => s.name).join(', ')}`,
    received: 'none',
  })
}

const open = (storage: Storage, name: string): Promise<Study> => loadStudy({ storage, name })

const list = command(
  'list',
  'the studies of a storage',
  async (storage, { json }) => {
    const rows = []
    for (const study of await storage.studies()) {
      const progress = progressOf(await storage.snapshot(study.id), { since: Date.now() })
      rows.push({ study, progress })
    }
    if (json) return say(stringifyJson(rows.map(({ progress }) => progressJson(progress))))
    const table: Table = {
      columns: [
        { title: 'study' },
        { title: 'directions' },
        { title: 'trials', align: 'right' },
        { title: 'complete', align: 'right' },
        { title: 'running', align: 'right' },
        { title: 'best', align: 'right' },
      ],
      rows: rows.map(({ study, progress: { states, best, front, total, done } }) => [
        study.name,
        study.directions.join(', '),
        total === null ? `${done}` : `${done}/${total}`,
        `${states.COMPLETE}`,
        `${states.RUNNING}`,
        best !== null ? shown(best.values![0]!) : front.length > 0 ? `${front.length} on the front` : '',
      ]),
    }
    say(tableText(table))
  },
  { ofStudy: false },
).option('--json', 'as JSON')

const progressJson = ({ name, directions, total, done, states, best }: ReturnType<typeof progressOf>) => ({
  name,
  directions,
  total,
  done,
  states,
  best: best?.values?.[0] ?? null,
})

const show = command('show', 'a study and its trials', async (storage, { last = '20' }, name) => {
  const study = await open(storage, name)
  const snapshot = await storage.snapshot(study.id)
  const count = numberOption(last, 'last', true, 1)!
  say(`study ${name} (${study.directions.join(', ')})`)
  for (const line of progressLines(progressOf(snapshot, { since: Date.now() }), 120)) say(line)
  say('')
  say(tableText(trialsTable(snapshot.trials.slice(-count))))
}).option('--last <number>', 'how many of the newest trials', '20')

function trialsTable(trials: readonly FrozenTrial[]): Table {
  const seconds = ({ start, complete }: FrozenTrial): string =>
    start === null || complete === null ? '' : duration((complete.getTime() - start.getTime()) / 1000)
  return {
    columns: [
      { title: 'trial', align: 'right' },
      { title: 'state' },
      { title: 'values', align: 'right' },
      { title: 'took', align: 'right' },
      { title: 'parameters' },
    ],
    rows: trials.map(trial => [
      `${trial.number}`,
      trial.state,
      trial.values?.map(shown).join(', ') ?? '',
      seconds(trial),
      paramsText(trial),
    ]),
  }
}

const best = command('best', 'the best trial, or the Pareto front', async (storage, { json }, name) => {
  const study = await open(storage, name)
  const trials = study.directions.length === 1 ? [await study.bestTrial()] : await study.bestTrials()
  if (json)
    say(stringifyJson(trials.map(({ number, values, params, userAttrs }) => ({ number, values, params, userAttrs }))))
  else say(tableText(trialsTable(trials)))
}).option('--json', 'as JSON')

const exported = command('export', 'all trials, as JSON or CSV', async (storage, { format, out }, name) => {
  const kind = format ?? (out?.endsWith('.csv') ? 'csv' : 'json')
  if (kind !== 'json' && kind !== 'csv')
    throw new ConfigError({ code: 'bad-option', where: '--format', expected: 'json or csv', received: kind })
  const text = await exportStudy(await open(storage, name), kind)
  if (out === undefined) process.stdout.write(text.endsWith('\n') ? text : `${text}\n`)
  else await writeFileAtomic(out, text)
})
  .option('--format <format>', 'json or csv (default: by the ending of --out, else json)')
  .option('--out <file>', 'into a file')

const importances = command('importances', 'how much each parameter matters', async (storage, flags, name) => {
  const study = await open(storage, name)
  const objective = numberOption(flags.objective, 'objective', true, 0)
  if (objective !== undefined && objective >= study.directions.length)
    throw new ConfigError({
      code: 'bad-option',
      where: '--objective',
      expected: `less than ${study.directions.length}: the study has ${study.directions.length === 1 ? 'one objective' : 'so many'}`,
      received: objective,
    })
  const found = await paramImportances(study, {
    ...(flags.evaluator === undefined ? {} : { evaluator: flags.evaluator as EvaluatorName }), // checked there
    ...(objective === undefined ? {} : { target: trial => trial.values?.[objective] ?? Number.NaN }),
  })
  if (Object.keys(found).length === 0)
    throw new ConfigError({
      code: 'no-trial',
      where: `study ${name}`,
      expected: 'complete trials with parameters',
      received: 'none yet',
    })
  if (flags.json) return say(stringifyJson(found))
  const most = Math.max(...Object.values(found))
  say(
    tableText({
      columns: [{ title: 'parameter' }, { title: 'importance', align: 'right' }, { title: '' }],
      rows: Object.entries(found).map(([param, x]) => [
        param,
        `${(100 * x).toFixed(1)} %`,
        '█'.repeat(Math.round(most > 0 ? (24 * x) / most : 0)),
      ]),
    }),
  )
})
  .option('--evaluator <name>', 'pedAnova (default), fanova, permutation, meanDecreaseImpurity')
  .option('--objective <number>', 'of several objectives which: 0, 1, …')
  .option('--json', 'as JSON')

const pruneStale = command('prune-stale', 'ends trials whose workers have died', async (storage, flags, name) => {
  const study = await open(storage, name)
  const grace = numberOption(flags.grace ?? '60', 'grace', false, 0)!
  const retry = numberOption(flags.retry ?? '0', 'retry', true, 0)!
  const stale = await storage.staleTrials(study.id, grace)
  await failStale(storage, study.id, { interval: grace, grace, retry })
  const silent = (await study.trials(['RUNNING'])).length
  say(`${stale.length} ended, ${silent} still running`)
})
  .alias('prune')
  .option('--grace <seconds>', 'of silence until a trial is taken for dead (default 60)')
  .option('--retry <number>', 'how often such a trial is tried again (default 0)')

const remove = command('delete', 'deletes a study with all its trials', async (storage, { yes }, name) => {
  const study = await open(storage, name)
  const trials = await study.trials()
  const ended = trials.filter(trial => isFinished(trial.state)).length
  if (yes === undefined)
    throw new ConfigError({
      code: 'not-confirmed',
      where: 'anneal study delete',
      expected: '--yes',
      received: 'nothing',
      hint: `it would delete ${name} with ${trials.length} trials, ${ended} of them ended, for good`,
    })
  await storage.deleteStudy(study.id)
  say(`deleted ${name} with ${trials.length} trials`)
}).option('--yes', 'really')

const commands = [list, show, best, exported, importances, pruneStale, remove]

/** `anneal study …`: looks at studies, and tidies them up. */
export const studyCommand = commands.reduce(
  (group, one) => group.addCommand(one),
  new Command('study').description('look at studies: list, show, best, export, importances, prune-stale, delete'),
)
