import { NumericError } from '../ir/index.js'
import type { ProgramCache } from '../runtime/index.js'
import { callbackList } from '../train/callback.js'
import { backupAndRestore } from '../train/callbacks/backup-and-restore.js'
import { earlyStopping } from '../train/callbacks/early-stopping.js'
import type { FitOptions, History, Model, TrainingSource } from '../train/index.js'
import { isStream } from '../train/sources.js'
import { sign } from './pareto.js'
import { type Readings, reporting } from './pruning-callback.js'
import type { Splits } from './splits.js'
import type { Study } from './study.js'
import { type Build, type BuildContext, prepare, seedOf } from './training.js'
import { type Trial, TrialPruned } from './trial.js'
import type { Settings } from './tune-model-options.js'

/** Thrown inside a trial whose training was interrupted. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted'
}

/** What all trials have in common. */
export interface Plan<P> {
  readonly build: Build<P>
  readonly data: TrainingSource
  readonly splits: Splits | null
  readonly settings: Settings
  readonly study: Study
  readonly read: Readings
  readonly programs: ProgramCache
}

/** One trial to be trained: `origin` is the number its seeds and checkpoints go by. */
export interface Task<P> {
  readonly trial: Trial
  readonly params: P
  readonly origin: number
  /** What pruners are told; null: nothing. */
  readonly report: 'epoch' | 'training' | null
}

/** How a trial's trainings ended. */
export interface Outcome {
  /** Means over them, one for each monitor. */
  readonly values: readonly number[]
  /** The epoch that counts of each, from 1. */
  readonly epochs: readonly number[]
  /** Of the best training; null after a cross-validation. */
  readonly model: Model | null
}

/**
 * All trainings of one trial: one for each fold and repeat.
 * @throws TrialPruned where the pruner says so, or what is monitored is not finite; Interrupted
 */
export async function runTrainings<P>(plan: Plan<P>, task: Task<P>): Promise<Outcome> {
  const { settings, splits, study, read } = plan
  const done: (readonly number[])[] = []
  const epochs: number[] = []
  let best: { readonly model: Model; readonly loss: number } | null = null
  const folds = splits?.count ?? 1
  for (let run = 0; run < settings.repeats * folds; run++) {
    const context: BuildContext = {
      seed: seedOf(settings.seed, task.origin, Math.floor(run / folds)),
      trial: task.trial,
      fold: splits === null ? null : run % folds,
      repeat: Math.floor(run / folds),
    }
    const { model, fit } = await prepare(plan.build, task.params, context, plan.programs, settings.repeats > 1)
    try {
      const { history, epoch } = await train(plan, task, context, model, fit, run, done)
      const values = read(logsAt(history, epoch))
      if (values.some(Number.isNaN)) throw new TrialPruned('what is monitored is not a number')
      done.push(values)
      epochs.push(history.epoch[epoch]! + 1)
      if (task.report === 'training') await task.trial.reportOrPrune(values.length === 1 ? values[0]! : values, run)
      const loss = sign(study.directions[0]!) * values[0]!
      if (splits !== null || (best !== null && best.loss <= loss)) await model.release()
      else {
        await best?.model.release()
        best = { model, loss }
      }
    } catch (error) {
      await model.release()
      await best?.model.release()
      throw error instanceof NumericError ? new TrialPruned(error.message) : error
    }
  }
  return { values: meanOf(done), epochs, model: best?.model ?? null }
}

/** One training, and which of its epochs counts. */
async function train<P>(
  { settings, splits, data, read }: Plan<P>,
  { trial, origin, report }: Task<P>,
  context: BuildContext,
  model: Model,
  fit: FitOptions,
  run: number,
  done: readonly (readonly number[])[],
): Promise<{ readonly history: History; readonly epoch: number }> {
  const { out, checkpoints, signal, earlyStopping: stopping, fitCallbacks } = settings
  const options: FitOptions = { verbose: 0, ...settings.fit, ...fit, ...(signal === undefined ? {} : { signal }) }
  const { epochs: most = 1 } = options
  const byBest = settings.epoch === 'best'
  const watcher = earlyStopping({
    monitor: settings.monitors[0]!,
    patience: most + 1,
    ...stopping,
    restoreBestWeights: byBest,
  })
  options.callbacks = [
    // Before any other: what is not in the logs is told as an option of ours.
    { onEpochEnd: (_epoch, logs) => void read(logs) },
    ...callbackList(fit.callbacks, 'fit'),
    ...callbackList(fitCallbacks?.(context), 'tuneModel.fitCallbacks'),
    watcher,
    ...(checkpoints && report !== null ? [backupAndRestore({ backupDir: `${out}/checkpoints/${origin}-${run}` })] : []),
    ...(report === 'epoch'
      ? [reporting(trial, read, (epoch, values) => ({ step: run * most + epoch, values: meanOf([...done, values]) }))]
      : []),
  ]
  let source = data
  if (context.fold !== null) {
    const parts = splits!.of(model, context.fold)
    source = parts.train
    options.validationData = parts.validation
  } else if (options.validationData === undefined && options.validationSplit === undefined && !isStream(data))
    options.validationSplit = 0.2
  const history = await model.fit(source, options)
  if (history.reason === 'aborted') throw new Interrupted('training was interrupted')
  const epoch = byBest ? history.epoch.indexOf(watcher.bestEpoch()) : history.epoch.length - 1
  return { history, epoch }
}

/** After a cross-validation: one training on all data, for as many epochs as counted in the folds on average. */
export async function trainOnAll<P>(plan: Plan<P>, task: Task<P>, epochs: readonly number[]): Promise<Model> {
  const { settings, data } = plan
  const context: BuildContext = {
    seed: seedOf(settings.seed, task.origin, 0),
    trial: task.trial,
    fold: null,
    repeat: 0,
  }
  const { model, fit } = await prepare(plan.build, task.params, context, plan.programs, settings.repeats > 1)
  const mean = Math.max(1, Math.round(meanOf(epochs.map(n => [n]))[0]!))
  await model.fit(data, { verbose: 0, ...settings.fit, ...fit, callbacks: [], epochs: mean })
  return model
}

const logsAt = ({ history }: History, at: number): Record<string, number> =>
  Object.fromEntries(Object.entries(history).map(([name, values]) => [name, values[at]!]))

const meanOf = (rows: readonly (readonly number[])[]): number[] =>
  rows[0]!.map((_, i) => rows.reduce((sum, row) => sum + row[i]!, 0) / rows.length)
