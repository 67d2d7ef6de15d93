import { FormatError } from '../ir/index.js'

/** What JSON as Python writes it can hold: `NaN`, `Infinity` and `-Infinity` stand bare, integers have any length. */
export type Json = null | boolean | number | bigint | string | readonly Json[] | { readonly [key: string]: Json }

/** How deep JSON may go: more is a circle, or would not be read by Python. */
const DEPTH = 500

/**
 * Writes JSON that Python's `json.loads` reads: numbers that are not finite stand bare, typed arrays are lists, what is
 * undefined in a record is left out.
 * @throws FormatError `not-json` for what JSON cannot hold: functions, dates, maps, instances of classes, circles
 */
export function stringifyJson(value: unknown, depth = 0): string {
  if (value === null || value === undefined) return 'null'
  switch (typeof value) {
    case 'number':
      return Number.isNaN(value)
        ? 'NaN'
        : Object.is(value, -0)
          ? '-0.0' // Python's -0 is a whole number, which has no sign
          : value === Infinity
            ? 'Infinity'
            : value === -Infinity
              ? '-Infinity'
              : wholeButLong(value)
                ? `${value}.0` // a number, not one of Python's long integers
                : `${value}`
    case 'bigint':
      return `${value}`
    case 'boolean':
      return `${value}`
    case 'string':
      return JSON.stringify(value)
    case 'object': {
      if (depth > DEPTH) throw notJson(`at most ${DEPTH} levels`, 'more: a circle?')
      if (Array.isArray(value) || ArrayBuffer.isView(value))
        return `[${Array.from(value as ArrayLike<unknown>, inner => stringifyJson(inner, depth + 1)).join(', ')}]`
      const prototype: unknown = Object.getPrototypeOf(value)
      if (prototype !== Object.prototype && prototype !== null)
        throw notJson(HOLDS, `an instance of ${value.constructor?.name}`)
      const entries = Object.entries(value).filter(([, inner]) => inner !== undefined)
      return `{${entries.map(([key, inner]) => `${JSON.stringify(key)}: ${stringifyJson(inner, depth + 1)}`).join(', ')}}`
    }
    default:
      throw notJson(HOLDS, typeof value)
  }
}
const wholeButLong = (x: number): boolean => Number.isInteger(x) && !Number.isSafeInteger(x) && Math.abs(x) < 1e21
const HOLDS = 'null, booleans, numbers, strings, arrays, records'
const notJson = (expected: string, received: string) =>
  new FormatError({ code: 'not-json', where: 'json', expected, received })

/** What JavaScript's own parser would read otherwise than Python: bare words, integers that are too long for a number. */
const SPECIAL = /NaN|Infinity|\d{16}/

/**
 * Reads JSON as Python writes it. Integers beyond 2⁵³ come as bigint.
 * @throws FormatError with the position of what is wrong
 */
export function parseJson(text: string, where = 'json'): Json {
  if (!SPECIAL.test(text))
    try {
      return JSON.parse(text) as Json // JSON is Json
    } catch {
      // below, to say where
    }
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
    if (text[at] !== '"') return fail('a string')
    let end = at
    for (let backslashes = 1; backslashes % 2 === 1; ) {
      end = text.indexOf('"', end + 1)
      if (end < 0) return fail('a string with an end')
      backslashes = 0
      while (text[end - 1 - backslashes] === '\\') backslashes++
    }
    try {
      const parsed = JSON.parse(text.slice(at, end + 1)) as string // a JSON string literal gives a string
      at = end + 1
      return parsed
    } catch {
      return fail('a string')
    }
  }
  const value = (depth: number): Json => {
    if (depth > DEPTH) fail(`at most ${DEPTH} levels`)
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
    const number = /-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?/y
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
