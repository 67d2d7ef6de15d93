import { z } from 'zod'
import { parseOptions } from '../../nn/plugin.js'
import type { Callback, CallbackParams } from '../callback.js'
import type { Model } from '../model.js'
import { type Mode, type Monitor, modeSchema, monitorSchema, watch } from './monitor.js'

export interface ReduceLROnPlateauOptions {
  /** As in earlyStopping; default `val_loss`. */
  monitor?: Monitor
  /** The learning rate is multiplied by this, from 0 to below 1; default 0.1. */
  factor?: number
  /** Epochs without improvement to wait for; default 10. */
  patience?: number
  /** 1 tells of every reduction in the stream of events; default 0. */
  verbose?: 0 | 1
  mode?: Mode
  /** Smallest change that counts as better; default 1e-4. */
  minDelta?: number
  /** Epochs to rest after a reduction before waiting again; default 0. */
  cooldown?: number
  /** The learning rate never falls below this by a reduction; default 0. */
  minLr?: number
}

const schema = z.strictObject({
  monitor: monitorSchema.optional(),
  factor: z.number().min(0).lt(1).optional(),
  patience: z.int().min(0).optional(),
  verbose: z.union([z.literal(0), z.literal(1)]).optional(),
  mode: modeSchema.optional(),
  minDelta: z.number().optional(),
  cooldown: z.int().min(0).optional(),
  minLr: z.number().min(0).optional(),
})

/**
 * Multiplies the learning rate by `factor` when a quantity has stopped improving: Keras's ReduceLROnPlateau. Puts
 * `learning_rate` into the epoch's logs. Where Keras refuses a schedule, here the whole schedule is scaled from then on.
 * @throws ConfigError for bad options, all at once, and for an unknown monitor (listing those that exist)
 */
export function reduceLROnPlateau(options: ReduceLROnPlateauOptions = {}): Callback {
  const where = 'callbacks.reduceLROnPlateau'
  parseOptions(schema, options ?? {}, where)
  const {
    monitor = 'val_loss',
    factor = 0.1,
    patience = 10,
    verbose = 0,
    mode = 'auto',
    minDelta = 1e-4,
    cooldown = 0,
    minLr = 0,
  } = options ?? {}
  const watched = watch(monitor, mode, minDelta, `${where}.monitor`)
  const fresh = () => ({ best: null as number | null, wait: 0, cooling: 0, scale: 1 })
  let now = fresh()
  /** The schedule that is scaled, once it is. */
  let scheduled: ((step: number) => number) | null = null
  let params: CallbackParams | undefined

  /** A schedule goes on, scaled; a number is replaced. */
  const reduce = (model: Model): void => {
    const rate = model.learningRateOverride ?? model.optimizer.learningRate
    if (typeof rate === 'function') {
      scheduled ??= rate
      now.scale *= factor
      scale(model, scheduled)
    } else model.learningRate = Math.max(rate * factor, minLr)
  }
  const scale = (model: Model, schedule: (step: number) => number): void => {
    const { scale } = now
    model.learningRate = step => Math.max(schedule(step) * scale, Math.min(minLr, schedule(step)))
  }
  return {
    name: 'reduceLROnPlateau',
    setParams: given => {
      params = given
    },
    onTrainBegin: () => {
      now = fresh()
      scheduled = null
    },
    onEpochEnd: (epoch, logs, model) => {
      logs.learning_rate = model.learningRate
      const value = watched.value(logs)
      if (now.cooling > 0) {
        now.cooling--
        now.wait = 0
      }
      if (watched.better(value, now.best)) {
        now.best = value
        now.wait = 0
      } else if (now.cooling === 0) {
        now.wait++
        if (now.wait >= patience && model.learningRate > minLr) {
          reduce(model)
          now.cooling = cooldown
          now.wait = 0
          if (verbose === 1)
            params?.notify({
              type: 'notice',
              level: 'info',
              from: 'reduceLROnPlateau',
              text: `epoch ${epoch + 1}: learning rate reduced to ${model.learningRate}`,
            })
        }
      }
    },
    state: () => ({ data: now }),
    restore: ({ data }, model) => {
      now = data as typeof now // written by `state` above
      const rate = model.learningRateOverride ?? model.optimizer.learningRate
      if (now.scale < 1 && typeof rate === 'function') scale(model, (scheduled = rate))
    },
  }
}
