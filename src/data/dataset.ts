import { ConfigError, counterRandom } from '../ir/index.js'
import { collate } from './collate.js'

/** Random access to the elements of one epoch. */
export interface View<T> {
  readonly length: number
  get(index: number): T | Promise<T>
  /** Several elements at once as a batch, where that is cheaper than one by one. */
  gather?(rows: Uint32Array): T
}

/** Where elements come from: random access by epoch, or only one after the other. */
export type Source<T> =
  | { readonly kind: 'view'; readonly view: (epoch: number) => View<T>; readonly length: number }
  | { readonly kind: 'stream'; readonly open: (epoch: number) => AsyncIterator<T>; readonly length: number | undefined }

/** How far an iteration has come; plain JSON. */
export interface Position {
  readonly epoch: number
  /** Elements already taken. */
  readonly index: number
}

/** An iteration that can say where it stands. */
export interface Cursor<T> extends AsyncIterableIterator<T> {
  position(): Position
}

/**
 * A re-iterable stream of elements. Methods return new data sets and leave this one alone. The order is a pure function
 * of seed and epoch, so an iteration can be taken up again in the middle: `iterate(position)`.
 */
export interface Dataset<T> extends AsyncIterable<T> {
  /** Number of elements; undefined where only running through tells. */
  readonly length: number | undefined
  /** Whether an element is a batch. */
  readonly batched: boolean
  iterate(from?: Partial<Position>): Cursor<T>
  map<U>(f: (element: T, index: number) => U | Promise<U>): Dataset<U>
  filter(keep: (element: T) => boolean | Promise<boolean>): Dataset<T>
  /** Mixes the order anew for each epoch. With random access the whole set is permuted, else a buffer of `buffer` elements. */
  shuffle(options?: { seed?: number; buffer?: number; reshuffleEachIteration?: boolean }): Dataset<T>
  /** Joins `size` elements; the last batch may be smaller unless `dropRemainder`. */
  batch(size: number, options?: { dropRemainder?: boolean }): Dataset<T>
  /** Prepares up to `count` elements ahead. */
  prefetch(count: number): Dataset<T>
  take(count: number): Dataset<T>
  skip(count: number): Dataset<T>
  /** Two disjoint parts, the first with `fraction` of the elements, chosen by `seed`; null keeps the order. */
  split(fraction: number, options?: { seed?: number | null }): [Dataset<T>, Dataset<T>]
  /** Keeps elements in memory once they have been made. */
  cache(): Dataset<T>
  /** The elements `count` times over. */
  repeat(count: number): Dataset<T>
  toArray(): Promise<T[]>
}

const whole = (value: number, least: number, where: string): number => {
  if (!Number.isInteger(value) || value < least)
    throw new ConfigError({ code: 'bad-option', where, expected: `a whole number ≥ ${least}`, received: value })
  return value
}

/** A data set over a source. */
export function dataset<T>(source: Source<T>, batched = false): Dataset<T> {
  const onView = <U>(make: (view: View<T>, epoch: number) => View<U>, length: number, isBatched = batched): Dataset<U> =>
    dataset<U>({ kind: 'view', view: epoch => make((source as { view: (e: number) => View<T> }).view(epoch), epoch), length }, isBatched)
  const onStream = <U>(make: (elements: AsyncIterator<T>, epoch: number) => AsyncIterator<U>, length: number | undefined, isBatched = batched): Dataset<U> =>
    dataset<U>({ kind: 'stream', open: epoch => make(open(source, epoch), epoch), length }, isBatched)
  const self: Dataset<T> = {
    length: source.length,
    batched,
    iterate: (from = {}) => cursor(source, { epoch: from.epoch ?? 0, index: from.index ?? 0 }),
    [Symbol.asyncIterator]: () => self.iterate(),
    map: f =>
      source.kind === 'view'
        ? onView(view => ({ length: view.length, get: async i => f(await view.get(i), i) }), source.length)
        : onStream(elements => mapped(elements, f), source.length),
    filter: keep => onStream(elements => filtered(elements, keep), undefined),
    shuffle: ({ seed = 0, buffer = 1024, reshuffleEachIteration = true } = {}) => {
      const key = (epoch: number) => (reshuffleEachIteration ? epoch + 1 : 1)
      if (source.kind === 'stream') {
        whole(buffer, 1, 'dataset.shuffle.buffer')
        return onStream((elements, epoch) => buffered(elements, buffer, seed, key(epoch)), source.length)
      }
      return onView((view, epoch) => reordered(view, counterRandom(seed, key(epoch), 0x5f).permutation(view.length)), source.length)
    },
    batch: (size, { dropRemainder = false } = {}) => {
      whole(size, 1, 'dataset.batch.size')
      const count = source.length === undefined ? undefined : dropRemainder ? Math.floor(source.length / size) : Math.ceil(source.length / size)
      return source.kind === 'view' ? onView(view => batchView(view, size, count!), count!, true) : onStream(elements => batchStream(elements, size, dropRemainder), count, true)
    },
    prefetch: count => {
      whole(count, 1, 'dataset.prefetch.count')
      return onStream(elements => ahead(elements, count), source.length)
    },
    take: count => {
      whole(count, 0, 'dataset.take')
      const length = source.length === undefined ? undefined : Math.min(count, source.length)
      return source.kind === 'view' ? onView(view => part(view, 0, length!), length!) : onStream(elements => taken(elements, count), length)
    },
    skip: count => {
      whole(count, 0, 'dataset.skip')
      const length = source.length === undefined ? undefined : Math.max(0, source.length - count)
      return source.kind === 'view' ? onView(view => part(view, Math.min(count, view.length), length!), length!) : onStream(elements => skipped(elements, count), length)
    },
    split: (fraction, { seed = 0 } = {}) => {
      if (!(fraction > 0 && fraction < 1)) throw new ConfigError({ code: 'bad-option', where: 'dataset.split', expected: 'a fraction between 0 and 1', received: fraction })
      if (source.kind === 'stream')
        throw new ConfigError({ code: 'split-stream', where: 'dataset.split', expected: 'a data set with random access', received: 'a stream', hint: 'use take and skip, or read it into memory' })
      const cut = Math.round(source.length * fraction)
      const order = seed === null ? Uint32Array.from({ length: source.length }, (_, i) => i) : counterRandom(seed, 0, 0x59).permutation(source.length)
      return [onView(view => reordered(view, order.subarray(0, cut)), cut), onView(view => reordered(view, order.subarray(cut)), source.length - cut)]
    },
    cache: () => {
      if (source.kind === 'stream') {
        const kept: { all?: T[] } = {}
        return dataset({ kind: 'stream', open: epoch => (kept.all === undefined ? keeping(open(source, epoch), kept) : fromList(kept.all)), length: source.length }, batched)
      }
      const kept = new Map<number, T>()
      return onView(
        view =>
          view.gather !== undefined
            ? view // in memory already
            : {
                length: view.length,
                get: async i => {
                  if (!kept.has(i)) kept.set(i, await view.get(i))
                  return kept.get(i) as T
                },
              },
        source.length,
      )
    },
    repeat: count => {
      whole(count, 1, 'dataset.repeat')
      const length = source.length === undefined ? undefined : source.length * count
      return dataset({ kind: 'stream', open: epoch => repeated(source, epoch, count), length }, batched)
    },
    toArray: async () => {
      const all: T[] = []
      for await (const element of self) all.push(element)
      return all
    },
  }
  return self
}

function open<T>(source: Source<T>, epoch: number, from = 0): AsyncIterator<T> {
  if (source.kind === 'view') return overView(source.view(epoch), from)
  const elements = source.open(epoch)
  return from === 0 ? elements : skipped(elements, from)
}

function cursor<T>(source: Source<T>, from: Position): Cursor<T> {
  let index = from.index
  const elements = open(source, from.epoch, from.index)
  const it: Cursor<T> = {
    next: async () => {
      const result = await elements.next()
      if (!result.done) index++
      return result
    },
    return: async () => (await elements.return?.()) ?? { done: true, value: undefined },
    position: () => ({ epoch: from.epoch, index }),
    [Symbol.asyncIterator]: () => it,
  }
  return it
}

async function* overView<T>(view: View<T>, from: number): AsyncGenerator<T> {
  for (let i = from; i < view.length; i++) yield await view.get(i)
}

const reordered = <T>(view: View<T>, order: Uint32Array): View<T> => ({
  length: order.length,
  get: i => view.get(order[i]!),
  ...(view.gather === undefined ? {} : { gather: rows => view.gather!(rows.map(row => order[row]!)) }),
})
const part = <T>(view: View<T>, start: number, length: number): View<T> => ({
  length,
  get: i => view.get(start + i),
  ...(view.gather === undefined ? {} : { gather: rows => view.gather!(rows.map(row => start + row)) }),
})
const batchView = <T>(view: View<T>, size: number, count: number): View<T> => ({
  length: count,
  get: async b => {
    const rows = Uint32Array.from({ length: Math.min(size, view.length - b * size) }, (_, i) => b * size + i)
    return view.gather?.(rows) ?? collate(await Promise.all(Array.from(rows, row => view.get(row))))
  },
})

// ---- what streams do --------------------------------------------------------------------------------------------

/** Runs a generator over an iterator and closes it, however the run ends. */
async function* over<T>(elements: AsyncIterator<T>): AsyncGenerator<T> {
  try {
    for (let item = await elements.next(); !item.done; item = await elements.next()) yield item.value
  } finally {
    await elements.return?.()
  }
}
async function* mapped<T, U>(elements: AsyncIterator<T>, f: (element: T, index: number) => U | Promise<U>): AsyncGenerator<U> {
  let index = 0
  for await (const element of over(elements)) yield await f(element, index++)
}
async function* filtered<T>(elements: AsyncIterator<T>, keep: (element: T) => boolean | Promise<boolean>): AsyncGenerator<T> {
  for await (const element of over(elements)) if (await keep(element)) yield element
}
async function* buffered<T>(elements: AsyncIterator<T>, size: number, seed: number, key: number): AsyncGenerator<T> {
  const random = counterRandom(seed, key, 0x62)
  const held: T[] = []
  let drawn = 0
  const pick = () => Math.floor(random.uniform(drawn++) * held.length)
  for await (const element of over(elements)) {
    if (held.length < size) held.push(element)
    else {
      const at = pick()
      yield held[at]!
      held[at] = element
    }
  }
  while (held.length > 0) {
    const at = pick()
    yield held[at]!
    held[at] = held.at(-1)!
    held.pop()
  }
}
async function* batchStream<T>(elements: AsyncIterator<T>, size: number, dropRemainder: boolean): AsyncGenerator<T> {
  let held: T[] = []
  for await (const element of over(elements)) {
    held.push(element)
    if (held.length === size) {
      yield collate(held)
      held = []
    }
  }
  if (held.length > 0 && !dropRemainder) yield collate(held)
}
async function* ahead<T>(elements: AsyncIterator<T>, count: number): AsyncGenerator<T> {
  const queue: Promise<IteratorResult<T>>[] = []
  const more = () => {
    const next = elements.next()
    next.catch(() => {}) // told when its turn comes
    queue.push(next)
  }
  try {
    for (let i = 0; i < count; i++) more()
    for (;;) {
      const item = await queue.shift()!
      if (item.done) return
      more()
      yield item.value
    }
  } finally {
    await elements.return?.()
  }
}
async function* taken<T>(elements: AsyncIterator<T>, count: number): AsyncGenerator<T> {
  let left = count
  if (left === 0) return
  for await (const element of over(elements)) {
    yield element
    if (--left === 0) return
  }
}
async function* skipped<T>(elements: AsyncIterator<T>, count: number): AsyncGenerator<T> {
  let left = count
  for await (const element of over(elements)) if (left-- <= 0) yield element
}
async function* keeping<T>(elements: AsyncIterator<T>, kept: { all?: T[] }): AsyncGenerator<T> {
  const all: T[] = []
  for await (const element of over(elements)) {
    all.push(element)
    yield element
  }
  kept.all = all // only a run to the end knows everything
}
async function* fromList<T>(list: readonly T[]): AsyncGenerator<T> {
  yield* list
}
async function* repeated<T>(source: Source<T>, epoch: number, count: number): AsyncGenerator<T> {
  for (let i = 0; i < count; i++) yield* over(open(source, epoch * count + i))
}
