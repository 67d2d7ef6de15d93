import { z } from 'zod'
import type { Tensor } from '../../ir/index.js'
import { parseOptions } from '../../ir/options.js'
import type { Logs } from '../accumulate.js'
import type { DataLike } from '../batches.js'
import type { Callback } from '../callback.js'
import { modelGradients } from '../gradients.js'
import type { Model } from '../model.js'
import type { TrainingRun } from '../run.js'
import type { SampleWeight } from '../sample-weight.js'
import type { Hparams, SessionStatus } from './hparams.js'
import type { LogPosition } from './log.js'
import { weightImage } from './weight-image.js'
import { writersIn } from './writers.js'

/** Pictures by tag: [channels, height, width], or [batch, channels, height, width] of which the first three are shown. */
export type ImagesByTag = Readonly<Record<string, Tensor>>

export interface TensorBoardOptions {
  /** Folder of the run; default `logs`. Give each run its own: `logs/run-1`. */
  logDir?: string
  /** Weights (and gradients) as histograms every so many epochs; default 0: never. */
  histogramFreq?: number
  /** Draws weights as pictures too, whenever there are histograms; default false. */
  writeImages?: boolean
  /** Writes batches per second; default false. */
  writeStepsPerSecond?: boolean
  /**
   * When loss and metrics of batches are written besides those of epochs: never (`epoch`, the default), with every
   * batch, or with every nth. They are means over the epoch so far.
   */
  updateFreq?: 'epoch' | 'batch' | number
  /**
   * Gradients as histograms every `histogramFreq` epochs, at the weights after the epoch: of the epoch's last batch
   * (true), or of a batch of yours, which makes epochs comparable. Default false.
   */
  gradients?: boolean | { readonly x: DataLike; readonly y: DataLike; readonly sampleWeight?: SampleWeight } | null
  /** The run's choices, for the HPARAMS tab; written with its first epoch. */
  hparams?: Hparams | null
  /** Pictures to show: written when training begins or, from a function, after every epoch. */
  images?: ImagesByTag | ((epoch: number, model: Model) => ImagesByTag | Promise<ImagesByTag>) | null
}

const object = (what: string) => z.custom<object>(given => typeof given === 'object' && given !== null, what)
const schema = z.strictObject({
  logDir: z.string().min(1).default('logs'),
  histogramFreq: z.int().min(0).default(0),
  writeImages: z.boolean().default(false),
  writeStepsPerSecond: z.boolean().default(false),
  updateFreq: z
    .union([z.enum(['epoch', 'batch']), z.int().min(1)], { error: "'epoch', 'batch' or a whole number ≥ 1" })
    .default('epoch'),
  gradients: z
    .union([z.boolean(), z.strictObject({ x: z.unknown(), y: z.unknown(), sampleWeight: z.unknown().optional() })], {
      error: 'true, false, or a batch { x, y }',
    })
    .nullish(),
  hparams: object('numbers, strings and truth values by name').nullish(),
  images: z.union([z.custom(given => typeof given === 'function'), object('pictures by tag')]).nullish(),
})

/**
 * Writes a run for TensorBoard (`tensorboard --logdir logs`), in the layout of Keras's callback: folders `train` and
 * `validation` with `epoch_loss`, `epoch_accuracy`, …, in `train` `epoch_learning_rate` too, over epochs from 0; with
 * `updateFreq`, `batch_loss` and so on over updates from 1; with `histogramFreq`, `dense/kernel/histogram` and, with
 * `gradients`, `dense/kernel/gradient`. Every evaluation adds `evaluation_loss_vs_iterations` to `validation`; `hparams`
 * go to the folder itself. Files are written to their end with every epoch, and readable at any moment. A resumed run
 * goes on in the same files and takes back what was written after its checkpoint: load TensorBoard anew then.
 *
 * Keras writes the graph and profiles too; `model.save` gives a graph that any ONNX viewer draws.
 *
 * @throws ConfigError for bad options, all at once; during training DataError where a file cannot be written
 */
export function tensorBoard(options: TensorBoardOptions = {}): Callback {
  const parsed = parseOptions(schema, options, 'callbacks.tensorBoard')
  const { logDir, histogramFreq, writeImages, writeStepsPerSecond } = parsed
  const { gradients, hparams, images } = options
  const every = parsed.updateFreq === 'batch' ? 1 : parsed.updateFreq === 'epoch' ? null : parsed.updateFreq
  const writers = writersIn(logDir)
  const { to } = writers
  let run: TrainingRun | undefined
  let training = false
  let status: SessionStatus = 'success'
  let session: 'none' | 'open' | 'ended' = 'none'
  let pictured = false
  let epochBegan = { time: 0, step: 0 }
  let batchBegan = 0

  const endSession = (): void => {
    if (session !== 'open') return
    session = 'ended'
    to('').endSession(status)
  }
  const gradientsNow = async (model: Model): Promise<Readonly<Record<string, Tensor>>> => {
    if (gradients === true) return run?.latestBatch === undefined ? {} : modelGradients(model, run.latestBatch)
    if (typeof gradients !== 'object' || gradients === null) return {}
    const { x, y, sampleWeight = null } = gradients
    return model.gradients(x, y, { sampleWeight })
  }
  const writeWeights = async (epoch: number, model: Model): Promise<void> => {
    for (const [path, weight] of Object.entries(await model.weights())) {
      to('train').histogram(`${path}/histogram`, weight, epoch)
      const image = writeImages ? weightImage(weight) : null
      if (image !== null) to('train').image(`${path}/image`, image, epoch)
    }
    for (const [path, gradient] of Object.entries(await gradientsNow(model)))
      to('train').histogram(`${path}/gradient`, gradient, epoch)
  }
  const writePictures = (pictures: ImagesByTag, epoch: number): void => {
    for (const [tag, picture] of Object.entries(pictures)) to('train').image(tag, picture, epoch)
  }
  return {
    name: 'tensorBoard',
    setParams: params => {
      run = params.run
    },
    onTrainBegin: async (_, model) => {
      await writers.close() // those of a run that ended with an error
      training = true
      status = 'success'
      session = 'none'
      pictured = false
      batchBegan = performance.now()
      epochBegan = { time: batchBegan, step: model.step }
    },
    onEpochBegin: (_epoch, _logs, model) => {
      if (typeof images === 'object' && images !== null && !pictured) writePictures(images, 0)
      pictured = true
      batchBegan = performance.now()
      epochBegan = { time: batchBegan, step: model.step }
    },
    onTrainBatchEnd: (_batch, logs, model) => {
      const seconds = (performance.now() - batchBegan) / 1000
      batchBegan = performance.now()
      if (every === null || model.step % every !== 0) return
      for (const [name, value] of Object.entries(logs)) to('train').scalar(`batch_${name}`, value, model.step)
      if (writeStepsPerSecond) to('train').scalar('batch_steps_per_second', 1 / seconds, model.step)
    },
    onTestEnd: async (logs, model) => {
      for (const [name, value] of Object.entries(logs))
        to('validation').scalar(`evaluation_${name}_vs_iterations`, value, model.step)
      if (!training) await writers.close()
    },
    onEpochEnd: async (epoch, logs, model) => {
      const rate: Logs = { learning_rate: model.learningRate }
      const seconds = (performance.now() - epochBegan.time) / 1000
      if (writeStepsPerSecond) rate.steps_per_second = (model.step - epochBegan.step) / seconds
      const scalars = scalarsOf({ ...logs, ...rate })
      for (const { group, tag, value } of scalars) to(group).scalar(tag, value, epoch)
      if (hparams !== undefined && hparams !== null && session === 'none') {
        session = 'open'
        const metrics = scalars.filter(({ tag }) => !(tag.slice('epoch_'.length) in rate))
        to('').hparams(hparams, { metrics: metrics.map(({ group, tag }) => ({ group, tag })) })
      }
      if (histogramFreq > 0 && epoch % histogramFreq === 0) await writeWeights(epoch, model)
      if (typeof images === 'function') writePictures(await images(epoch, model), epoch)
      await writers.flush()
    },
    onNumericError: async () => {
      status = 'failure'
      endSession()
      await writers.flush()
    },
    onEvent: event => {
      if (event.type === 'trainEnd' && event.reason === 'aborted') status = 'failure'
    },
    onTrainEnd: async () => {
      training = false
      endSession()
      await writers.close()
    },
    state: async () => ({ data: { session, pictured, positions: await writers.positions() } }),
    restore: ({ data }) => {
      const before = data as Remembered // written by `state` above
      session = before.session
      pictured = before.pictured
      writers.resume(before.positions)
    },
  }
}

interface Remembered {
  readonly session: 'none' | 'open' | 'ended'
  readonly pictured: boolean
  readonly positions: Readonly<Record<string, LogPosition>>
}

/** Where each of an epoch's logs goes. */
const scalarsOf = (logs: Logs) =>
  Object.entries(logs).map(([name, value]) =>
    name.startsWith('val_')
      ? ({ group: 'validation', tag: `epoch_${name.slice('val_'.length)}`, value } as const)
      : ({ group: 'train', tag: `epoch_${name}`, value } as const),
  )
