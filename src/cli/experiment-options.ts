import type { Command } from 'commander'
import type { ExperimentOptions } from '../tune/experiment/index.js'
import { STORAGE_VARIABLE } from '../tune/launch/index.js'
import { namedOption, numberOption, secondsOption } from './options.js'

/** What `anneal tune` and `anneal worker` say over an experiment's own options, as commander gives it. */
export interface ExperimentFlags {
  name?: string
  storage?: string
  sampler?: string
  pruner?: string
  seed?: string
  trials?: string
  timeout?: string
  concurrency?: string
  heartbeat?: string
  grace?: string
  retry?: string
  maxFailures?: string
}

export const withExperimentFlags = (command: Command): Command =>
  command
    .option('--name <study>', "the study's name (default: the file's)")
    .option(
      '--storage <url>',
      `sqlite:///file.db, postgresql://user@host/database, journal:///file.log (or ${STORAGE_VARIABLE})`,
    )
    .option('--sampler <sampler>', 'tpe, gp, random, … or a record: \'{"name":"tpe","multivariate":true}\'')
    .option('--pruner <pruner>', 'median, hyperband, … or a record')
    .option('--seed <number>', 'seed of the sampler')
    .option('--timeout <time>', 'begin no trial after so long: 90s, 10m, 2h')
    .option('--concurrency <number>', 'trials at the same time in each process')
    .option('--heartbeat <seconds>', 'between signs of life of a running trial (default 10)')
    .option('--grace <seconds>', 'of silence until a trial is taken for dead (default six times that)')
    .option('--retry <number>', 'how often a trial whose worker died is tried again (default 1)')
    .option('--max-failures <number>', 'failures of the objective in a row that end a worker (default 10)')

/** The options that count more than the file's. */
export function overridesFrom(flags: ExperimentFlags): ExperimentOptions {
  const storage = flags.storage ?? process.env[STORAGE_VARIABLE]
  const seconds = (name: 'heartbeat' | 'grace') => numberOption(flags[name], name, false, 0)
  const heartbeat = defined({
    interval: seconds('heartbeat'),
    grace: seconds('grace'),
    retry: numberOption(flags.retry, 'retry', true, 0),
  })
  return defined({
    name: flags.name,
    storage: storage === '' ? undefined : storage,
    sampler: namedOption(flags.sampler, 'sampler'),
    pruner: namedOption(flags.pruner, 'pruner'),
    seed: numberOption(flags.seed, 'seed', true, 0),
    trials: numberOption(flags.trials, 'trials', true, 1),
    timeout: secondsOption(flags.timeout, 'timeout'),
    concurrency: numberOption(flags.concurrency, 'concurrency', true, 1),
    maxFailures: numberOption(flags.maxFailures, 'max-failures', true, 1),
    heartbeat: Object.keys(heartbeat).length === 0 ? undefined : heartbeat,
  })
}

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> }
const defined = <T extends object>(record: T): Defined<T> =>
  Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined)) as Defined<T>

/** The flags that workers are to be given in turn. */
export const workerFlags = (flags: ExperimentFlags): readonly string[] =>
  (['sampler', 'pruner', 'seed', 'concurrency', 'heartbeat', 'grace', 'retry', 'maxFailures'] as const).flatMap(
    name => {
      const option = `--${name.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)}`
      return flags[name] === undefined ? [] : [option, flags[name]]
    },
  )
