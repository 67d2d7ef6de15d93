import { ConfigError, DataError } from '../ir/index.js'
import { type Dataset, dataset } from './dataset.js'
import { countAt, indexed, streamOf } from './source.js'

export interface GeneratorOptions {
  /** Number of elements, where it is known; a pass that gives another number fails. */
  length?: number
  /** Whether the elements are batches. Default false. */
  batched?: boolean
}

/**
 * A dataset from a function that starts a pass: a generator function, or one that returns anything iterable. It is told
 * the epoch and must give the same elements whenever it is asked for the same one. To continue in the middle of an
 * epoch, the elements before are drawn again and dropped.
 */
export function fromGenerator<T>(
  generate: (context: { readonly epoch: number }) => Iterable<T> | AsyncIterable<T>,
  { length, batched = false }: GeneratorOptions = {},
): Dataset<T> {
  return dataset({
    length,
    batched,
    open: (epoch, position) =>
      streamOf(position, async function* (mark) {
        const skip = countAt(position, 'fromGenerator')
        let count = 0
        for await (const element of checkIterable(generate({ epoch }))) {
          if (++count > (length ?? count)) throw wrongLength(length, 'more')
          if (count <= skip) continue
          mark(count)
          yield element
        }
        if (count < (length ?? count)) throw wrongLength(length, count)
      }),
  })
}

/**
 * A dataset from something iterable: an array (then with access by number), a Set, a stream. It must be iterable more
 * than once; give a generator's function to `fromGenerator` instead of the generator itself.
 */
export function fromIterable<T>(iterable: Iterable<T> | AsyncIterable<T>, options: GeneratorOptions = {}): Dataset<T> {
  if (Array.isArray(iterable)) {
    const elements: readonly T[] = iterable
    const { length, batched = false } = { ...options, length: elements.length }
    return dataset(indexed(() => ({ length, concurrency: 1, at: index => elements[index]! }), { length, batched }))
  }
  checkIterable(iterable)
  // An iterator returns itself as its iterator: a second pass would find it empty.
  const once =
    (Symbol.iterator in iterable && Object.is(iterable, iterable[Symbol.iterator]())) ||
    (Symbol.asyncIterator in iterable && Object.is(iterable, iterable[Symbol.asyncIterator]()))
  if (once)
    throw new ConfigError({
      code: 'one-pass-iterable',
      where: 'fromIterable',
      expected: 'something that can be iterated again',
      received: 'an iterator',
      hint: 'use fromGenerator(function* () { … })',
    })
  return fromGenerator(() => iterable, options)
}

function checkIterable<T>(value: Iterable<T> | AsyncIterable<T>): Iterable<T> | AsyncIterable<T> {
  if (typeof value === 'object' && value !== null && (Symbol.iterator in value || Symbol.asyncIterator in value))
    return value
  throw new DataError({
    code: 'not-iterable',
    where: 'dataset',
    expected: 'something iterable',
    received: value === null ? 'null' : typeof value,
  })
}

const wrongLength = (expected: number | undefined, received: number | string) =>
  new DataError({
    code: 'length-mismatch',
    where: 'fromGenerator',
    expected: `${expected} elements`,
    received,
    hint: 'correct the length option, or leave it out',
  })
