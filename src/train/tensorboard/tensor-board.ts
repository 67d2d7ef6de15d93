import { z } from 'zod'
import type { Tensor } from '../../ir/index.js'
import { parseOptions } from '../../ir/options.js'
import type { Logs } from '../accumulate.js'
import type { DataLike, TensorLike } from '../batches.js'
import type { Callback } from '../callback.js'
import type { Model } from '../model.js'
import type { Hparams, HparamsMetric, SessionStatus } from './hparams.js'
import { weightImage } from './weight-image.js'
import { type EventWriter, eventWriter } from './writer.js'

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
  /** A batch to take gradients on, as histograms every `histogramFreq` epochs; default none. */
  gradients?: { readonly x: DataLike; readonly y: DataLike; readonly sampleWeight?: TensorLike } | null
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
  gradients: z.strictObject({ x: z.unknown(), y: z.unknown(), sampleWeight: z.unknown().optional() }).nullish(),
  hparams: object('numbers, strings and truth values by name').nullish(),
  images: z.union([z.custom(given => typeof given === 'function'), object('pictures by tag')]).nullish(),
})

/**
 * Writes a run for TensorBoard (`tensorboard --logdir logs`), in the layout of Keras's callback: folders `train` and
 * `validation` with `epoch_loss`, `epoch_accuracy`, …, in `train` `epoch_learning_rate` too, over epochs from 0; with
 * `updateFreq`, `batch_loss` and so on over updates from 1; with `histogramFreq`, `dense/kernel/histogram` and, with
 * `gradients`, `dense/kernel/gradient`. `hparams` go to the folder itself. Files are written to their end with every
 * epoch, and readable at any moment.
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
  const writers = new Map<string, EventWriter>()
  const writerOf = (folder: string): EventWriter => {
    const writer = writers.get(folder) ?? eventWriter(folder === '' ? logDir : `${logDir}/${folder}`)
    writers.set(folder, writer)
    return writer
  }
  let status: SessionStatus = 'success'
  let session = false
  let epochBegan = { time: 0, step: 0 }
  let batchBegan = 0

  const writeWeights = async (epoch: number, model: Model): Promise<void> => {
    const train = writerOf('train')
    for (const [path, weight] of Object.entries(await model.weights())) {
      train.histogram(`${path}/histogram`, weight, epoch)
      const image = writeImages ? weightImage(weight) : null
      if (image !== null) train.image(`${path}/image`, image, epoch)
    }
    if (gradients === undefined || gradients === null) return
    const { x, y, sampleWeight = null } = gradients
    for (const [path, gradient] of Object.entries(await model.gradients(x, y, { sampleWeight })))
      train.histogram(`${path}/gradient`, gradient, epoch)
  }
  const writeImagesOf = (pictures: ImagesByTag, epoch: number): void => {
    for (const [tag, picture] of Object.entries(pictures)) writerOf('train').image(tag, picture, epoch)
  }
  const closeAll = async (): Promise<void> => {
    const open = [...writers.values()]
    writers.clear()
    for (const writer of open) await writer.close()
  }
  return {
    onTrainBegin: async (_, model) => {
      await closeAll() // those of a run that ended with an error
      status = 'success'
      session = false
      batchBegan = performance.now()
      epochBegan = { time: batchBegan, step: model.step }
      if (typeof images === 'object' && images !== null) writeImagesOf(images, 0)
    },
    onEpochBegin: (_epoch, _logs, model) => {
      batchBegan = performance.now()
      epochBegan = { time: batchBegan, step: model.step }
    },
    onBatchEnd: (_batch, logs, model) => {
      const seconds = (performance.now() - batchBegan) / 1000
      batchBegan = performance.now()
      if (every === null || model.step % every !== 0) return
      const train = writerOf('train')
      for (const [name, value] of Object.entries(logs)) train.scalar(`batch_${name}`, value, model.step)
      if (writeStepsPerSecond) train.scalar('batch_steps_per_second', 1 / seconds, model.step)
    },
    onEpochEnd: async (epoch, logs, model) => {
      const rate: Logs = { learning_rate: model.learningRate }
      const seconds = (performance.now() - epochBegan.time) / 1000
      if (writeStepsPerSecond) rate.steps_per_second = (model.step - epochBegan.step) / seconds
      const scalars = scalarsOf({ ...rate, ...logs })
      for (const { group, tag, value } of scalars) writerOf(group).scalar(tag, value, epoch)
      if (hparams !== undefined && hparams !== null && !session) {
        session = true
        writerOf('').hparams(hparams, { metrics: scalars.filter(({ tag }) => !(tag.slice(6) in rate)).map(metricOf) })
      }
      if (histogramFreq > 0 && epoch % histogramFreq === 0) await writeWeights(epoch, model)
      if (typeof images === 'function') writeImagesOf(await images(epoch, model), epoch)
      for (const writer of writers.values()) await writer.flush()
    },
    onEvent: event => {
      if (event.type === 'trainEnd' && event.reason === 'aborted') status = 'failure'
    },
    onTrainEnd: async () => {
      if (session) writerOf('').endSession(status)
      await closeAll()
    },
  }
}

/** Where each of an epoch's logs goes. */
const scalarsOf = (logs: Logs): (HparamsMetric & { group: string; value: number })[] =>
  Object.entries(logs).map(([name, value]) =>
    name.startsWith('val_')
      ? { group: 'validation', tag: `epoch_${name.slice(4)}`, value }
      : { group: 'train', tag: `epoch_${name}`, value },
  )

const metricOf = ({ group, tag }: HparamsMetric): HparamsMetric => ({ group, tag })
