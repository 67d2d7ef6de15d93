import { z } from 'zod'
import { ConfigError } from '../../ir/index.js'
import { parseOptions } from '../../nn/plugin.js'
import type { Callback, CallbackParams } from '../callback.js'
import { generations } from '../checkpoint/generations.js'
import type { TrainingRun } from '../run.js'

export interface BackupAndRestoreOptions {
  /** The folder for the checkpoints of this run, and of nothing else. */
  backupDir: string
  /** After each epoch (default), after every so many batches, or `false`: only when training is interrupted. */
  saveFreq?: 'epoch' | number | false
  /** Keep the checkpoint before the last, in case that one is damaged; default true (Keras: false). */
  doubleCheckpoint?: boolean
  /** Remove the checkpoints when training has come to its end; default true. */
  deleteCheckpoint?: boolean
}

const schema = z.strictObject({
  backupDir: z.string().min(1),
  saveFreq: z
    .union([z.literal('epoch'), z.int().positive(), z.literal(false)], {
      error: "'epoch', a number of batches ≥ 1, or false",
    })
    .optional(),
  doubleCheckpoint: z.boolean().optional(),
  deleteCheckpoint: z.boolean().optional(),
})

/**
 * Makes training survive: writes the whole run as a checkpoint now and then, and when `fit` is called anew goes on with
 * the newest one that is whole. The resumed run ends with exactly the weights, slots and history of one that was never
 * interrupted, bit for bit, wherever it was killed. Keras's BackupAndRestore, which keeps weights and epoch only.
 * An interruption by an AbortSignal or Ctrl-C writes a checkpoint of that very batch.
 *
 * The model, its seed, the data and the other callbacks are to be made as before. What the callbacks of others remember
 * is kept if they have `state` and `restore`.
 * @throws ConfigError for bad options, all at once; FormatError for checkpoints of another model, optimizer or data
 *   (naming the first parameter that differs), or if all are damaged; DataError where they cannot be written
 */
export function backupAndRestore(options: BackupAndRestoreOptions): Callback {
  const where = 'callbacks.backupAndRestore'
  const {
    backupDir,
    saveFreq = 'epoch',
    doubleCheckpoint = true,
    deleteCheckpoint = true,
  } = parseOptions(schema, options, where)
  const files = generations(backupDir, doubleCheckpoint ? 2 : 1)
  let params: CallbackParams | undefined
  let batches = 0
  const run = (): TrainingRun => {
    if (params?.run !== undefined) return params.run
    throw new ConfigError({
      code: 'no-run',
      where,
      expected: 'a callback of fit',
      received: 'one of evaluate or predict',
    })
  }
  const save = (): void =>
    run().afterwards(async () => {
      const path = await files.write(await run().checkpoint(), run().position().step)
      params?.notify({ type: 'saved', from: 'backupAndRestore', path })
    })
  return {
    name: 'backupAndRestore',
    setParams: given => {
      params = given
    },
    onTrainBegin: () => {
      batches = 0
      run().afterwards(async () => {
        await files.newest(
          (bytes, path) => run().resume(bytes, path),
          error =>
            params?.notify({
              type: 'notice',
              level: 'warning',
              from: 'backupAndRestore',
              text: `${error.message}; taking the checkpoint before it`,
            }),
        )
      })
    },
    onTrainBatchEnd: () => {
      if (typeof saveFreq !== 'number' || ++batches < saveFreq) return
      batches = 0
      save()
    },
    onEpochEnd: () => {
      if (saveFreq === 'epoch') save()
    },
    onEvent: event => {
      if (event.type !== 'trainEnd') return
      if (event.reason === 'aborted') save()
      else if (deleteCheckpoint) run().afterwards(() => files.clear())
    },
    state: () => ({ data: { batches } }),
    restore: ({ data }) => {
      batches = (data as { batches: number }).batches // written by `state` above
    },
  }
}
