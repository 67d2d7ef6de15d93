import { ConfigError } from '../ir/index.js'
import { EpochSums, type Logs } from './accumulate.js'
import { weighClasses } from './batches.js'
import { type Callback, dispatch } from './callback.js'
import type { TrainEvent } from './events.js'
import { collectHistory, type History } from './history.js'
import type { Model } from './model.js'
import { checkEvaluateOptions, checkFitOptions, type EvaluateOptions, type FitOptions } from './options.js'
import { progress } from './progress.js'
import { batchesOf, isStream, splitValidation, type TrainingSource } from './sources.js'
import { evaluateOn, updateOn } from './update.js'

/** Trains and returns the history. */
export async function fit(model: Model, source: TrainingSource, options: FitOptions): Promise<History> {
  const history = collectHistory()
  for await (const event of trainOn(model, source, options)) history.consume(event)
  return history.result()
}

/** Training as a stream of events; callbacks have run by the time an event arrives. */
export async function* trainOn(model: Model, source: TrainingSource, options: FitOptions): AsyncGenerator<TrainEvent> {
  checkFitOptions(options)
  const { epochs = 1, batchSize = 32, shuffle = true, signal, validationSplit = 0 } = options
  const classWeight = options.classWeight ?? undefined
  const given =
    options.sampleWeight === undefined || isStream(source) ? source : { ...source, sampleWeight: options.sampleWeight }
  const [training, validation] = splitValidation(model, given, options, batchSize, validationSplit)
  const callbacks = withProgress(options)
  const firstEpoch = options.initialEpoch ?? 0
  const interrupt = interruptSignal(signal)
  const stop = () => model.stopTraining || interrupt.aborted()
  model.stopTraining = false
  let logs: Logs = {}
  let done = 0
  try {
    yield* emit({ type: 'trainBegin', epochs, stepsPerEpoch: training.steps })
    for (let epoch = firstEpoch; epoch < epochs && !stop(); epoch++) {
      yield* emit({ type: 'epochBegin', epoch })
      const began = performance.now()
      const sums = new EpochSums(model.compiled)
      let batchNumber = 0
      for await (const batch of training.epoch(model.epoch, shuffle)) {
        if (stop()) break
        await updateOn(
          model,
          classWeight === undefined ? batch : weighClasses(batch, classWeight),
          sums,
          `epoch ${epoch + 1}, batch ${batchNumber}`,
        )
        yield* emit({ type: 'batchEnd', epoch, batch: batchNumber++, examples: sums.examples, logs: sums.logs(false) })
      }
      if (interrupt.aborted()) break
      logs = sums.logs(true)
      if (validation !== null) {
        const held = await evaluateOn(model, validation)
        for (const [name, value] of Object.entries(held.logs(true))) logs[`val_${name}`] = value
      }
      model.epoch++
      done = epoch + 1
      yield* emit({ type: 'epochEnd', epoch, logs, seconds: (performance.now() - began) / 1000 })
    }
    const reason = interrupt.aborted() ? 'aborted' : model.stopTraining && done < epochs ? 'stopped' : 'completed'
    yield* emit({ type: 'trainEnd', reason, epochs: done, logs })
  } finally {
    interrupt.release()
  }

  async function* emit(event: TrainEvent): AsyncGenerator<TrainEvent> {
    await dispatch(event, callbacks, model)
    yield event
  }
}

function withProgress(options: FitOptions): readonly Callback[] {
  const own =
    options.callbacks === undefined || options.callbacks === null
      ? []
      : Array.isArray(options.callbacks)
        ? (options.callbacks as readonly Callback[])
        : [options.callbacks as Callback]
  for (const callback of own as readonly unknown[])
    if (typeof callback !== 'object' || callback === null)
      throw new ConfigError({
        code: 'bad-option',
        where: 'fit.callbacks',
        expected: 'callbacks: objects with methods such as onEpochEnd',
        received: callback === null ? 'null' : typeof callback,
      })
  const stream = options.stream ?? (typeof process === 'undefined' ? undefined : process.stdout)
  const wanted = options.verbose === undefined ? stream !== undefined : Boolean(options.verbose)
  return wanted && stream !== undefined ? [...own, progress({ stream })] : own
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
  return evaluateOn(model, batchesOf(model, given, options.batchSize ?? 32))
}
