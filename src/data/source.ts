import { ConfigError, DataError } from '../ir/index.js'
import { ordered } from './ordered.js'

/** How far a stage has come, as plain JSON; `null` is the beginning of an epoch. */
export type Position = number | null | { readonly [key: string]: Position }

/** Elements by number, for one epoch. */
export interface Access<T> {
  readonly length: number
  at(index: number): T | Promise<T>
  /** The elements at `rows` as one batch, where that is faster than stacking them one by one. */
  readonly gather?: ((rows: Uint32Array) => unknown) | undefined
  /** How many calls of `at` may run at the same time. */
  readonly concurrency: number
}

/** One pass over a source. */
export interface Stream<T> {
  next(): Promise<IteratorResult<T, void>>
  /** After the element that `next` gave last. */
  position(): Position
  /** Lets go of files and generators; called once, after the last `next`. */
  close(): Promise<void>
}

/**
 * What a dataset is made of, and what to write for a source of your own: `dataset(source)` adds all methods.
 * The same epoch must give the same elements, in the same order, whenever it is opened.
 */
export interface Source<T> {
  /** Number of elements; Infinity for an endless source, undefined where only reading can tell. */
  readonly length: number | undefined
  /** Whether an element is a batch: its tensors have a leading batch axis. */
  readonly batched: boolean
  /** The elements by number, for sources that can: they are shuffled and split as a whole. */
  readonly access?: ((epoch: number) => Access<T> | Promise<Access<T>>) | undefined
  open(epoch: number, position: Position): Stream<T>
}

/** What the function of `map` is told besides the element. */
export interface ElementContext {
  readonly epoch: number
  /** Number of the element in the stage that `map` was called on: with a seed it keys an element's own randomness. */
  readonly index: number
}

/** A stream from a generator that calls `mark` with the position after an element just before it yields it. */
export function streamOf<T>(
  start: Position,
  body: (mark: (position: Position) => void) => AsyncGenerator<T, void, undefined>,
): Stream<T> {
  let position = start
  const generator = body(after => {
    position = after
  })
  return {
    next: () => generator.next(),
    position: () => position,
    close: async () => {
      await generator.return()
    },
  }
}

/** The source whose elements are known by number: opening it at a position costs nothing. */
export function indexed<T>(
  access: (epoch: number) => Access<T> | Promise<Access<T>>,
  shape: { readonly length: number | undefined; readonly batched: boolean },
): Source<T> {
  return {
    length: shape.length,
    batched: shape.batched,
    access,
    open: (epoch, position) =>
      streamOf(position, mark =>
        ordered(async () => {
          const elements = await access(epoch)
          let next = countAt(position, 'an indexed dataset', elements.length)
          const pull = () => {
            if (next >= elements.length) return undefined
            const index = next++
            return { run: () => elements.at(index), position: index + 1 }
          }
          return { pull, concurrency: elements.concurrency }
        }, mark),
      ),
  }
}

/** A position that is a count of elements; 0 at the beginning. */
export function countAt(position: Position, where: string, length = Number.POSITIVE_INFINITY): number {
  if (position === null) return 0
  if (typeof position === 'number' && Number.isInteger(position) && position >= 0 && position <= length) return position
  throw foreignPosition(position, where)
}

/** A position that is a record with the given entries. */
export function entriesAt<K extends string>(
  position: Position,
  where: string,
  keys: readonly K[],
): Record<K, Position> {
  if (position === null) return Object.fromEntries(keys.map(key => [key, null])) as Record<K, Position>
  if (typeof position !== 'object' || keys.some(key => position[key] === undefined))
    throw foreignPosition(position, where)
  return position as Record<K, Position>
}

const foreignPosition = (position: Position, where: string) =>
  new DataError({
    code: 'foreign-position',
    where,
    expected: 'a position that this same chain of datasets gave',
    received: position,
    hint: 'build the dataset with the same source and options as when the position was saved',
  })

/** Checks a count that a user gave. */
export function wholeNumber(value: number, least: number, where: string): number {
  if (Number.isInteger(value) && value >= least) return value
  throw new ConfigError({ code: 'bad-option', where, expected: `a whole number ≥ ${least}`, received: value })
}
