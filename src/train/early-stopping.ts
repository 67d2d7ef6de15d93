import { ConfigError, nearest, type Tensor } from '../ir/index.js'
import type { Callback } from './callback.js'

export interface EarlyStoppingOptions {
  /** Name in the logs; default `val_loss`. */
  monitor?: string
  /** Smallest change that counts as better; default 0. */
  minDelta?: number
  /** Epochs without improvement to wait for; default 0. */
  patience?: number
  /** `auto` takes `max` for accuracies, AUC, precision, recall, F1, R²; else `min`. */
  mode?: 'auto' | 'min' | 'max'
  /** A value to reach at all; default none. */
  baseline?: number | null
  /** Put back the weights of the best epoch at the end; default false. */
  restoreBestWeights?: boolean
  /** Epochs to let pass before watching; default 0. */
  startFromEpoch?: number
}

export interface EarlyStopping extends Callback {
  /** The epoch training stopped at (from 0); null if it ran to its end. */
  readonly stoppedEpoch: () => number | null
  readonly bestEpoch: () => number
}

/** Which way a quantity improves. */
export const directionOf = (monitor: string, mode: 'auto' | 'min' | 'max' = 'auto'): 'min' | 'max' =>
  mode !== 'auto' ? mode : /acc|auc|precision|recall|f1|r2|similarity/i.test(monitor) ? 'max' : 'min'

/** Stops when a quantity has stopped improving; semantics and defaults of Keras's EarlyStopping. */
export function earlyStopping(options: EarlyStoppingOptions = {}): EarlyStopping {
  const {
    monitor = 'val_loss',
    minDelta = 0,
    patience = 0,
    mode = 'auto',
    baseline = null,
    restoreBestWeights = false,
    startFromEpoch = 0,
  } = options ?? {}
  const known = ['monitor', 'minDelta', 'patience', 'mode', 'baseline', 'restoreBestWeights', 'startFromEpoch']
  for (const key of Object.keys(options ?? {}))
    if (!known.includes(key))
      throw new ConfigError({
        code: 'unknown-option',
        where: `callbacks.earlyStopping.${key}`,
        expected: `one of ${known.join(', ')}`,
        received: key,
        hint: `did you mean ${nearest(key, known, 1)[0]}?`,
      })
  const sign = directionOf(monitor, mode) === 'min' ? 1 : -1
  let best: number | null = null
  let bestEpoch = 0
  let wait = 0
  let stopped: number | null = null
  let weights: Record<string, Tensor> | null = null
  const better = (value: number, than: number | null) =>
    than === null || sign * (value + sign * Math.abs(minDelta) - than) < 0
  return {
    stoppedEpoch: () => stopped,
    bestEpoch: () => bestEpoch,
    onTrainBegin: () => {
      best = null
      bestEpoch = 0
      wait = 0
      stopped = null
      weights = null
    },
    onEpochEnd: async (epoch, logs, model) => {
      const value = logs[monitor]
      if (value === undefined)
        throw new ConfigError({
          code: 'unknown-monitor',
          where: 'callbacks.earlyStopping.monitor',
          expected: `one of ${Object.keys(logs).join(', ')}`,
          received: monitor,
          hint: monitor.startsWith('val_')
            ? 'give fit validationData or validationSplit'
            : 'name a metric given to compile',
        })
      if (epoch < startFromEpoch) return
      if (restoreBestWeights && weights === null) {
        weights = await model.weights()
        bestEpoch = epoch
      }
      wait++
      if (better(value, best)) {
        best = value
        bestEpoch = epoch
        if (restoreBestWeights) weights = await model.weights()
        if (better(value, baseline)) wait = 0
        return
      }
      if (wait >= patience && epoch > 0) {
        stopped = epoch
        model.stopTraining = true
      }
    },
    onTrainEnd: (_logs, model) => {
      if (restoreBestWeights && weights !== null) model.setWeights(weights)
    },
  }
}
