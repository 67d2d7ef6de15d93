import { Command } from 'commander'
import { ConfigError } from '../ir/index.js'
import { loadExperiment } from '../tune/experiment/index.js'
import type { WorkerNews } from '../tune/launch/index.js'
import { runWorker } from '../tune/worker.js'
import { type ExperimentFlags, overridesFrom, withExperimentFlags } from './experiment-options.js'
import { numberOption } from './options.js'

/** The exit code of what somebody ended, as shells have it for Ctrl-C. */
export const INTERRUPTED = 130

export const workerCommand = withExperimentFlags(
  new Command('worker')
    .description('work on a study beside other workers, on any machine that reaches its storage')
    .argument('<file>', 'the experiment: study.ts, study.js or experiment.json'),
)
  .option('--trials <number>', 'how many trials this worker makes at most')
  .option('--deadline <date>', 'begin no trial after this moment')
  .action(runWorkerCommand)

/**
 * `anneal worker`: ends with 0 where the study has its trials (or the worker its own, or the time is over), 130 where it was
 * told to end (Ctrl-C, SIGTERM: it finishes its trial first; again: it gives it up), 1 on errors.
 */
async function runWorkerCommand(file: string, flags: ExperimentFlags & { deadline?: string }): Promise<void> {
  const { trials, ...own } = flags
  const most = numberOption(trials, 'trials', true, 1)
  const deadline = flags.deadline === undefined ? Infinity : Date.parse(flags.deadline)
  if (Number.isNaN(deadline))
    throw new ConfigError({
      code: 'bad-option',
      where: '--deadline',
      expected: 'a date: 2030-01-31T12:00:00Z',
      received: flags.deadline,
    })
  const experiment = await loadExperiment(file, overridesFrom(own))
  const [stop, giveUp] = [new AbortController(), new AbortController()]
  // With a parent, its orders count: a terminal's Ctrl-C reaches both.
  const managed = process.send !== undefined
  const say = managed ? () => {} : (line: string) => void process.stdout.write(`${line}\n`)
  const order = (): void => {
    if (stop.signal.aborted) giveUp.abort()
    else {
      say('ending after the running trial; again to give it up')
      stop.abort()
    }
  }
  const ignore = () => {}
  process.on('SIGINT', managed ? ignore : order)
  process.on('SIGTERM', order)
  if (managed) {
    process.on('message', message => {
      stop.abort()
      if (message === 'giveUp') giveUp.abort()
    })
    process.on('disconnect', () => stop.abort())
  }
  const timeout = Math.min(experiment.timeout ?? Infinity, (deadline - Date.now()) / 1000)
  const began = performance.now()
  let made = 0
  try {
    if (timeout > 0)
      made = await runWorker(
        { ...experiment, timeout: timeout === Infinity ? null : timeout },
        {
          ...(most === undefined ? {} : { trials: most }),
          signal: stop.signal,
          giveUp: giveUp.signal,
          onTrial: trial => {
            if (process.connected) process.send?.('trial' satisfies WorkerNews)
            say(`trial ${trial.number}: ${trial.state}${trial.values === null ? '' : ` ${trial.values.join(', ')}`}`)
          },
        },
      )
  } finally {
    if (stop.signal.aborted) process.exitCode = INTERRUPTED
    // The channel to a parent would keep the process.
    if (process.connected) process.disconnect()
  }
  say(`${made} trials in ${((performance.now() - began) / 1000).toFixed(1)} s`)
  // What a given up objective still does ends with the process.
  if (giveUp.signal.aborted) process.exit()
}
