import { NumericError } from '../ir/index.js'
import type { EpochSums } from './accumulate.js'
import { finalizeAverages } from './averages.js'
import { absorbs, beginBatch, type Callback, callbackList, dispatch, introduce } from './callback.js'
import { progress } from './callbacks/progress.js'
import type { TrainEvent } from './events.js'
import { collectHistory, type History } from './history.js'
import type { Model } from './model.js'
import { checkEvaluateOptions, checkFitOptions, type EvaluateOptions, type FitOptions } from './options.js'
import { Run } from './run.js'
import { classWeightsByOutput, weighClasses } from './sample-weight.js'
import { batchesOf, isStream, splitValidation, type TrainingSource } from './sources.js'
import { evaluateOn, updateOn } from './update.js'

/** Trains and returns the history. */
export async function fit(model: Model, source: TrainingSource, options: FitOptions): Promise<History> {
  const history = collectHistory()
  for await (const _ of trainOn(model, source, options, history));
  return history.result()
}

/** Training as a stream of events; callbacks have run by the time an event arrives. */
export async function* trainOn(
  model: Model,
  source: TrainingSource,
  options: FitOptions,
  history = collectHistory(),
): AsyncGenerator<TrainEvent> {
  checkFitOptions(options)
  const { epochs = 1, batchSize = 32, shuffle = true, signal, validationSplit = 0, initialEpoch = 0 } = options
  const classWeight = options.classWeight ? classWeightsByOutput(model.network, options.classWeight) : undefined
  const given =
    options.sampleWeight === undefined || isStream(source) ? source : { ...source, sampleWeight: options.sampleWeight }
  const [training, validation] = splitValidation(model, given, options, batchSize, validationSplit)
  const callbacks = withProgress(options)
  const run = new Run({ model, callbacks, history, training, shuffle, epoch: initialEpoch })
  const release = model.occupy()
  const interrupt = interruptSignal(signal)
  const stop = () => model.stopTraining || interrupt.aborted()
  model.stopTraining = false
  try {
    const { steps } = training
    introduce(callbacks, model, { epochs, steps, initialEpoch, run, notify: notice => run.notices.push(notice) })
    yield* emit({ type: 'trainBegin', epochs, stepsPerEpoch: steps })
    // A run that was resumed within an epoch ends it, as it would have without the interruption.
    while (run.epoch < epochs && !interrupt.aborted() && (run.begun || !stop())) {
      const { epoch } = run
      if (!run.begun) {
        run.begun = true
        yield* emit({ type: 'epochBegin', epoch })
      }
      const began = performance.now()
      const failed = yield* trainEpoch()
      if (interrupt.aborted()) break
      const logs = run.sums.logs(true)
      if (failed) logs.loss = Number.NaN
      if (validation !== null)
        for (const [name, value] of Object.entries((await evaluateOn(model, validation, callbacks)).logs(true)))
          logs[`val_${name}`] = value
      model.epoch++
      // What callbacks add to an epoch's logs stays the epoch's.
      run.logs = { ...logs }
      run.done = epoch + 1
      yield* emit({ type: 'epochEnd', epoch, logs, seconds: (performance.now() - began) / 1000 })
    }
    const reason = interrupt.aborted() ? 'aborted' : model.stopTraining && run.done < epochs ? 'stopped' : 'completed'
    // A run that was interrupted has not ended: its weights are those to go on from.
    if (reason !== 'aborted' && model.optimizer.finalize) await finalizeAverages(model)
    yield* emit({ type: 'trainEnd', reason, epochs: run.done, logs: run.logs })
  } finally {
    interrupt.release()
    release()
  }

  /** The batches of an epoch that are left; true if a loss was not finite and a callback made that the end. */
  async function* trainEpoch(): AsyncGenerator<TrainEvent, boolean> {
    const pass = training.epoch(model.epoch, shuffle, run.data)
    for await (const batch of pass) {
      if (stop()) break
      await beginBatch(run.batch, callbacks, model)
      const weighed = classWeight === undefined ? batch : weighClasses(batch, classWeight)
      run.latestBatch = weighed
      try {
        await updateOn(model, weighed, run.sums, `epoch ${run.epoch + 1}, batch ${run.batch}`)
      } catch (error) {
        if (error instanceof NumericError && (await absorbs(error, callbacks, model))) return true
        throw error
      }
      run.data = pass.position()
      const { epoch, sums } = run
      yield* emit({ type: 'batchEnd', epoch, batch: run.batch++, examples: sums.examples, logs: sums.logs(false) })
      if (stop()) break
    }
    return false
  }

  async function* emit(event: TrainEvent): AsyncGenerator<TrainEvent> {
    await dispatch(event, callbacks, model)
    history.consume(event)
    if (event.type === 'epochEnd') run.turnTo(event.epoch + 1)
    await run.settle()
    if (event.type !== 'trainEnd') yield event
    for (let notice = run.notices.shift(); notice !== undefined; notice = run.notices.shift()) {
      await dispatch(notice, callbacks, model)
      yield notice
    }
    if (event.type === 'trainEnd') yield event
  }
}

function withProgress(options: FitOptions): readonly Callback[] {
  const own = callbackList(options.callbacks, 'fit')
  const stream = options.stream ?? (typeof process === 'undefined' ? undefined : process.stdout)
  const wanted = options.verbose === undefined ? stream !== undefined : Boolean(options.verbose)
  const shown = own.some(callback => callback.name === 'progress')
  return wanted && stream !== undefined && !shown ? [...own, progress({ stream })] : own
}

/** The caller's signal and, in Node, the first Ctrl-C. The second Ctrl-C ends the process as ever. */
function interruptSignal(signal: AbortSignal | undefined): { aborted(): boolean; release(): void } {
  let pressed = false
  const node = typeof process !== 'undefined' && typeof process.once === 'function'
  const onInterrupt = () => {
    pressed = true
  }
  if (node) process.once('SIGINT', onInterrupt)
  return {
    aborted: () => pressed || (signal?.aborted ?? false),
    release: () => {
      if (node) process.removeListener('SIGINT', onInterrupt)
    },
  }
}

/** Loss and metrics on data. */
export async function evaluateBatches(
  model: Model,
  source: TrainingSource,
  options: EvaluateOptions = {},
): Promise<EpochSums> {
  checkEvaluateOptions('evaluate', options)
  const given =
    options.sampleWeight === undefined || isStream(source) ? source : { ...source, sampleWeight: options.sampleWeight }
  const batches = batchesOf(model, given, options.batchSize ?? 32)
  const callbacks = callbackList(options.callbacks, 'evaluate')
  introduce(callbacks, model, { epochs: 1, steps: batches.steps, initialEpoch: 0, notify: () => {} })
  return evaluateOn(model, batches, callbacks)
}
