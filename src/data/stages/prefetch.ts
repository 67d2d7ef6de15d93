import { type Position, type Source, streamOf, wholeNumber } from '../source.js'

/** Keeps `count` elements ready ahead of the reader, made while the reader is busy with something else. */
export function prefetch<T>(source: Source<T>, count: number): Source<T> {
  wholeNumber(count, 0, 'prefetch.count')
  return {
    length: source.length,
    batched: source.batched,
    access: source.access,
    open: (epoch, position) =>
      streamOf(position, async function* (mark) {
        const upstream = source.open(epoch, position)
        const pull = async (): Promise<{ item: IteratorResult<T, void>; position: Position }> => {
          const item = await upstream.next()
          return { item, position: upstream.position() }
        }
        const ahead: ReturnType<typeof pull>[] = []
        let last: Promise<unknown> = Promise.resolve()
        let stopped = false
        const request = () => {
          // One after another: the position read after a pull must be that pull's own.
          const next = last.then(() =>
            stopped ? { item: { done: true as const, value: undefined }, position } : pull(),
          )
          last = next.catch(() => {
            stopped = true
          })
          ahead.push(next)
        }
        try {
          for (;;) {
            while (ahead.length <= count) request()
            const { item, position: after } = await ahead.shift()!
            if (item.done) return
            mark(after)
            yield item.value
          }
        } finally {
          stopped = true
          await Promise.allSettled(ahead)
          await upstream.close()
        }
      }),
  }
}
