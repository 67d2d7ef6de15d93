import { ConfigError, type NumericError, nearest, type Tensor } from '../ir/index.js'
import type { Logs } from './accumulate.js'
import type { Notice, TrainEvent } from './events.js'
import type { Model } from './model.js'
import type { TrainingRun } from './run.js'

type Maybe = void | Promise<void>

/** What a callback is told about the run before it begins. */
export interface CallbackParams {
  /** Number of the last epoch, counted from 1; 1 in evaluate and predict. */
  readonly epochs: number
  /** Batches per epoch, where known. */
  readonly steps: number | undefined
  readonly initialEpoch: number
  /** Puts something into the stream of events that is not an error: a warning, a file written. */
  notify(notice: Notice): void
  /** The run as a whole, for checkpoints; only in fit. */
  readonly run?: TrainingRun
}

/** What a callback remembers, for checkpoints: data that JSON can hold (numbers may be NaN or infinite), and tensors. */
export interface CallbackState {
  readonly data?: unknown
  readonly tensors?: Readonly<Record<string, Tensor>>
}

/** A batch's predictions, by output. */
export interface PredictLogs {
  readonly outputs: Readonly<Record<string, Tensor>>
}

/**
 * What runs beside training, evaluation and prediction. Every method may be asynchronous and is waited for, in the order
 * in which callbacks are given. Names, order and logs are Keras's; `model` comes last. Logs of a batch are means over
 * the epoch so far; what a callback puts into an epoch's logs, those after it and the history see.
 * `model.stopTraining = true` ends training after the batch or epoch.
 */
export interface Callback {
  /** Names what the callback remembers in checkpoints. */
  readonly name?: string
  setModel?(model: Model): void
  setParams?(params: CallbackParams): void
  onTrainBegin?(logs: Logs, model: Model): Maybe
  onTrainEnd?(logs: Logs, model: Model): Maybe
  onEpochBegin?(epoch: number, logs: Logs, model: Model): Maybe
  onEpochEnd?(epoch: number, logs: Logs, model: Model): Maybe
  onTrainBatchBegin?(batch: number, logs: Logs, model: Model): Maybe
  onTrainBatchEnd?(batch: number, logs: Logs, model: Model): Maybe
  /** The same as `onTrainBatchBegin`, for callbacks that do not have that. */
  onBatchBegin?(batch: number, logs: Logs, model: Model): Maybe
  /** The same as `onTrainBatchEnd`, for callbacks that do not have that. */
  onBatchEnd?(batch: number, logs: Logs, model: Model): Maybe
  /** Evaluation: that of `evaluate`, and validation within `fit`. */
  onTestBegin?(logs: Logs, model: Model): Maybe
  onTestEnd?(logs: Logs, model: Model): Maybe
  onTestBatchBegin?(batch: number, logs: Logs, model: Model): Maybe
  onTestBatchEnd?(batch: number, logs: Logs, model: Model): Maybe
  onPredictBegin?(logs: Logs, model: Model): Maybe
  onPredictEnd?(logs: Logs, model: Model): Maybe
  onPredictBatchBegin?(batch: number, logs: Logs, model: Model): Maybe
  onPredictBatchEnd?(batch: number, logs: PredictLogs, model: Model): Maybe
  /** Every event as it is, before the methods above. */
  onEvent?(event: TrainEvent, model: Model): Maybe
  /** A loss that is not finite; the update was not made. Setting `model.stopTraining` here ends training without an error. */
  onNumericError?(error: NumericError, model: Model): Maybe
  /** What to keep in a checkpoint; `restore` is given the same in the resumed run, after `onTrainBegin`. */
  state?(model: Model): CallbackState | Promise<CallbackState>
  restore?(state: CallbackState, model: Model): Maybe
}

/** The methods of a callback. */
export const hooks = [
  'onTrainBegin',
  'onTrainEnd',
  'onEpochBegin',
  'onEpochEnd',
  'onTrainBatchBegin',
  'onTrainBatchEnd',
  'onBatchBegin',
  'onBatchEnd',
  'onTestBegin',
  'onTestEnd',
  'onTestBatchBegin',
  'onTestBatchEnd',
  'onPredictBegin',
  'onPredictEnd',
  'onPredictBatchBegin',
  'onPredictBatchEnd',
  'onEvent',
  'onNumericError',
] as const satisfies readonly (keyof Callback)[]

/** Callbacks as `fit`, `evaluate` and `predict` take them, as one list. @throws ConfigError for what is none */
export function callbackList(given: Callback | readonly Callback[] | null | undefined, call: string): Callback[] {
  const list: unknown[] = given === undefined || given === null ? [] : [given].flat(9)
  return list.map((callback, i) => {
    if (typeof callback !== 'object' || callback === null)
      throw new ConfigError({
        code: 'bad-option',
        where: `${call}.callbacks`,
        expected: 'callbacks: objects with methods such as onEpochEnd',
        received: callback === null ? 'null' : typeof callback,
        ...(typeof callback === 'function' ? { hint: 'call it to make the callback' } : {}),
      })
    for (const name of methodsOf(callback))
      if (/^on[_A-Z]/.test(name) && !(hooks as readonly string[]).includes(name))
        throw new ConfigError({
          code: 'unknown-hook',
          where: `${call}.callbacks[${i}].${name}`,
          expected: `one of ${hooks.join(', ')}`,
          received: name,
          hint: `did you mean ${nearest(name, hooks, 1)[0]}?`,
        })
    return callback as Callback
  })
}

function* methodsOf(callback: object): Iterable<string> {
  for (let at = callback; at !== null && at !== Object.prototype; at = Object.getPrototypeOf(at))
    for (const name of Object.getOwnPropertyNames(at))
      if (typeof (callback as Record<string, unknown>)[name] === 'function') yield name
}

/** Tells callbacks, in order, what they run beside. */
export function introduce(callbacks: readonly Callback[], model: Model, params: CallbackParams): void {
  for (const callback of callbacks) {
    callback.setModel?.(model)
    callback.setParams?.(params)
  }
}

/** Hands one event to every callback, in the order given. */
export async function dispatch(event: TrainEvent, callbacks: readonly Callback[], model: Model): Promise<void> {
  for (const callback of callbacks) {
    await callback.onEvent?.(event, model)
    if (event.type === 'trainBegin') await callback.onTrainBegin?.({}, model)
    else if (event.type === 'epochBegin') await callback.onEpochBegin?.(event.epoch, {}, model)
    else if (event.type === 'batchEnd') {
      if (callback.onTrainBatchEnd !== undefined) await callback.onTrainBatchEnd(event.batch, event.logs, model)
      else await callback.onBatchEnd?.(event.batch, event.logs, model)
    } else if (event.type === 'epochEnd') await callback.onEpochEnd?.(event.epoch, event.logs, model)
    else if (event.type === 'trainEnd') await callback.onTrainEnd?.(event.logs, model)
  }
}

/** Before a batch of training; not an event, since nothing has happened yet. */
export async function beginBatch(batch: number, callbacks: readonly Callback[], model: Model): Promise<void> {
  for (const callback of callbacks)
    if (callback.onTrainBatchBegin !== undefined) await callback.onTrainBatchBegin(batch, {}, model)
    else await callback.onBatchBegin?.(batch, {}, model)
}

/** Whether a callback takes a loss that is not finite as a reason to stop, not to fail. */
export async function absorbs(error: NumericError, callbacks: readonly Callback[], model: Model): Promise<boolean> {
  for (const callback of callbacks) await callback.onNumericError?.(error, model)
  return model.stopTraining
}
