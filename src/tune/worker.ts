import { ConfigError, isAnnealError, RuntimeError } from '../ir/index.js'
import { createStudy, loadStudy } from './create.js'
import type { Experiment } from './experiment/load.js'
import type { FrozenTrial } from './frozen-trial.js'
import { giveUp } from './heartbeat.js'
import { openStorage } from './storage/open.js'
import type { Study } from './study.js'
import { TOTAL, totalOf } from './total.js'

/**
 * Opens an experiment's study, and makes it where it is not there: then with names of its objectives, and with what is
 * to be tried first in line.
 * @param options setTotal: write the experiment's number of trials over the one the study has
 * @throws ConfigError `other-directions` where the study has other ones
 */
export async function openExperiment(experiment: Experiment, { setTotal }: { setTotal: boolean }): Promise<Study> {
  const { name, directions, sampler, pruner, heartbeat, metricNames, trials } = experiment
  const storage = await openStorage(experiment.storage)
  try {
    const options = { name, storage, sampler, pruner, heartbeat }
    const created = await createStudy({ ...options, directions }).catch((error: unknown) => {
      if (isAnnealError(error) && error.code === 'duplicate-study') return null
      throw error
    })
    const study = created ?? (await loadStudy(options))
    if (study.directions.join() !== directions.join())
      throw new ConfigError({
        code: 'other-directions',
        where: `study ${name}`,
        expected: study.directions.join(', '),
        received: directions.join(', '),
        hint: 'the study is there already: give this experiment another name',
      })
    if (created !== null) {
      if (metricNames !== null) await study.setMetricNames(metricNames)
      for (const params of experiment.enqueue) await study.enqueueTrial(params, { skipIfExists: true })
    }
    if (trials !== null && (setTotal || totalOf(await storage.study(study.id)) === null))
      await storage.setStudySystemAttr(study.id, TOTAL, trials)
    return study
  } catch (error) {
    await storage.close()
    throw error
  }
}

export interface WorkerOptions {
  /** Ends the worker when the trials that run have ended. */
  signal?: AbortSignal
  /** Gives up the trials that run, to be tried again as the heartbeat says, and the worker. */
  giveUp?: AbortSignal
  /** How many trials this worker makes at most. Default: what the study needs. */
  trials?: number
  /** After each of its trials. */
  onTrial?: (trial: FrozenTrial) => void
}

/**
 * Works on an experiment's study, beside as many others as there are, wherever they are: until the study has all its
 * trials, the timeout, or the signal. A trial whose objective throws has failed, and the next one begins. At the end the
 * worker waits for trials of others, in case they die.
 * @returns how many trials it has made
 * @throws RuntimeError `too-many-failures` where nothing but failures comes of it, and what the storage throws
 */
export async function runWorker(experiment: Experiment, options: WorkerOptions = {}): Promise<number> {
  const study = await openExperiment(experiment, { setTotal: false })
  const running = new Set<number>()
  let made = 0
  let failures = 0
  let last: FrozenTrial | null = null
  const work = study.optimize(
    async trial => {
      running.add(trial.id)
      try {
        return await experiment.objective(trial)
      } finally {
        running.delete(trial.id)
      }
    },
    {
      total: record => totalOf(record) ?? Infinity,
      ...(options.trials === undefined ? {} : { trials: options.trials }),
      ...(experiment.timeout === null ? {} : { timeout: experiment.timeout }),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
      concurrency: experiment.concurrency,
      catch: true,
      callbacks: [
        (_, trial) => {
          made++
          failures = trial.state === 'FAIL' ? failures + 1 : 0
          last = trial
          options.onTrial?.(trial)
          if (failures >= experiment.maxFailures) study.stop()
        },
      ],
    },
  )
  const abandoned = new Promise<true>(resolve => {
    const now = () => resolve(true)
    if (options.giveUp?.aborted) now()
    options.giveUp?.addEventListener('abort', now, { once: true })
  })
  try {
    if (await Promise.race([work.then(() => false), abandoned])) {
      work.catch(() => {}) // what becomes of it is of no interest any more
      for (const id of running) await giveUp(study.storage, id, experiment.heartbeat.retry)
      return made
    }
  } finally {
    await study.storage.close()
  }
  if (failures >= experiment.maxFailures) {
    const reason = (last as FrozenTrial | null)?.systemAttrs.fail_reason
    throw new RuntimeError({
      code: 'too-many-failures',
      where: experiment.file,
      expected: 'an objective that ends in a number',
      received: `${failures} failures one after the other; the last: ${typeof reason === 'string' ? reason : 'NaN, or values of the wrong count'}`,
      hint: 'more of them are allowed by --max-failures, or maxFailures in the options',
    })
  }
  return made
}
