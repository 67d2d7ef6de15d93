import { resolve } from 'node:path'
import { Command } from 'commander'
import { ConfigError } from '../ir/index.js'
import { loadExperiment } from '../tune/experiment/index.js'
import { type LaunchRequest, launcherFor, local } from '../tune/launch/index.js'
import { runExperiment } from '../tune/run.js'
import { parseStorageUrl, withoutPassword } from '../tune/storage/url.js'
import { type ExperimentFlags, overridesFrom, withExperimentFlags, workerFlags } from './experiment-options.js'
import { numberOption } from './options.js'
import { paramsText, shown, tuneView } from './tune-view.js'
import { INTERRUPTED } from './worker.js'

interface TuneFlags extends ExperimentFlags {
  workers?: string
  on?: string
  dryRun?: boolean
  detach?: boolean
  directory: string
  command?: string
  template?: string
  cpus: string
  gpus: string
  memory?: string
  time: string
  partition?: string
  image?: string
  namespace?: string
}

export const tuneCommand = withExperimentFlags(
  new Command('tune')
    .description('search for the best parameters of an experiment, with workers here or where machines are managed')
    .argument('<file>', 'the experiment: study.ts, study.js or experiment.json')
    .option('--trials <number>', 'how many trials the study is to have in all; the same command goes on later')
    .option('--workers <number>', 'processes (default 1)'),
)
  .option('--on <place>', 'start the workers there: ray://host:8265, slurm, kubernetes')
  .option('--dry-run', 'print what would be started')
  .option('--detach', 'with --on: do not wait for the workers')
  .option('--directory <path>', "with --on: the experiment's folder there", process.cwd())
  .option('--command <text>', 'with --on: how anneal is started there (default node_modules/.bin/anneal)')
  .option('--template <file>', 'with --on: in place of the one in deploy/')
  .option('--cpus <number>', 'with --on: processors for each worker', '1')
  .option('--gpus <number>', 'with --on: graphics processors for each worker', '0')
  .option('--memory <size>', 'with --on: memory for each worker (default 2G)')
  .option('--time <time>', 'with --on slurm: the longest time', '1-00:00:00')
  .option('--partition <name>', 'with --on slurm')
  .option('--image <image>', 'with --on kubernetes: the image that holds the experiment')
  .option('--namespace <name>', 'with --on kubernetes')
  .action(runTune)

/**
 * `anneal tune`: ends with 0 where the study has its trials or the time is over, 130 where Ctrl-C ended it (the first lets
 * running trials end, the second gives them up; the same command goes on), 1 on errors.
 */
async function runTune(file: string, flags: TuneFlags): Promise<void> {
  const workers = numberOption(flags.workers, 'workers', true, 1)
  const overrides = { ...overridesFrom(flags), ...(workers === undefined ? {} : { workers }) }
  const experiment = await loadExperiment(file, overrides)
  const { timeout } = experiment
  const view = tuneView(process.stdout)
  const here = flags.on === undefined
  const launcher =
    flags.on === undefined
      ? local({ script: process.argv[1]!, onLine: (worker, line) => view.line(`[${worker}] ${line}`) })
      : launcherFor(flags.on, {
          cpus: numberOption(flags.cpus, 'cpus', false, 0)!,
          gpus: numberOption(flags.gpus, 'gpus', false, 0)!,
          time: flags.time,
          ...(flags.memory === undefined ? {} : { memory: flags.memory }),
          ...(flags.partition === undefined ? {} : { partition: flags.partition }),
          ...(flags.image === undefined ? {} : { image: flags.image }),
          ...(flags.namespace === undefined ? {} : { namespace: flags.namespace }),
          ...(flags.template === undefined ? {} : { template: flags.template }),
        })
  if (!here && parseStorageUrl(experiment.storage).kind === 'sqlite')
    throw new ConfigError({
      code: 'storage-not-shared',
      where: '--storage',
      expected: 'a storage that several machines share: postgresql://user@host/database',
      received: withoutPassword(experiment.storage),
    })
  const ends =
    timeout === null
      ? []
      : here
        ? ['--deadline', new Date(Date.now() + timeout * 1000).toISOString()]
        : ['--timeout', `${timeout}`]
  const request: Omit<LaunchRequest, 'study' | 'storage' | 'workers'> = {
    file: here ? resolve(file) : file,
    options: [...workerFlags(flags), ...ends],
    directory: here ? process.cwd() : flags.directory,
    command: flags.command ?? 'node_modules/.bin/anneal',
  }
  const { name: study, storage } = experiment
  if (flags.dryRun === true) {
    for (const { name, text } of await launcher.plan({ ...request, study, storage, workers: experiment.workers }))
      process.stdout.write(`# ${name}\n${text}\n`)
    return
  }

  const [stop, kill] = [new AbortController(), new AbortController()]
  const order = (): void => {
    if (stop.signal.aborted) kill.abort()
    else {
      view.line('ending after the running trials; again to give them up')
      stop.abort()
    }
  }
  process.on('SIGINT', order)
  process.on('SIGTERM', order)
  view.line(`study ${study} in ${withoutPassword(storage)}: ${experiment.sampler.name}, ${experiment.pruner.name}`)
  const { progress, fleet, reason, failed } = await runExperiment(experiment, {
    launcher,
    request,
    signal: stop.signal,
    kill: kill.signal,
    detach: flags.detach === true,
    onProgress: (now, state) => view.update(now, state),
    // Each look asks others.
    ...(here ? {} : { interval: 2 }),
  })
  if (reason === 'detached') return view.line(`started: ${fleet}`)
  view.end(progress)
  if (failed !== null) view.line(`${failed.count} of ${experiment.workers} workers failed:\n${failed.logs}`)
  for (const trial of progress.best === null ? progress.front.slice(0, 20) : [progress.best])
    view.line(`trial ${trial.number}: ${trial.values!.map(shown).join(', ')}  ${paramsText(trial)}`)
  if (reason === 'interrupted') {
    view.line('ended early; the same command goes on')
    process.exitCode = INTERRUPTED
  }
}
