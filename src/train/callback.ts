import type { Logs } from './accumulate.js'
import type { TrainEvent } from './events.js'
import type { Model } from './model.js'

type Maybe = void | Promise<void>

/**
 * What runs beside training. Every method may be asynchronous and is waited for. The forms are TensorFlow.js's; `model`
 * comes last. `model.stopTraining = true` ends training after the event.
 */
export interface Callback {
  onTrainBegin?(logs: Logs, model: Model): Maybe
  onTrainEnd?(logs: Logs, model: Model): Maybe
  onEpochBegin?(epoch: number, logs: Logs, model: Model): Maybe
  onEpochEnd?(epoch: number, logs: Logs, model: Model): Maybe
  onBatchEnd?(batch: number, logs: Logs, model: Model): Maybe
  /** Every event as it is, before the methods above. */
  onEvent?(event: TrainEvent, model: Model): Maybe
}

/** Hands one event to every callback, in the order given. */
export async function dispatch(event: TrainEvent, callbacks: readonly Callback[], model: Model): Promise<void> {
  for (const callback of callbacks) {
    await callback.onEvent?.(event, model)
    if (event.type === 'trainBegin') await callback.onTrainBegin?.({}, model)
    else if (event.type === 'epochBegin') await callback.onEpochBegin?.(event.epoch, {}, model)
    else if (event.type === 'batchEnd') await callback.onBatchEnd?.(event.batch, event.logs, model)
    else if (event.type === 'epochEnd') await callback.onEpochEnd?.(event.epoch, event.logs, model)
    else await callback.onTrainEnd?.(event.logs, model)
  }
}
