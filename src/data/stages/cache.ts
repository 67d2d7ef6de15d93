import { ConfigError } from '../../ir/index.js'
import { type Access, indexed, type Source } from '../source.js'

/**
 * Makes every element once and holds it in memory. A source that gives access by number is filled as elements are
 * asked for; any other is read to its end on first use. What is held is epoch 0.
 */
export function cache<T>(source: Source<T>): Source<T> {
  if (source.length === Number.POSITIVE_INFINITY)
    throw new ConfigError({
      code: 'endless-cache',
      where: 'cache',
      expected: 'a source that ends',
      received: 'an endless one',
      hint: 'take(n) before cache()',
    })
  let held: Promise<Access<T>> | undefined
  let length = source.length
  const fill = async (): Promise<Access<T>> => {
    const elements = source.access === undefined ? await readAll(source) : remember(await source.access(0))
    length = elements.length
    return elements
  }
  const access = () => {
    held ??= fill().catch(error => {
      // What failed is tried again the next time.
      held = undefined
      throw error
    })
    return held
  }
  const base = indexed(access, { length, batched: source.batched })
  return {
    ...base,
    get length() {
      return length
    },
  }
}

async function readAll<T>(source: Source<T>): Promise<Access<T>> {
  const elements: T[] = []
  const stream = source.open(0, null)
  try {
    for (let item = await stream.next(); !item.done; item = await stream.next()) elements.push(item.value)
  } finally {
    await stream.close()
  }
  return { length: elements.length, concurrency: 1, at: index => elements[index]! }
}

function remember<T>(elements: Access<T>): Access<T> {
  // What can be gathered is in memory already.
  if (elements.gather !== undefined) return elements
  const made = new Map<number, T | Promise<T>>()
  return {
    ...elements,
    at: index => {
      const known = made.get(index)
      if (known !== undefined) return known
      const value = (async () => elements.at(index))()
      made.set(index, value)
      value.catch(() => made.delete(index))
      return value
    },
  }
}
