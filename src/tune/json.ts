import { FormatError } from '../ir/index.js'

/** What JSON as Python writes it can hold: `NaN`, `Infinity` and `-Infinity` stand bare, integers have any length. */
export type Json = null | boolean | number | bigint | string | readonly Json[] | { readonly [key: string]: Json }

/** Writes JSON that Python's `json.loads` reads: numbers that are not finite stand bare. */
export function stringifyJson(value: unknown): string {
  if (value === null || value === undefined) return 'null'
  switch (typeof value) {
    case 'number':
      return Number.isNaN(value)
        ? 'NaN'
        : value === Infinity
          ? 'Infinity'
          : value === -Infinity
            ? '-Infinity'
            : `${value}`
    case 'bigint':
      return `${value}`
    case 'boolean':
      return `${value}`
    case 'string':
      return JSON.stringify(value)
    case 'object': {
      if (Array.isArray(value) || ArrayBuffer.isView(value))
        return `[${Array.from(value as ArrayLike<unknown>, stringifyJson).join(', ')}]`
      const entries = Object.entries(value).filter(([, inner]) => inner !== undefined)
      return `{${entries.map(([key, inner]) => `${JSON.stringify(key)}: ${stringifyJson(inner)}`).join(', ')}}`
    }
    default:
      throw new FormatError({
        code: 'not-json',
        where: 'json',
        expected: 'null, booleans, numbers, strings, arrays, records',
        received: typeof value,
      })
  }
}

/**
 * Reads JSON as Python writes it. Integers beyond 2⁵³ come as bigint.
 * @throws FormatError with the position of what is wrong
 */
export function parseJson(text: string, where = 'json'): Json {
  let at = 0
  const fail = (expected: string): never => {
    throw new FormatError({
      code: 'bad-json',
      where: `${where}, character ${at}`,
      expected,
      received: text.slice(at, at + 20),
    })
  }
  const space = () => {
    while (at < text.length && ' \t\n\r'.includes(text[at]!)) at++
  }
  const expect = (token: string) => {
    if (!text.startsWith(token, at)) fail(`'${token}'`)
    at += token.length
  }
  const words: readonly (readonly [string, Json])[] = [
    ['null', null],
    ['true', true],
    ['false', false],
    ['NaN', Number.NaN],
    ['Infinity', Infinity],
    ['-Infinity', -Infinity],
  ]
  const string = (): string => {
    const end = /"(?:[^"\\]|\\.)*"/suy
    end.lastIndex = at
    const match = end.exec(text)
    if (match === null) return fail('a string')
    at += match[0].length
    try {
      return JSON.parse(match[0]) as string // a JSON string literal gives a string
    } catch {
      return fail('a string')
    }
  }
  const value = (depth: number): Json => {
    if (depth > 500) fail('at most 500 levels')
    space()
    const c = text[at]
    if (c === '"') return string()
    if (c === '[') {
      at++
      const items: Json[] = []
      space()
      if (text[at] === ']') {
        at++
        return items
      }
      for (;;) {
        items.push(value(depth + 1))
        space()
        if (text[at] === ']') {
          at++
          return items
        }
        expect(',')
      }
    }
    if (c === '{') {
      at++
      const entries: [string, Json][] = []
      space()
      if (text[at] === '}') {
        at++
        return {}
      }
      for (;;) {
        space()
        const key = string()
        space()
        expect(':')
        entries.push([key, value(depth + 1)])
        space()
        if (text[at] === '}') {
          at++
          return Object.fromEntries(entries)
        }
        expect(',')
      }
    }
    for (const [word, meaning] of words)
      if (text.startsWith(word, at)) {
        at += word.length
        return meaning
      }
    const number = /-?\d+(\.\d+)?([eE][+-]?\d+)?/y
    number.lastIndex = at
    const match = number.exec(text)
    if (match === null) return fail('a value')
    at += match[0].length
    const parsed = Number(match[0])
    const whole = match[1] === undefined && match[2] === undefined
    return whole && !Number.isSafeInteger(parsed) ? BigInt(match[0]) : parsed
  }
  const result = value(0)
  space()
  if (at < text.length) fail('the end')
  return result
}
