import { z } from 'zod'
import { parseOptions } from '../../nn/plugin.js'
import type { Logs } from '../accumulate.js'
import type { Callback, CallbackParams } from '../callback.js'
import type { Model } from '../model.js'
import { type Mode, type Monitor, modeSchema, monitorSchema, watch } from './monitor.js'
import { checkTemplate, fillTemplate } from './template.js'

export interface ModelCheckpointOptions {
  /** Watched for `saveBestOnly`; as in earlyStopping. Default `val_loss`. */
  monitor?: Monitor
  /** 1 tells in the stream of events what improved; default 0. */
  verbose?: 0 | 1
  /** Save only when the monitor is better than ever before; default false. */
  saveBestOnly?: boolean
  /** Save weights (.safetensors, `model.saveWeights`) instead of the model (.onnx, `model.save`); default false. */
  saveWeightsOnly?: boolean
  mode?: Mode
  /** After each epoch (default), after every so many batches, or `{ epochs: n }`: after every n-th epoch. */
  saveFreq?: 'epoch' | number | { readonly epochs: number }
  /** With `saveBestOnly`: the value to beat from the start; default none. */
  initialValueThreshold?: number | null
  /** Keep only the last so many files that this callback wrote; default null, all. */
  keepLast?: number | null
}

const schema = z.strictObject({
  filepath: z.string().min(1),
  monitor: monitorSchema.optional(),
  verbose: z.union([z.literal(0), z.literal(1)]).optional(),
  saveBestOnly: z.boolean().optional(),
  saveWeightsOnly: z.boolean().optional(),
  mode: modeSchema.optional(),
  saveFreq: z
    .union([z.literal('epoch'), z.int().positive(), z.strictObject({ epochs: z.int().positive() })], {
      error: "'epoch', a number of batches ≥ 1, or { epochs: n }",
    })
    .optional(),
  initialValueThreshold: z.number().nullable().optional(),
  keepLast: z.int().positive().nullable().optional(),
})

/**
 * Saves the model while it trains: Keras's ModelCheckpoint. `filepath` may hold fields as Python writes them,
 * `run/{epoch:02d}-{val_loss:.2f}.onnx`: `epoch` and `batch` from 1, and every name in the logs. Without fields each
 * file replaces the one before, so that the path holds the best or the last. Every file is written whole or not at all.
 * What is saved is for use; to go on with a run that was interrupted see backupAndRestore.
 * @throws ConfigError for bad options, all at once, for an unknown monitor or field (listing those that exist);
 *   DataError where a file cannot be written
 */
export function modelCheckpoint(filepath: string, options: ModelCheckpointOptions = {}): Callback {
  const where = 'callbacks.modelCheckpoint'
  parseOptions(schema, { filepath, ...options }, where)
  checkTemplate(filepath, `${where}.filepath`)
  const {
    monitor = 'val_loss',
    verbose = 0,
    saveBestOnly = false,
    saveWeightsOnly = false,
    mode = 'auto',
    saveFreq = 'epoch',
    initialValueThreshold = null,
    keepLast = null,
  } = options ?? {}
  const watched = watch(monitor, mode, 0, `${where}.monitor`)
  const everyBatches = typeof saveFreq === 'number' ? saveFreq : null
  const everyEpochs = typeof saveFreq === 'object' ? saveFreq.epochs : 1
  // Kept from one fit to the next, as in Keras: what is best is best of all.
  let now = { best: initialValueThreshold, epoch: 0, batches: 0, files: [] as string[] }
  let params: CallbackParams | undefined
  const say = (text: string) => {
    if (verbose === 1) params?.notify({ type: 'notice', level: 'info', from: 'modelCheckpoint', text })
  }

  const save = async (model: Model, counters: Record<string, number>, logs: Logs): Promise<void> => {
    if (saveBestOnly) {
      const value = watched.value(logs)
      const better = watched.better(value, now.best)
      const was = now.best === null ? 'nothing' : now.best
      say(`epoch ${counters.epoch}: ${watched.name} ${better ? 'improved' : 'did not improve'} from ${was} to ${value}`)
      if (!better) return
      now.best = value
    }
    const path = fillTemplate(filepath, { ...logs, ...counters }, `${where}.filepath`)
    await (saveWeightsOnly ? model.saveWeights(path) : model.save(path))
    params?.notify({ type: 'saved', from: 'modelCheckpoint', path })
    if (keepLast === null) return
    now.files = [...now.files.filter(file => file !== path), path]
    const { rm } = await import('node:fs/promises')
    for (const file of now.files.splice(0, now.files.length - keepLast)) await rm(file, { force: true })
  }
  return {
    name: 'modelCheckpoint',
    setParams: given => {
      params = given
    },
    onEpochBegin: epoch => {
      now.epoch = epoch
    },
    onTrainBatchEnd: async (batch, logs, model) => {
      if (everyBatches === null || ++now.batches < everyBatches) return
      now.batches = 0
      await save(model, { epoch: now.epoch + 1, batch: batch + 1 }, logs)
    },
    onEpochEnd: async (epoch, logs, model) => {
      if (everyBatches === null && (epoch + 1) % everyEpochs === 0) await save(model, { epoch: epoch + 1 }, logs)
    },
    state: () => ({ data: now }),
    restore: ({ data }) => {
      now = data as typeof now // written by `state` above
    },
  }
}
