import { ConfigError, FormatError, type Tensor } from '../ir/index.js'
import { EpochSums, type Logs, type SumsState } from './accumulate.js'
import type { Batch } from './batches.js'
import type { Callback } from './callback.js'
import { decodeCheckpoint, encodeCheckpoint } from './checkpoint/file.js'
import { captureModel, type ModelDescription, prefixed, restoreModel, without } from './checkpoint/model.js'
import type { Notice } from './events.js'
import type { History, HistoryCollector } from './history.js'
import type { Model } from './model.js'
import type { Batches, DataPosition } from './sources.js'

/** Where a run stands: `batch` batches of `epoch` (from 0) are done, after `step` updates of the model. */
export interface RunPosition {
  readonly epoch: number
  readonly batch: number
  readonly step: number
}

/** A run as its callbacks see it: what it needs to be stopped at any moment and gone on with. */
export interface TrainingRun {
  position(): RunPosition
  /** What the last update was made on, weighed by class; none before the first in this process. */
  readonly latestBatch: Batch | undefined
  /** Runs `task` once every callback has heard the current event: only then a run's state is whole. */
  afterwards(task: () => Promise<void>): void
  /**
   * The whole run as one file: weights, slots, counters, learning rate, what callbacks remember, position in the data,
   * sums of the epoch so far, history. Call it in `afterwards`.
   */
  checkpoint(): Promise<Uint8Array>
  /**
   * Goes on where a checkpoint left off. Call it in `afterwards` of `onTrainBegin`.
   * @throws FormatError for a damaged file or one of another model, optimizer or data; nothing is changed then
   */
  resume(bytes: Uint8Array, path: string): Promise<void>
}

/** What a checkpoint says of the run besides the model. */
interface RunDescription {
  readonly epoch: number
  readonly batch: number
  readonly begun: boolean
  readonly stopTraining: boolean
  readonly done: number
  readonly logs: Logs
  readonly data: DataDescription
  readonly position: DataPosition
  readonly sums: Omit<SumsState, 'tensors'>
  readonly history: Pick<History, 'history' | 'epoch'>
  readonly callbacks: Readonly<Record<string, unknown>>
}
interface DataDescription {
  readonly batchSize: number
  readonly examples: number | undefined
  readonly shuffle: boolean
}

export interface RunSetup {
  readonly model: Model
  readonly callbacks: readonly Callback[]
  readonly history: HistoryCollector
  readonly training: Batches
  readonly shuffle: boolean
  readonly epoch: number
}

/** A run's progress, and the tasks and notices that wait for the end of the current event. */
export class Run implements TrainingRun {
  readonly #setup: RunSetup
  /** The current epoch, from 0. */
  epoch: number
  /** Batches of it that are done. */
  batch = 0
  /** Whether callbacks have heard of it. */
  begun = false
  data: DataPosition = { batches: 0 }
  sums: EpochSums
  /** Logs of the last epoch that ended, and how many epochs had ended then. */
  logs: Logs = {}
  done = 0
  latestBatch: Batch | undefined
  #tasks: (() => Promise<void>)[] = []
  readonly notices: Notice[] = []

  constructor(setup: RunSetup) {
    this.#setup = setup
    this.epoch = setup.epoch
    this.sums = new EpochSums(setup.model.compiled)
  }

  position(): RunPosition {
    return { epoch: this.epoch, batch: this.batch, step: this.#setup.model.step }
  }

  /** Turns to an epoch that has not begun. */
  turnTo(epoch: number): void {
    this.epoch = epoch
    this.batch = 0
    this.begun = false
    this.data = { batches: 0 }
    this.sums = new EpochSums(this.#setup.model.compiled)
  }

  afterwards(task: () => Promise<void>): void {
    this.#tasks.push(task)
  }

  /** Does what callbacks asked for during the event. */
  async settle(): Promise<void> {
    for (let task = this.#tasks.shift(); task !== undefined; task = this.#tasks.shift()) await task()
  }

  #dataDescription(): DataDescription {
    const { training, shuffle } = this.#setup
    return { batchSize: training.batchSize, examples: training.examples, shuffle }
  }

  async checkpoint(): Promise<Uint8Array> {
    const { model, callbacks, history } = this.#setup
    const captured = await captureModel(model)
    const tensors: Record<string, Tensor> = captured.tensors
    const remembered: Record<string, unknown> = {}
    for (const [name, callback] of namesOf(callbacks)) {
      const state = await callback.state?.(model)
      if (state === undefined) continue
      remembered[name] = state.data ?? null
      Object.assign(tensors, prefixed(`callbacks/${name}/`, state.tensors ?? {}))
    }
    const { tensors: partial, ...sums } = this.sums.state()
    Object.assign(tensors, prefixed('sums/', partial))
    const run: RunDescription = {
      epoch: this.epoch,
      batch: this.batch,
      begun: this.begun,
      stopTraining: model.stopTraining,
      done: this.done,
      logs: this.logs,
      data: this.#dataDescription(),
      position: this.data,
      sums,
      history: { history: history.result().history, epoch: history.result().epoch },
      callbacks: remembered,
    }
    return encodeCheckpoint({ description: { model: captured.description, run }, tensors })
  }

  async resume(bytes: Uint8Array, path: string): Promise<void> {
    const { model, callbacks, history } = this.#setup
    const { description, tensors } = await decodeCheckpoint(bytes, path)
    const saved = description as { model: ModelDescription; run?: RunDescription } // its checksum is right
    const { run } = saved
    if (run === undefined)
      throw new FormatError({
        code: 'not-a-run',
        where: path,
        expected: 'a checkpoint of a run of fit',
        received: 'one of a model alone',
        hint: 'load it with model.loadCheckpoint',
      })
    if (saved.model.seed !== model.seed)
      throw new FormatError({
        code: 'checkpoint-mismatch',
        where: `${path}: seed`,
        expected: model.seed,
        received: saved.model.seed,
        hint: 'shuffling and dropout follow from the seed: give the model the same',
      })
    // At the beginning of an epoch other data are as good; within one the position has no meaning for them.
    if (run.batch > 0) checkData(run.data, this.#dataDescription(), path)
    await restoreModel(model, saved.model, tensors, path)
    this.turnTo(run.epoch)
    this.batch = run.batch
    this.begun = run.begun
    this.data = run.position
    this.sums = EpochSums.from(model.compiled, { ...run.sums, tensors: without('sums/', tensors) })
    this.logs = run.logs
    this.done = run.done
    history.resume(run.history)
    model.stopTraining = run.stopTraining
    const named = namesOf(callbacks)
    for (const [name, callback] of named) {
      if (callback.restore === undefined) continue
      if (name in run.callbacks)
        await callback.restore({ data: run.callbacks[name], tensors: without(`callbacks/${name}/`, tensors) }, model)
      else this.#warn(path, `knows nothing of the callback ${name}: it begins anew`)
    }
    for (const name of Object.keys(run.callbacks))
      if (!named.has(name)) this.#warn(path, `has a state of the callback ${name}, which this run does not have`)
    this.notices.push({ type: 'resumed', path, ...this.position() })
  }

  #warn(path: string, text: string): void {
    this.notices.push({ type: 'notice', level: 'warning', from: 'checkpoint', text: `${path} ${text}` })
  }
}

/** Callbacks by the names they have in checkpoints: a number tells those of one name apart. */
function namesOf(callbacks: readonly Callback[]): Map<string, Callback> {
  const named = new Map<string, Callback>()
  for (const callback of callbacks) {
    const name = callback.name ?? 'callback'
    let unique = name
    for (let i = 1; named.has(unique); i++) unique = `${name}_${i}`
    named.set(unique, callback)
  }
  return named
}

function checkData(saved: DataDescription, own: DataDescription, path: string): void {
  for (const key of ['batchSize', 'examples', 'shuffle'] as const)
    if (saved[key] !== own[key])
      throw new ConfigError({
        code: 'checkpoint-data',
        where: `${path}: ${key}`,
        expected: saved[key] ?? 'not known',
        received: own[key] ?? 'not known',
        hint: 'the checkpoint stands in the middle of an epoch: give fit the same data and options',
      })
}
