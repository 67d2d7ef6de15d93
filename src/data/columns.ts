import { DataError } from '../ir/index.js'

/**
 * `integer` is whole up to 2^53; `category` one of few texts; `boolean` true, false, yes, no, or 1 and 0 where the type
 * is given; `text` anything.
 */
export type ColumnType = 'number' | 'integer' | 'category' | 'boolean' | 'text'

export interface Column {
  readonly name: string
  readonly type: ColumnType
  /**
   * One value per row. Numbers: themselves, NaN where missing. Categories: their place in `categories`, −1 where missing.
   * Booleans: 0 and 1, NaN where missing. Texts: themselves, '' where missing.
   */
  readonly values: Float64Array | readonly string[]
  /** The texts of a category column, sorted unless they were given. */
  readonly categories?: readonly string[]
  /** Number of missing values. */
  readonly missing: number
}

const truths: ReadonlyMap<string, number> = new Map([
  ['true', 1],
  ['false', 0],
  ['yes', 1],
  ['no', 0],
])
// A leading zero marks a code (a postal code, say), not a number.
const integer = /^[+-]?(0|[1-9]\d*)$/
const decimal = /^[+-]?((0|[1-9]\d*)(\.\d*)?|\.\d+)([eE][+-]?\d+)?$/

/** The type that suits all texts of a column, missing ones left out; `number` when there are none. */
export function inferType(texts: readonly string[]): ColumnType {
  if (texts.every(text => decimal.test(text) && Number.isFinite(Number(text))))
    return texts.length > 0 && texts.every(isInteger) ? 'integer' : 'number'
  if (texts.every(text => truths.has(text.toLowerCase()))) return 'boolean'
  const different = new Set(texts).size
  const repeats = different < texts.length && different <= Math.max(20, texts.length / 20)
  return repeats && texts.every(text => text.length <= 60) ? 'category' : 'text'
}

const isInteger = (text: string) => integer.test(text) && Number.isSafeInteger(Number(text))

/** The value of a text that is not missing, or undefined where it does not fit the type. */
export function readValue(text: string, type: ColumnType): number | string | boolean | undefined {
  if (type === 'text') return text
  const bare = text.trim()
  if (type === 'category') return bare
  if (type === 'boolean') {
    const truth = truths.get(bare.toLowerCase()) ?? (bare === '1' ? 1 : bare === '0' ? 0 : undefined)
    return truth === undefined ? undefined : truth === 1
  }
  const fits = type === 'integer' ? isInteger(bare) : bare !== '' && Number.isFinite(Number(bare))
  return fits ? Number(bare) : undefined
}

/** What a value of each type looks like, for errors. */
export const looks: Readonly<Record<ColumnType, string>> = {
  number: 'a number',
  integer: 'a whole number up to 2^53',
  category: 'a category',
  boolean: 'true or false',
  text: 'text',
}

/** Gathers a column's values row by row. */
export interface ColumnBuilder {
  /** Adds a text, or null for a missing value; false when it does not fit the column's type. */
  add(text: string | null): boolean
  finish(): Column
}

export function columnBuilder(
  name: string,
  given: ColumnType,
  inferred: boolean,
  categories?: readonly string[],
): ColumnBuilder {
  let type = given
  let missing = 0
  if (type === 'text') {
    const values: string[] = []
    const add = (text: string | null) => {
      if (text === null) missing++
      values.push(text ?? '')
      return true
    }
    return { add, finish: () => ({ name, type, values, missing }) }
  }
  const values: number[] = []
  const places = new Map(categories?.map((category, i) => [category, i]))
  const push = (value: number) => {
    values.push(value)
    return true
  }
  const add = (text: string | null): boolean => {
    if (text === null) {
      missing++
      return push(type === 'category' ? -1 : Number.NaN)
    }
    const value = readValue(text, type)
    if (value === undefined) {
      // Later rows may show that whole numbers were but the beginning.
      if (!inferred || type !== 'integer' || readValue(text, 'number') === undefined) return false
      type = 'number'
      return add(text)
    }
    if (typeof value !== 'string') return push(Number(value))
    if (!places.has(value)) {
      if (categories !== undefined) return false
      places.set(value, places.size)
    }
    return push(places.get(value)!)
  }
  const finish = (): Column => {
    if (type !== 'category') return { name, type, values: Float64Array.from(values), missing }
    const order = categories ?? [...places.keys()].sort()
    const place = new Map(order.map((category, i) => [category, i]))
    const sorted = new Map([...places].map(([category, met]) => [met, place.get(category)!]))
    return {
      name,
      type,
      values: Float64Array.from(values, value => (value < 0 ? -1 : sorted.get(value)!)),
      categories: order,
      missing,
    }
  }
  return { add, finish }
}

/** The error for a text that does not fit its column. */
export const misfit = (
  where: string,
  name: string,
  type: ColumnType,
  text: string | null,
  categories?: readonly string[],
) =>
  new DataError({
    code: text === null ? 'missing-value' : 'bad-value',
    where: `${where}, column ${name}`,
    expected: categories === undefined ? looks[type] : `one of ${categories.join(', ')}`,
    received: text === null ? 'a missing value' : text,
    hint:
      text === null
        ? "onMissing: 'drop' leaves such rows out"
        : `set types: { ${name}: 'text' }, or list the text in missing`,
  })
