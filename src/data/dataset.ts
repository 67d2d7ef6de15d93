import { ConfigError, DataError } from '../ir/index.js'
import { type ElementContext, type Position, type Source, wholeNumber } from './source.js'
import type { Batched } from './stack.js'
import { type BatchOptions, batch } from './stages/batch.js'
import { cache } from './stages/cache.js'
import { concat, repeat, zip as zipSources } from './stages/join.js'
import { filter, type MapOptions, map } from './stages/map.js'
import { prefetch } from './stages/prefetch.js'
import { type ShuffleOptions, shuffle } from './stages/shuffle.js'
import { type SplitOptions, split } from './stages/split.js'
import { skip, take } from './stages/window.js'

/** Where an iteration stands, as plain JSON: save it, and give it to `iterate` of the same dataset to go on. */
export interface DatasetPosition {
  readonly epoch: number
  readonly at: Position
}

export interface IterateOptions {
  /** Which order a shuffled dataset takes, and what random elements draw. Default 0, or that of `position`. */
  epoch?: number
  /** Where to go on, from `position()` of an earlier iterator. Default: the beginning of the epoch. */
  position?: DatasetPosition
}

export interface DatasetIterator<T> extends AsyncIterableIterator<T, undefined> {
  next(): Promise<IteratorResult<T, undefined>>
  /** Ends the pass early and closes the source; called by `for await` on `break`. */
  return(): Promise<IteratorResult<T, undefined>>
  /** After the last element given. */
  position(): DatasetPosition
}

/**
 * A stream of elements that can be run through again and again. Every method returns a new dataset and leaves this one
 * as it was; nothing is read before iteration. `for await` gives epoch 0, `iterate({ epoch })` any other: the same
 * epoch gives the same elements in the same order each time.
 *
 * An error in the source or in a function given to a stage ends the pass, closes everything, and reaches the reader.
 */
export interface Dataset<T> extends Source<T>, AsyncIterable<T> {
  [Symbol.asyncIterator](): DatasetIterator<T>
  iterate(options?: IterateOptions): DatasetIterator<T>
  /** Applies `fn` to each element; its second argument tells epoch and index, to key randomness of its own. */
  map<U>(fn: (element: T, context: ElementContext) => U | Promise<U>, options?: MapOptions): Dataset<U>
  /** Keeps the elements for which `keep` is true. The length is not known afterwards. */
  filter(keep: (element: T) => boolean | Promise<boolean>): Dataset<T>
  /**
   * A random order, by seed and epoch. A source that gives access by number (arrays, and what is made of them by any
   * stage but filter and repeat) is permuted as a whole; any other goes through a buffer.
   */
  shuffle(options?: ShuffleOptions): Dataset<T>
  /** Stacks `size` elements into one with a leading batch axis. */
  batch(size: number, options?: BatchOptions): Dataset<Batched<T>>
  /** Makes up to `count` elements ahead of the reader. Put it last. */
  prefetch(count: number): Dataset<T>
  /** The first `count` elements, or fewer where there are fewer. */
  take(count: number): Dataset<T>
  /** All but the first `count` elements. */
  skip(count: number): Dataset<T>
  /**
   * Two datasets without a common element that make up this one: about `fraction` of it, and the rest (exactly so where
   * the length is known). Chosen by seed, the same in every epoch; augment and shuffle the parts, not the whole.
   */
  split(fraction: number, options?: SplitOptions): [Dataset<T>, Dataset<T>]
  /** Makes each element once and holds it in memory. Memory is not flat then. */
  cache(): Dataset<T>
  /** This dataset `count` times (default: without end), each time as an epoch of its own. */
  repeat(count?: number): Dataset<T>
  /** This dataset, then the others. */
  concat(...others: readonly Source<T>[]): Dataset<T>
  /** All elements in an array: epoch 0. */
  toArray(): Promise<T[]>
}

/** A source of your own, or a stage, as a dataset with all methods. */
export function dataset<T>(source: Source<T>): Dataset<T> {
  const iterate = (options: IterateOptions = {}): DatasetIterator<T> => iterator(source, options)
  return {
    get length() {
      return source.length
    },
    batched: source.batched,
    access: source.access,
    open: source.open,
    iterate,
    [Symbol.asyncIterator]: () => iterate(),
    map: (fn, options) => dataset(map(source, fn, options)),
    filter: keep => dataset(filter(source, keep)),
    shuffle: options => dataset(shuffle(source, options)),
    batch: (size, options) => dataset(batch(source, size, options)),
    prefetch: count => dataset(prefetch(source, count)),
    take: count => dataset(take(source, count)),
    skip: count => dataset(skip(source, count)),
    split: (fraction, options) => {
      const [first, rest] = split(source, fraction, options)
      return [dataset(first), dataset(rest)]
    },
    cache: () => dataset(cache(source)),
    repeat: (count = Number.POSITIVE_INFINITY) => dataset(repeat(source, count)),
    concat: (...others) => dataset(concat([source, ...others])),
    toArray: async () => {
      if (source.length === Number.POSITIVE_INFINITY)
        throw new ConfigError({
          code: 'endless-array',
          where: 'toArray',
          expected: 'a dataset that ends',
          received: 'an endless one',
          hint: 'take(n) first',
        })
      const elements: T[] = []
      for await (const element of iterate()) elements.push(element)
      return elements
    },
  }
}

/** Datasets side by side: `zip({ x: images, y: labels })` gives records. All must be of one length. */
export const zip = <T extends Readonly<Record<string, unknown>>>(
  sources: {
    readonly [K in keyof T]: Source<T[K]>
  },
): Dataset<T> => dataset(zipSources(sources))

function iterator<T>(source: Source<T>, { epoch, position }: IterateOptions): DatasetIterator<T> {
  const start = checkPosition(position)
  const chosen = wholeNumber(epoch ?? start.epoch, 0, 'iterate.epoch')
  if (position !== undefined && chosen !== start.epoch)
    throw new ConfigError({
      code: 'epoch-mismatch',
      where: 'iterate',
      expected: `epoch ${start.epoch}, as the position says`,
      received: chosen,
    })
  const stream = source.open(chosen, start.at)
  const end = { done: true, value: undefined } as const
  let closed = false
  const close = async () => {
    if (closed) return
    closed = true
    await stream.close()
  }
  return {
    next: async () => {
      if (closed) return end
      try {
        const item = await stream.next()
        if (!item.done) return item
      } catch (error) {
        await close()
        throw error
      }
      await close()
      return end
    },
    return: async () => {
      await close()
      return end
    },
    position: () => ({ epoch: chosen, at: stream.position() }),
    [Symbol.asyncIterator]() {
      return this
    },
  }
}

function checkPosition(position: DatasetPosition | undefined): DatasetPosition {
  if (position === undefined) return { epoch: 0, at: null }
  // It may come from a file, so its type proves nothing.
  const given: Partial<DatasetPosition> | null = position
  if (typeof given !== 'object' || given === null || !Number.isInteger(given.epoch) || given.at === undefined)
    throw new DataError({
      code: 'foreign-position',
      where: 'iterate.position',
      expected: '{ epoch, at } from position()',
      received: position,
    })
  return position
}
