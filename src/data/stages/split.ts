import { ConfigError, counterRandom } from '../../ir/index.js'
import { countAt, entriesAt, indexed, type Source, streamOf } from '../source.js'

export interface SplitOptions {
  /** Which elements fall on which side. Default 0. */
  seed?: number
}

/**
 * Two sources without a common element that make up the whole. The source is read as in epoch 0 always, so that an
 * element never changes sides, whatever comes before: augment and shuffle after splitting, not before.
 */
export function split<T>(source: Source<T>, fraction: number, { seed = 0 }: SplitOptions = {}): [Source<T>, Source<T>] {
  if (!(fraction > 0 && fraction < 1))
    throw new ConfigError({
      code: 'bad-option',
      where: 'split.fraction',
      expected: 'above 0 and below 1',
      received: fraction,
      hint: '0.8 gives four fifths to the first part',
    })
  const random = counterRandom(seed, 'split')
  const { access, batched } = source
  const cutOf = (length: number) => Math.round(length * fraction)
  const part = (first: boolean): Source<T> => {
    if (access === undefined) return hashed(source, index => random.uniform(index) < fraction === first)
    const { length } = source
    const partLength = length === undefined ? undefined : first ? cutOf(length) : length - cutOf(length)
    return indexed(
      async () => {
        const elements = await access(0)
        const order = random.permutation(elements.length)
        const cut = cutOf(order.length)
        // Each part keeps the order of the source.
        const members = (first ? order.subarray(0, cut) : order.subarray(cut)).sort()
        const { gather } = elements
        return {
          length: members.length,
          concurrency: elements.concurrency,
          at: index => elements.at(members[index]!),
          gather: gather && (rows => gather(rows.map(row => members[row]!))),
        }
      },
      { length: partLength, batched },
    )
  }
  return [part(true), part(false)]
}

/** Elements chosen by their number alone, for sources whose length is not known. */
const hashed = <T>(source: Source<T>, keep: (index: number) => boolean): Source<T> => ({
  length: undefined,
  batched: source.batched,
  open: (_, position) =>
    streamOf(position, async function* (mark) {
      const from = entriesAt(position, 'split', ['at', 'index'])
      let index = countAt(from.index, 'split')
      const upstream = source.open(0, from.at)
      try {
        for (let item = await upstream.next(); !item.done; item = await upstream.next()) {
          if (!keep(index++)) continue
          mark({ at: upstream.position(), index })
          yield item.value
        }
      } finally {
        await upstream.close()
      }
    }),
})
