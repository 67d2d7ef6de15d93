import { ordered } from '../ordered.js'
import { countAt, type ElementContext, entriesAt, indexed, type Source, streamOf, wholeNumber } from '../source.js'

export interface MapOptions {
  /** How many calls may run at once; results keep their order. Default 1. */
  concurrency?: number
}

export function map<T, U>(
  source: Source<T>,
  fn: (element: T, context: ElementContext) => U | Promise<U>,
  { concurrency = 1 }: MapOptions = {},
): Source<U> {
  wholeNumber(concurrency, 1, 'map.concurrency')
  const { access } = source
  if (access !== undefined)
    return indexed(async epoch => {
      const elements = await access(epoch)
      return {
        length: elements.length,
        concurrency: Math.max(concurrency, elements.concurrency),
        at: async index => fn(await elements.at(index), { epoch, index }),
      }
    }, source)
  return {
    length: source.length,
    batched: source.batched,
    open: (epoch, position) =>
      streamOf(position, mark =>
        ordered(() => {
          const from = entriesAt(position, 'map', ['at', 'index'])
          let index = countAt(from.index, 'map')
          const upstream = source.open(epoch, from.at)
          const pull = async () => {
            const { done, value } = await upstream.next()
            if (done) return undefined
            const context = { epoch, index: index++ }
            return { run: () => fn(value, context), position: { at: upstream.position(), index } }
          }
          return { pull, concurrency, close: () => upstream.close() }
        }, mark),
      ),
  }
}

export function filter<T>(source: Source<T>, keep: (element: T) => boolean | Promise<boolean>): Source<T> {
  return {
    length: undefined,
    batched: source.batched,
    open: (epoch, position) =>
      streamOf(position, async function* (mark) {
        const upstream = source.open(epoch, position)
        try {
          for (let item = await upstream.next(); !item.done; item = await upstream.next()) {
            if (!(await keep(item.value))) continue
            mark(upstream.position())
            yield item.value
          }
        } finally {
          await upstream.close()
        }
      }),
  }
}
