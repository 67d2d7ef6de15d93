import { ConfigError, DataError } from '../../ir/index.js'
import { type Access, countAt, entriesAt, indexed, type Source, streamOf, wholeNumber } from '../source.js'
import { stack } from '../stack.js'

/** One source after another. */
export function concat<T>(sources: readonly Source<T>[]): Source<T> {
  const lengths = sources.map(source => source.length)
  const length = lengths.reduce<number | undefined>(
    (sum, n) => (sum === undefined || n === undefined ? undefined : sum + n),
    0,
  )
  const { batched } = sources[0]!
  if (sources.some(source => source.batched !== batched))
    throw new ConfigError({
      code: 'mixed-batches',
      where: 'concat',
      expected: 'all parts batched or none',
      received: sources.map(source => source.batched),
    })
  if (sources.every(source => source.access !== undefined))
    return indexed(async epoch => end2end(await Promise.all(sources.map(source => source.access!(epoch)))), {
      length,
      batched,
    })
  return {
    length,
    batched,
    open: (epoch, position) =>
      streamOf(position, async function* (mark) {
        const from = entriesAt(position, 'concat', ['at', 'part'])
        const first = countAt(from.part, 'concat', sources.length - 1)
        for (let part = first; part < sources.length; part++) {
          const upstream = sources[part]!.open(epoch, part === first ? from.at : null)
          try {
            for (let item = await upstream.next(); !item.done; item = await upstream.next()) {
              mark({ at: upstream.position(), part })
              yield item.value
            }
          } finally {
            await upstream.close()
          }
        }
      }),
  }
}

function end2end<T>(parts: readonly Access<T>[]): Access<T> {
  const starts: number[] = []
  let length = 0
  for (const part of parts) {
    starts.push(length)
    length += part.length
  }
  const partOf = (index: number) => {
    let part = parts.length - 1
    while (starts[part]! > index) part--
    return part
  }
  const at = (index: number) => {
    const part = partOf(index)
    return parts[part]!.at(index - starts[part]!)
  }
  const gather = async (rows: Uint32Array) => {
    const part = rows.length === 0 ? 0 : partOf(rows[0]!)
    if (rows.every(row => partOf(row) === part)) return parts[part]!.gather!(rows.map(row => row - starts[part]!))
    return stack(await Promise.all(Array.from(rows, at)))
  }
  return {
    length,
    concurrency: Math.max(...parts.map(part => part.concurrency)),
    at,
    gather: parts.every(part => part.gather !== undefined) ? gather : undefined,
  }
}

/** The source `count` times, each time as an epoch of its own. */
export function repeat<T>(source: Source<T>, count: number): Source<T> {
  if (count !== Number.POSITIVE_INFINITY) wholeNumber(count, 0, 'repeat.count')
  // An endless repetition has but one epoch of its own; the next ones start far beyond it.
  const rounds = count === Number.POSITIVE_INFINITY ? 2 ** 32 : count
  return {
    length: source.length === undefined ? undefined : source.length === 0 ? 0 : source.length * count,
    batched: source.batched,
    open: (epoch, position) =>
      streamOf(position, async function* (mark) {
        const from = entriesAt(position, 'repeat', ['at', 'round'])
        const first = countAt(from.round, 'repeat')
        for (let round = first; round < count; round++) {
          const start = round === first ? from.at : null
          const upstream = source.open(epoch * rounds + round, start)
          let any = start !== null
          try {
            for (let item = await upstream.next(); !item.done; item = await upstream.next()) {
              any = true
              mark({ at: upstream.position(), round })
              yield item.value
            }
          } finally {
            await upstream.close()
          }
          // An empty source repeated for ever would never give control back.
          if (!any) return
        }
      }),
  }
}

/** Sources side by side: one record of their elements. All must be of one length. */
export function zip<T extends Readonly<Record<string, unknown>>>(
  sources: { readonly [K in keyof T]: Source<T[K]> },
): Source<T> {
  const names: (keyof T & string)[] = Object.keys(sources)
  if (names.length === 0)
    throw new ConfigError({ code: 'nothing-to-zip', where: 'zip', expected: 'at least one dataset', received: '{}' })
  const list = names.map(name => sources[name])
  const uneven = (lengths: readonly (number | undefined)[]) =>
    new DataError({
      code: 'zip-length',
      where: 'zip',
      expected: 'datasets of one length',
      received: Object.fromEntries(names.map((name, i) => [name, lengths[i] ?? 'unknown'])),
      hint: 'take(n) of the longer one',
    })
  const known = list.flatMap(source => source.length ?? [])
  if (known.some(n => n !== known[0])) throw uneven(list.map(source => source.length))
  // Values lie under the names they came from, which is what T says.
  const record = (values: readonly unknown[]) => Object.fromEntries(names.map((name, i) => [name, values[i]])) as T
  const shape = { length: known[0], batched: list.some(source => source.batched) }
  if (list.every(source => source.access !== undefined))
    return indexed(async epoch => {
      const sides = await Promise.all(list.map(source => source.access!(epoch)))
      if (sides.some(side => side.length !== sides[0]!.length)) throw uneven(sides.map(side => side.length))
      const together = async (of: (side: Access<unknown>) => unknown) => record(await Promise.all(sides.map(of)))
      return {
        length: sides[0]!.length,
        concurrency: Math.max(...sides.map(side => side.concurrency)),
        at: index => together(side => side.at(index)),
        gather: sides.every(side => side.gather !== undefined)
          ? rows => together(side => side.gather!(rows))
          : undefined,
      }
    }, shape)
  return {
    ...shape,
    open: (epoch, position) =>
      streamOf(position, async function* (mark) {
        const from = entriesAt(position, 'zip', names)
        const streams = names.map(name => sources[name].open(epoch, from[name]))
        try {
          for (;;) {
            const items = await Promise.all(streams.map(stream => stream.next()))
            const ended = items.filter(item => item.done).length
            if (ended === items.length) return
            if (ended > 0) throw uneven(list.map(source => source.length))
            mark(Object.fromEntries(names.map((name, i) => [name, streams[i]!.position()])))
            yield record(items.map(item => item.value))
          }
        } finally {
          await Promise.all(streams.map(stream => stream.close()))
        }
      }),
  }
}
