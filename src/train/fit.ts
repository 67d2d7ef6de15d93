import { ConfigError, counterRandom, DataError, nearest, type Tensor } from '../ir/index.js'
import { isSparse } from '../nn/losses.js'
import { EpochSums, type Logs } from './accumulate.js'
import {
  type ArraySource,
  arrayBatches,
  arraySource,
  type Batch,
  checkLabels,
  type DataLike,
  epochOrder,
  gatherRows,
  type TensorLike,
  weighClasses,
} from './batches.js'
import { type Callback, dispatch } from './callback.js'
import { diagnose } from './diagnose.js'
import type { TrainEvent } from './events.js'
import { collectHistory, type History } from './history.js'
import type { Model } from './model.js'
import { type ProgressStream, progress } from './progress.js'
import { type BatchSignature, type Step, stepFeeds, target, traceStep } from './step.js'

/** One element of a stream of data: an example, or a batch of them. */
export interface StreamElement {
  readonly x: Tensor | Readonly<Record<string, Tensor>>
  readonly y?: Tensor | Readonly<Record<string, Tensor>> | undefined
  readonly sampleWeight?: Tensor | undefined
}

/** A stream that can be run through again: `anneal/data`'s Dataset, or anything alike. */
export interface Stream {
  /** Examples one by one are batched by fit; a stream that says `batched` is taken as it comes. */
  readonly batched?: boolean
  readonly length?: number | undefined
  shuffle?(options: { seed: number }): Stream
  batch?(size: number): Stream
  iterate?(options: { epoch: number }): AsyncIterator<StreamElement>
  [Symbol.asyncIterator](): AsyncIterator<StreamElement>
}

/** What can be trained on: data in memory, or a stream. */
export type TrainingSource = { x: DataLike; y?: DataLike; sampleWeight?: TensorLike } | Stream

export interface EvaluateOptions {
  /** Default 32. */
  batchSize?: number
  sampleWeight?: TensorLike
}

export interface FitOptions extends EvaluateOptions {
  /** Default 1. */
  epochs?: number
  /** Data for val_loss and val_ metrics: a source, or [x, y] or [x, y, sampleWeight]. */
  validationData?: TrainingSource | readonly [DataLike, DataLike] | readonly [DataLike, DataLike, TensorLike]
  /** Share of the examples, from the end, kept for validation (data in memory only). */
  validationSplit?: number
  /** Default true. */
  shuffle?: boolean
  /** Weight of each class in the loss, by number. */
  classWeight?: Readonly<Record<number, number>>
  callbacks?: Callback | readonly Callback[]
  /** 1: progress on the terminal (the default in Node), 0: silence. */
  verbose?: 0 | 1 | boolean
  /** Where progress goes; default standard output. */
  stream?: ProgressStream
  /** Ends training cleanly after the current batch; what was learned is kept. */
  signal?: AbortSignal
  /** Epoch to begin counting at; default: where the last fit ended when 0. */
  initialEpoch?: number
}

function isStream(source: TrainingSource): source is Stream {
  if (typeof source !== 'object' || source === null)
    throw new DataError({
      code: 'not-data',
      where: 'data',
      expected: '{ x, y } or a data set',
      received: source === null ? 'null' : typeof source,
    })
  return Symbol.asyncIterator in source
}

function checkOptions(options: FitOptions): void {
  const known = [
    'epochs',
    'batchSize',
    'validationData',
    'validationSplit',
    'shuffle',
    'classWeight',
    'sampleWeight',
    'callbacks',
    'verbose',
    'stream',
    'signal',
    'initialEpoch',
  ]
  const problems = Object.keys(options)
    .filter(key => !known.includes(key))
    .map(key => ({
      code: 'unknown-option',
      where: `fit.${key}`,
      expected: `one of ${known.join(', ')}`,
      received: key,
      hint: `did you mean ${nearest(key, known, 1)[0]}?`,
    }))
  const { epochs = 1, batchSize = 32, validationSplit = 0, initialEpoch = 0, classWeight = {} } = options
  for (const [name, value] of Object.entries({ initialEpoch, ...classWeight }))
    if (typeof value !== 'number' || !Number.isFinite(value) || value < 0)
      problems.push({
        code: 'bad-option',
        where: name === 'initialEpoch' ? 'fit.initialEpoch' : `fit.classWeight.${name}`,
        expected: 'a finite number ≥ 0',
        received: String(value),
        hint: 'a class without a weight counts 1',
      })
  const whole = (name: string, value: number) => {
    if (!Number.isInteger(value) || value < 1)
      problems.push({
        code: 'bad-option',
        where: `fit.${name}`,
        expected: 'a whole number ≥ 1',
        received: String(value),
        hint: 'count from 1',
      })
  }
  whole('epochs', epochs)
  whole('batchSize', batchSize)
  if (!(validationSplit >= 0 && validationSplit < 1))
    problems.push({
      code: 'bad-option',
      where: 'fit.validationSplit',
      expected: 'from 0 to below 1',
      received: String(validationSplit),
      hint: '0.2 keeps a fifth',
    })
  if (problems.length > 0)
    throw new ConfigError(problems.length === 1 ? problems[0]! : { code: 'bad-options', where: 'fit', problems })
}

/** Checks what evaluate and predict are told. */
export function checkEvaluateOptions(call: string, options: EvaluateOptions): void {
  const known = ['batchSize', 'sampleWeight']
  for (const key of Object.keys(options))
    if (!known.includes(key))
      throw new ConfigError({
        code: 'unknown-option',
        where: `${call}.${key}`,
        expected: `one of ${known.join(', ')}`,
        received: key,
        hint: `did you mean ${nearest(key, known, 1)[0]}?`,
      })
  const { batchSize = 32 } = options
  if (!Number.isInteger(batchSize) || batchSize < 1)
    throw new ConfigError({
      code: 'bad-option',
      where: `${call}.batchSize`,
      expected: 'a whole number ≥ 1',
      received: batchSize,
    })
}

/** Data that gives its batches anew for each epoch. */
interface Batches {
  readonly steps: number | undefined
  epoch(epoch: number, shuffled: boolean): AsyncIterable<Batch> | Iterable<Batch>
}

function batchesOf(model: Model, source: TrainingSource, batchSize: number): Batches {
  if (isStream(source)) return streamBatches(model, source, batchSize)
  const inMemory = arraySource(model.network, source.x, source.y ?? missingTargets(), source.sampleWeight ?? null)
  return fromArrays(model, inMemory, batchSize)
}
const missingTargets = (): never => {
  throw new DataError({
    code: 'missing-data',
    where: 'y',
    expected: 'targets',
    received: 'nothing',
    hint: 'fit(x, y, options)',
  })
}

const fromArrays = (model: Model, source: ArraySource, batchSize: number): Batches => ({
  steps: Math.ceil(source.length / batchSize),
  epoch: (epoch, shuffled) =>
    arrayBatches(source, batchSize, shuffled ? epochOrder(source.length, model.seed, epoch) : null),
})

function streamBatches(model: Model, stream: Stream, batchSize: number): Batches {
  const count = stream.length
  const prepare = (shuffled: boolean): Stream => {
    if (stream.batched) return stream
    const mixed = shuffled && stream.shuffle !== undefined ? stream.shuffle({ seed: model.seed }) : stream
    if (mixed.batch === undefined)
      throw new DataError({
        code: 'unbatched-stream',
        where: 'fit',
        expected: 'a Dataset, or a stream of batches that says batched: true',
        received: 'a plain stream',
      })
    return mixed.batch(batchSize)
  }
  const prepared = new Map<boolean, Stream>()
  return {
    steps: count === undefined ? undefined : stream.batched ? count : Math.ceil(count / batchSize),
    epoch: (epoch, shuffled) => {
      const ready = prepared.get(shuffled) ?? prepare(shuffled)
      prepared.set(shuffled, ready)
      return elements(model, ready, epoch)
    },
  }
}

async function* elements(model: Model, stream: Stream, epoch: number): AsyncGenerator<Batch> {
  const iterator = stream.iterate?.({ epoch }) ?? stream[Symbol.asyncIterator]()
  let any = false
  try {
    for (let item = await iterator.next(); !item.done; item = await iterator.next()) {
      any = true
      const { x, y, sampleWeight } = item.value
      const source = arraySource(
        model.network,
        x as DataLike,
        (y as DataLike | undefined) ?? missingTargets(),
        sampleWeight ?? null,
      )
      yield { x: source.x, y: source.y, sampleWeight: source.sampleWeight, size: source.length }
    }
  } finally {
    await iterator.return?.()
  }
  if (!any)
    throw new DataError({ code: 'empty-dataset', where: 'dataset', expected: 'at least one example', received: 'none' })
}

/** Trains and returns the history. */
export async function fit(model: Model, source: TrainingSource, options: FitOptions): Promise<History> {
  const history = collectHistory()
  for await (const event of trainOn(model, source, options)) history.consume(event)
  return history.result()
}

/** Training as a stream of events; callbacks have run by the time an event arrives. */
export async function* trainOn(model: Model, source: TrainingSource, options: FitOptions): AsyncGenerator<TrainEvent> {
  checkOptions(options)
  const { epochs = 1, batchSize = 32, shuffle = true, signal, validationSplit = 0 } = options
  const classWeight = options.classWeight ?? undefined
  const given =
    options.sampleWeight === undefined || isStream(source) ? source : { ...source, sampleWeight: options.sampleWeight }
  const [training, validation] = splitValidation(model, given, options, batchSize, validationSplit)
  const callbacks = withProgress(options)
  const firstEpoch = options.initialEpoch ?? 0
  const interrupt = interruptSignal(signal)
  const stop = () => model.stopTraining || interrupt.aborted()
  model.stopTraining = false
  let logs: Logs = {}
  let done = 0
  try {
    yield* emit({ type: 'trainBegin', epochs, stepsPerEpoch: training.steps })
    for (let epoch = firstEpoch; epoch < epochs && !stop(); epoch++) {
      yield* emit({ type: 'epochBegin', epoch })
      const began = performance.now()
      const sums = new EpochSums(model.compiled)
      let batchNumber = 0
      for await (const batch of training.epoch(model.epoch, shuffle)) {
        if (stop()) break
        await updateOn(
          model,
          classWeight === undefined ? batch : weighClasses(batch, classWeight),
          sums,
          `epoch ${epoch + 1}, batch ${batchNumber}`,
        )
        yield* emit({ type: 'batchEnd', epoch, batch: batchNumber++, examples: sums.examples, logs: sums.logs(false) })
      }
      if (interrupt.aborted()) break
      logs = sums.logs(true)
      if (validation !== null) {
        const held = await evaluateOn(model, validation)
        for (const [name, value] of Object.entries(held.logs(true))) logs[`val_${name}`] = value
      }
      model.epoch++
      done = epoch + 1
      yield* emit({ type: 'epochEnd', epoch, logs, seconds: (performance.now() - began) / 1000 })
    }
    const reason = interrupt.aborted() ? 'aborted' : model.stopTraining && done < epochs ? 'stopped' : 'completed'
    yield* emit({ type: 'trainEnd', reason, epochs: done, logs })
  } finally {
    interrupt.release()
  }

  async function* emit(event: TrainEvent): AsyncGenerator<TrainEvent> {
    await dispatch(event, callbacks, model)
    yield event
  }
}

function splitValidation(
  model: Model,
  source: TrainingSource,
  options: FitOptions,
  batchSize: number,
  share: number,
): [Batches, Batches | null] {
  const held = options.validationData
  if (held !== undefined && held !== null) {
    const pair = Array.isArray(held) ? (held as readonly [DataLike, DataLike, TensorLike?]) : undefined
    const other: TrainingSource =
      pair === undefined
        ? (held as TrainingSource)
        : { x: pair[0], y: pair[1], ...(pair[2] === undefined ? {} : { sampleWeight: pair[2] }) }
    return [batchesOf(model, source, batchSize), batchesOf(model, other, batchSize)]
  }
  if (share === 0) return [batchesOf(model, source, batchSize), null]
  if (isStream(source))
    throw new ConfigError({
      code: 'validation-split',
      where: 'fit.validationSplit',
      expected: 'data in memory',
      received: 'a stream',
      hint: 'use dataset.split(0.8)',
    })
  const all = arraySource(model.network, source.x, source.y ?? missingTargets(), source.sampleWeight ?? null)
  const cut = Math.floor(all.length * (1 - share))
  const rows = (from: number, to: number): ArraySource => {
    const picks = Uint32Array.from({ length: to - from }, (_, i) => from + i)
    const pick = (tensors: Readonly<Record<string, Tensor>>) =>
      Object.fromEntries(Object.entries(tensors).map(([name, t]) => [name, gatherRows(t, picks)]))
    return {
      x: pick(all.x),
      y: pick(all.y),
      sampleWeight: all.sampleWeight === null ? null : gatherRows(all.sampleWeight, picks),
      length: to - from,
    }
  }
  if (cut === 0 || cut === all.length)
    throw new DataError({
      code: 'empty-dataset',
      where: 'fit.validationSplit',
      expected: 'examples on both sides of the split',
      received: `${cut} and ${all.length - cut}`,
    })
  return [fromArrays(model, rows(0, cut), batchSize), fromArrays(model, rows(cut, all.length), batchSize)]
}

function withProgress(options: FitOptions): readonly Callback[] {
  const own =
    options.callbacks === undefined || options.callbacks === null
      ? []
      : Array.isArray(options.callbacks)
        ? (options.callbacks as readonly Callback[])
        : [options.callbacks as Callback]
  for (const callback of own as readonly unknown[])
    if (typeof callback !== 'object' || callback === null)
      throw new ConfigError({
        code: 'bad-option',
        where: 'fit.callbacks',
        expected: 'callbacks: objects with methods such as onEpochEnd',
        received: callback === null ? 'null' : typeof callback,
      })
  const stream = options.stream ?? (typeof process === 'undefined' ? undefined : process.stdout)
  const wanted = options.verbose === undefined ? stream !== undefined : Boolean(options.verbose)
  return wanted && stream !== undefined ? [...own, progress({ stream })] : own
}

/** The caller's signal and, in Node, the first Ctrl-C. The second Ctrl-C ends the process as ever. */
function interruptSignal(signal: AbortSignal | undefined): { aborted(): boolean; release(): void } {
  let pressed = false
  const node = typeof process !== 'undefined' && typeof process.once === 'function'
  const onInterrupt = () => {
    pressed = true
  }
  if (node) process.once('SIGINT', onInterrupt)
  return {
    aborted: () => pressed || (signal?.aborted ?? false),
    release: () => {
      if (node) process.removeListener('SIGINT', onInterrupt)
    },
  }
}

const signatureOf = (batch: Batch): BatchSignature => {
  const types = (tensors: Readonly<Record<string, Tensor>>) =>
    Object.fromEntries(Object.entries(tensors).map(([name, t]) => [name, { dtype: t.dtype, shape: t.shape }]))
  return { x: types(batch.x), y: types(batch.y), weighted: batch.sampleWeight !== null }
}

function feedsOf(batch: Batch): Record<string, Tensor> {
  const feeds: Record<string, Tensor> = { ...batch.x }
  for (const [name, t] of Object.entries(batch.y)) feeds[target(name)] = t
  if (batch.sampleWeight !== null) feeds.sample_weight = batch.sampleWeight
  return feeds
}

/** Feeds for a step: the batch's tensors it asks for, and its scalars. */
function feedsFor(model: Model, step: Step, batch: Batch, training: boolean): Record<string, Tensor> {
  const scalars = training
    ? stepFeeds(step, model.step + 1, model.learningRate, counterRandom(model.seed, 0x3d, 0).bits(model.step))
    : {}
  const all = feedsOf(batch)
  const wanted = new Set(step.program.inputs.map(port => port.name))
  return { ...scalars, ...Object.fromEntries(Object.entries(all).filter(([name]) => wanted.has(name))) }
}

function check(model: Model, batch: Batch): void {
  for (const output of model.compiled.outputs)
    if (isSparse(output.loss.type)) {
      const classes = Number(model.network.outputs.find(o => o.name === output.name)!.shape.at(-1))
      checkLabels(batch, output.name, classes, output.loss.ignoreClass)
    }
}

async function updateOn(model: Model, batch: Batch, sums: EpochSums, where: string): Promise<void> {
  check(model, batch)
  const step = await model.stepFor(signatureOf(batch), true)
  const state = await model.state()
  const feeds = feedsFor(model, step, batch, true)
  const results = await step.program.run(feeds, state)
  if (!Number.isFinite(Number(results.loss!.data[0]))) {
    state.retreat(step.program.updates)
    throw await diagnose(traceStep(model.network, model.compiled, signatureOf(batch), true), feeds, state, where)
  }
  model.step++
  sums.add(results, step.statistics, batch.size)
}

/** One update on one batch; its loss and metrics. */
export async function trainBatch(model: Model, batch: Batch): Promise<Logs> {
  const sums = new EpochSums(model.compiled)
  await updateOn(model, batch, sums, `step ${model.step}`)
  return sums.logs(true)
}

export async function evaluateBatches(
  model: Model,
  source: TrainingSource,
  options: EvaluateOptions = {},
): Promise<EpochSums> {
  checkEvaluateOptions('evaluate', options)
  const given =
    options.sampleWeight === undefined || isStream(source) ? source : { ...source, sampleWeight: options.sampleWeight }
  return evaluateOn(model, batchesOf(model, given, options.batchSize ?? 32))
}

async function evaluateOn(model: Model, batches: Batches): Promise<EpochSums> {
  const sums = new EpochSums(model.compiled)
  const state = await model.state()
  for await (const batch of batches.epoch(0, false)) {
    check(model, batch)
    const step = await model.stepFor(signatureOf(batch), false)
    sums.add(await step.program.run(feedsFor(model, step, batch, false), state), step.statistics, batch.size)
  }
  return sums
}
