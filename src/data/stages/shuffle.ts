import { counterRandom } from '../../ir/index.js'
import { countAt, indexed, type Source, streamOf, wholeNumber } from '../source.js'

export interface ShuffleOptions {
  /** Elements held for mixing where the source gives no access by number. Default 1024. */
  buffer?: number
  /** Default 0. */
  seed?: number
  /** Whether every epoch has an order of its own. Default true. */
  reshuffleEachIteration?: boolean
}

export function shuffle<T>(
  source: Source<T>,
  { buffer = 1024, seed = 0, reshuffleEachIteration = true }: ShuffleOptions = {},
): Source<T> {
  wholeNumber(buffer, 1, 'shuffle.buffer')
  const randomOf = (epoch: number) => counterRandom(seed, 'shuffle', reshuffleEachIteration ? epoch : 0)
  // Checks the seed here, not in the first epoch.
  randomOf(0)
  const { access } = source
  if (access === undefined) return throughBuffer(source, buffer, randomOf)
  return indexed(async epoch => {
    const elements = await access(epoch)
    const order = randomOf(epoch).permutation(elements.length)
    const { gather } = elements
    return {
      ...elements,
      at: index => elements.at(order[index]!),
      gather: gather && (rows => gather(rows.map(row => order[row]!))),
    }
  }, source)
}

/**
 * Keeps a buffer full and gives out a random one of its elements each time. To continue in the middle of an epoch the
 * source is read again from its beginning: what the buffer held cannot be known otherwise.
 */
function throughBuffer<T>(
  source: Source<T>,
  size: number,
  randomOf: (epoch: number) => { below(i: number, bound: number): number },
): Source<T> {
  return {
    length: source.length,
    batched: source.batched,
    open: (epoch, position) =>
      streamOf(position, async function* (mark) {
        const skip = countAt(position, 'shuffle')
        const random = randomOf(epoch)
        const upstream = source.open(epoch, null)
        const held: T[] = []
        try {
          for (let given = 0; ; ) {
            const item = await upstream.next()
            if (item.done && held.length === 0) return
            if (!item.done && held.length < size) {
              held.push(item.value)
              continue
            }
            const at = random.below(given, held.length)
            const chosen = held[at]!
            if (item.done) held[at] = held.at(-1)!
            else held[at] = item.value
            if (item.done) held.pop()
            if (++given <= skip) continue
            mark(given)
            yield chosen
          }
        } finally {
          await upstream.close()
        }
      }),
  }
}
