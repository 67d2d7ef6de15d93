import { type Access, countAt, entriesAt, indexed, type Source, streamOf, wholeNumber } from '../source.js'

/** The elements from `start` up to `end` of those known by number. */
export const slice = <T>(elements: Access<T>, start: number, end: number): Access<T> => {
  const from = Math.min(start, elements.length)
  const { gather } = elements
  return {
    length: Math.max(0, Math.min(end, elements.length) - from),
    concurrency: elements.concurrency,
    at: index => elements.at(from + index),
    gather: gather && (rows => gather(rows.map(row => row + from))),
  }
}

export function take<T>(source: Source<T>, count: number): Source<T> {
  wholeNumber(count, 0, 'take.count')
  const length = source.length === undefined ? undefined : Math.min(source.length, count)
  const { access, batched } = source
  if (access !== undefined) return indexed(async epoch => slice(await access(epoch), 0, count), { length, batched })
  return {
    length,
    batched,
    open: (epoch, position) =>
      streamOf(position, async function* (mark) {
        const from = entriesAt(position, 'take', ['at', 'taken'])
        let taken = countAt(from.taken, 'take')
        if (taken >= count) return
        const upstream = source.open(epoch, from.at)
        try {
          while (taken < count) {
            const item = await upstream.next()
            if (item.done) return
            mark({ at: upstream.position(), taken: ++taken })
            yield item.value
          }
        } finally {
          await upstream.close()
        }
      }),
  }
}

export function skip<T>(source: Source<T>, count: number): Source<T> {
  wholeNumber(count, 0, 'skip.count')
  const length = source.length === undefined ? undefined : Math.max(0, source.length - count)
  const { access, batched } = source
  if (access !== undefined)
    return indexed(async epoch => slice(await access(epoch), count, Number.POSITIVE_INFINITY), { length, batched })
  return {
    length,
    batched,
    open: (epoch, position) =>
      streamOf(position, async function* (mark) {
        const upstream = source.open(epoch, position)
        try {
          if (position === null) for (let i = 0; i < count && !(await upstream.next()).done; i++);
          for (let item = await upstream.next(); !item.done; item = await upstream.next()) {
            mark(upstream.position())
            yield item.value
          }
        } finally {
          await upstream.close()
        }
      }),
  }
}
