import { z } from 'zod'
import type { Tensor } from '../../ir/index.js'
import { parseOptions } from '../../nn/plugin.js'
import type { Callback, CallbackParams } from '../callback.js'
import { type Mode, type Monitor, modeSchema, monitorSchema, watch } from './monitor.js'

/** A quantity to watch with settings of its own; what is left out is as for all. */
export interface Watched {
  monitor: Monitor
  minDelta?: number
  patience?: number
  mode?: Mode
  baseline?: number | null
}

export interface EarlyStoppingOptions {
  /** Name in the logs, `'gap'` (val_loss − loss), `{ gap: 'accuracy' }`, a function of the logs, or a list; default `val_loss`. */
  monitor?: Monitor | readonly (Monitor | Watched)[]
  /** With several monitors: stop once `all` (default) or `any` of them have stopped improving. */
  when?: 'all' | 'any'
  /** Smallest change that counts as better; default 0. Its sign does not matter. */
  minDelta?: number
  /** Epochs without improvement to wait for; default 0. */
  patience?: number
  /** `auto` (default) takes `max` for accuracies, AUC, precision, recall, F1, R²; else `min`. */
  mode?: Mode
  /** A value to reach at all: only what beats it starts the waiting anew; default none. */
  baseline?: number | null
  /** Put back the weights of the best epoch (of the first monitor) at the end; default false. */
  restoreBestWeights?: boolean
  /** Epochs to let pass before watching; default 0. */
  startFromEpoch?: number
  /** 1 tells in the stream of events why training stopped; default 0. */
  verbose?: 0 | 1
}

export interface EarlyStopping extends Callback {
  /** The epoch training stopped at (from 0); null if it ran to its end. */
  readonly stoppedEpoch: () => number | null
  readonly bestEpoch: () => number
}

const shared = {
  minDelta: z.number().optional(),
  patience: z.int().min(0).optional(),
  mode: modeSchema.optional(),
  baseline: z.number().nullable().optional(),
}
const entry = z.union([monitorSchema, z.strictObject({ monitor: monitorSchema, ...shared })])
const schema = z.strictObject({
  monitor: z.union([monitorSchema, z.array(entry).min(1)]).optional(),
  when: z.enum(['all', 'any']).optional(),
  ...shared,
  restoreBestWeights: z.boolean().optional(),
  startFromEpoch: z.int().min(0).optional(),
  verbose: z.union([z.literal(0), z.literal(1)]).optional(),
})

/** How far one monitor has come. */
interface Progress {
  best: number | null
  wait: number
}

/**
 * Stops when a quantity, or several, have stopped improving. Semantics and defaults of Keras's EarlyStopping; NaN is
 * never an improvement. A monitor that is not in the logs is an error, where Keras warns.
 * @throws ConfigError for bad options, all at once, and for an unknown monitor (listing those that exist)
 */
export function earlyStopping(options: EarlyStoppingOptions = {}): EarlyStopping {
  const where = 'callbacks.earlyStopping'
  parseOptions(schema, options ?? {}, where)
  const {
    monitor = 'val_loss',
    when = 'all',
    minDelta = 0,
    patience = 0,
    mode = 'auto',
    baseline = null,
    restoreBestWeights = false,
    startFromEpoch = 0,
    verbose = 0,
  } = options ?? {}
  const watched = (Array.isArray(monitor) ? (monitor as readonly (Monitor | Watched)[]) : [monitor as Monitor]).map(
    given => {
      const own: Watched = typeof given === 'object' && 'monitor' in given ? given : { monitor: given }
      return {
        watch: watch(own.monitor, own.mode ?? mode, own.minDelta ?? minDelta, `${where}.monitor`),
        patience: own.patience ?? patience,
        baseline: own.baseline === undefined ? baseline : own.baseline,
      }
    },
  )
  const fresh = () => ({
    progress: watched.map((): Progress => ({ best: null, wait: 0 })),
    stopped: null as number | null,
    bestEpoch: 0,
  })
  let now = fresh()
  let weights: Record<string, Tensor> | null = null
  let params: CallbackParams | undefined
  const say = (text: string) => {
    if (verbose === 1) params?.notify({ type: 'notice', level: 'info', from: 'earlyStopping', text })
  }
  return {
    name: 'earlyStopping',
    stoppedEpoch: () => now.stopped,
    bestEpoch: () => now.bestEpoch,
    setParams: given => {
      params = given
    },
    onTrainBegin: () => {
      now = fresh()
      weights = null
    },
    onEpochEnd: async (epoch, logs, model) => {
      const values = watched.map(({ watch }) => watch.value(logs))
      if (epoch < startFromEpoch) return
      // Before anything was better than nothing, the first weights are the best.
      let best = restoreBestWeights && weights === null
      const waited = watched.map(({ watch, patience, baseline }, i) => {
        const at = now.progress[i]!
        at.wait++
        if (!watch.better(values[i]!, at.best)) return at.wait >= patience && epoch > 0
        at.best = values[i]!
        if (i === 0) best = true
        if (watch.better(values[i]!, baseline)) at.wait = 0
        return false
      })
      if (best) now.bestEpoch = epoch
      if (best && restoreBestWeights) weights = await model.weights()
      if (when === 'all' ? waited.every(Boolean) : waited.some(Boolean)) {
        now.stopped = epoch
        model.stopTraining = true
        const names = watched.filter((_, i) => waited[i]).map(({ watch }) => watch.name)
        say(`epoch ${epoch + 1}: ${names.join(', ')} no longer improving, best at epoch ${now.bestEpoch + 1}`)
      }
    },
    onTrainEnd: (_logs, model) => {
      if (!restoreBestWeights || weights === null) return
      say(`weights of epoch ${now.bestEpoch + 1} put back`)
      model.setWeights(weights)
    },
    state: () => ({ data: now, ...(weights === null ? {} : { tensors: weights }) }),
    restore: ({ data, tensors }) => {
      now = data as typeof now // written by `state` above
      weights = tensors === undefined || Object.keys(tensors).length === 0 ? null : { ...tensors }
    },
  }
}
