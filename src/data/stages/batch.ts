import { type Access, indexed, type Source, streamOf, wholeNumber } from '../source.js'
import { type Batched, stack } from '../stack.js'

export interface BatchOptions {
  /** Leaves out the last batch when it is short. Default false. */
  dropRemainder?: boolean
}

export function batch<T>(
  source: Source<T>,
  size: number,
  { dropRemainder = false }: BatchOptions = {},
): Source<Batched<T>> {
  wholeNumber(size, 1, 'batch.size')
  const count = (length: number) => (dropRemainder ? Math.floor(length / size) : Math.ceil(length / size))
  const shape = { length: source.length === undefined ? undefined : count(source.length), batched: true }
  const { access } = source
  if (access !== undefined)
    return indexed(async epoch => {
      const elements = await access(epoch)
      return {
        length: count(elements.length),
        concurrency: 1,
        at: index => {
          const first = index * size
          return together(elements, first, Math.min(size, elements.length - first))
        },
      }
    }, shape)
  return {
    ...shape,
    open: (epoch, position) =>
      streamOf(position, async function* (mark) {
        const upstream = source.open(epoch, position)
        try {
          for (let ended = false; !ended; ) {
            const elements: T[] = []
            while (!ended && elements.length < size) {
              const item = await upstream.next()
              if (item.done) ended = true
              else elements.push(item.value)
            }
            if (elements.length === 0 || (ended && dropRemainder)) return
            mark(upstream.position())
            yield stack(elements)
          }
        } finally {
          await upstream.close()
        }
      }),
  }
}

async function together<T>(elements: Access<T>, first: number, count: number): Promise<Batched<T>> {
  if (elements.gather !== undefined) {
    const rows = new Uint32Array(count)
    for (let i = 0; i < count; i++) rows[i] = first + i
    // By contract gather gives what stacking gives.
    return (await elements.gather(rows)) as Batched<T>
  }
  const made = new Array<T>(count)
  let next = 0
  const worker = async () => {
    while (next < count) {
      const i = next++
      made[i] = await elements.at(first + i)
    }
  }
  await Promise.all(Array.from({ length: Math.min(elements.concurrency, count) }, worker))
  return stack(made)
}
