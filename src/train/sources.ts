import type { DatasetPosition } from '../data/index.js'
import { ConfigError, DataError, type Tensor } from '../ir/index.js'
import {
  type ArraySource,
  arrayBatches,
  arraySource,
  type Batch,
  type DataLike,
  epochOrder,
  gatherRows,
} from './batches.js'
import type { Model } from './model.js'
import type { FitOptions } from './options.js'
import type { SampleWeight } from './sample-weight.js'

/** One element of a stream of data: an example, or a batch of them. */
export interface StreamElement {
  readonly x: Tensor | Readonly<Record<string, Tensor>>
  readonly y?: Tensor | Readonly<Record<string, Tensor>> | undefined
  readonly sampleWeight?: Tensor | Readonly<Record<string, Tensor>> | undefined
}

/** A stream that can be run through again: `anneal/data`'s Dataset, or anything alike. */
export interface Stream {
  /** Examples one by one are batched by fit; a stream that says `batched` is taken as it comes. */
  readonly batched?: boolean
  readonly length?: number | undefined
  shuffle?(options: { seed: number }): Stream
  batch?(size: number): Stream
  /** A pass of its own for each epoch; one that tells its position can be resumed without reading what came before. */
  iterate?(options: {
    epoch: number
    position?: DatasetPosition
  }): AsyncIterator<StreamElement> & { position?(): DatasetPosition }
  [Symbol.asyncIterator](): AsyncIterator<StreamElement>
}

/** What can be trained on: data in memory, or a stream. */
export type TrainingSource = { x: DataLike; y?: DataLike; sampleWeight?: SampleWeight } | Stream

export function isStream(source: TrainingSource): source is Stream {
  if (typeof source !== 'object' || source === null)
    throw new DataError({
      code: 'not-data',
      where: 'data',
      expected: '{ x, y } or a data set',
      received: source === null ? 'null' : typeof source,
    })
  return Symbol.asyncIterator in source
}

/** How far into an epoch: batches given, and where a stream stands, as plain JSON. */
export interface DataPosition {
  readonly batches: number
  readonly stream?: DatasetPosition
}

/** One epoch's batches. */
export interface Pass extends AsyncIterable<Batch> {
  /** After the batch given last. */
  position(): DataPosition
}

/** Data that gives its batches anew for each epoch. */
export interface Batches {
  readonly steps: number | undefined
  /** What the order of batches depends on besides seed and epoch: a position is one of the same data. */
  readonly batchSize: number
  readonly examples: number | undefined
  epoch(epoch: number, shuffled: boolean, from?: DataPosition): Pass
}

export function batchesOf(model: Model, source: TrainingSource, batchSize: number): Batches {
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
  batchSize,
  examples: source.length,
  epoch: (epoch, shuffled, { batches = 0 } = { batches: 0 }) => {
    let given = batches
    async function* pass() {
      const order = shuffled ? epochOrder(source.length, model.seed, epoch) : null
      for (const batch of arrayBatches(source, batchSize, order, batches)) {
        given++
        yield batch
      }
    }
    return { [Symbol.asyncIterator]: pass, position: () => ({ batches: given }) }
  },
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
    batchSize,
    examples: count,
    epoch: (epoch, shuffled, from = { batches: 0 }) => {
      const ready = prepared.get(shuffled) ?? prepare(shuffled)
      prepared.set(shuffled, ready)
      return elements(model, ready, epoch, from)
    },
  }
}

function elements(model: Model, stream: Stream, epoch: number, from: DataPosition): Pass {
  let given = from.batches
  let at = from.stream
  async function* pass(): AsyncGenerator<Batch> {
    const resume = from.stream === undefined ? {} : { position: from.stream }
    const iterator: ReturnType<NonNullable<Stream['iterate']>> =
      stream.iterate?.({ epoch, ...resume }) ?? stream[Symbol.asyncIterator]()
    try {
      // A stream that cannot say where it stands is read again up to there.
      for (let skipped = 0; from.stream === undefined && skipped < from.batches; skipped++) await iterator.next()
      for (let item = await iterator.next(); !item.done; item = await iterator.next()) {
        const { x, y, sampleWeight } = item.value
        const source = arraySource(
          model.network,
          x as DataLike,
          (y as DataLike | undefined) ?? missingTargets(),
          sampleWeight ?? null,
        )
        given++
        // Only what `iterate` takes back is a position.
        at = stream.iterate === undefined ? undefined : iterator.position?.()
        yield { x: source.x, y: source.y, sampleWeight: source.sampleWeight, size: source.length }
      }
    } finally {
      await iterator.return?.()
    }
    if (given === 0)
      throw new DataError({
        code: 'empty-dataset',
        where: 'dataset',
        expected: 'at least one example',
        received: 'none',
      })
  }
  return {
    [Symbol.asyncIterator]: pass,
    position: () => ({ batches: given, ...(at === undefined ? {} : { stream: at }) }),
  }
}

/** Training and validation data as fit's options say. */
export function splitValidation(
  model: Model,
  source: TrainingSource,
  options: FitOptions,
  batchSize: number,
  share: number,
): [Batches, Batches | null] {
  const held = options.validationData
  if (held !== undefined && held !== null) {
    const pair = Array.isArray(held) ? (held as readonly [DataLike, DataLike, SampleWeight?]) : undefined
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
      sampleWeight: all.sampleWeight === null ? null : pick(all.sampleWeight),
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
