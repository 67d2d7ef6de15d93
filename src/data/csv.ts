import { DataError, type Tensor } from '../ir/index.js'
import type { Dataset } from './dataset.js'
import type { Example } from './example.js'
import { fromTensors } from './tensors.js'

/** `category` columns become class numbers in the order of their sorted values; `text` stays as it is. */
export type ColumnType = 'number' | 'integer' | 'category' | 'boolean' | 'text'

export interface CsvOptions {
  /** Between fields; default ','. A tab for TSV. */
  delimiter?: string
  /** Whether the first line names the columns; default true (else column1, column2 …). */
  header?: boolean
  /** Types of columns by name; the others are inferred from all rows. */
  types?: Readonly<Record<string, ColumnType>>
  /** Texts that mean a missing value; default '', NA, NaN, null, ?. */
  missing?: readonly string[]
  /** Missing values: an error (default), or NaN in numbers and −1 in categories, or rows left out. */
  onMissing?: 'error' | 'keep' | 'drop'
  /** Name of the file in errors. */
  where?: string
}

export interface Column {
  readonly name: string
  readonly type: ColumnType
  /** One value per row: numbers (categories as class numbers, booleans as 0 and 1), or texts. */
  readonly values: Float64Array | readonly string[]
  /** The categories by class number. */
  readonly categories?: readonly string[]
}

export interface CsvTable {
  readonly columns: readonly Column[]
  readonly rows: number
  column(name: string): Column
  /**
   * Features and label for training: x float32 [features], y int32 (category, boolean, integer) or float32 [1]. Texts are
   * left out of the features.
   */
  toDataset(options: { label: string; features?: readonly string[] }): Dataset<Example>
}

const MISSING = ['', 'NA', 'NaN', 'nan', 'null', '?']
const truths: Readonly<Record<string, number>> = { true: 1, false: 0, yes: 1, no: 0, True: 1, False: 0 }

/**
 * A table from CSV text with columns typed.
 * @throws DataError with file and line for rows of another length, quotes left open, or values that do not fit their type
 */
export async function parseCsv(text: string, options: CsvOptions = {}): Promise<CsvTable> {
  const { delimiter = ',', header = true, types = {}, missing = MISSING, onMissing = 'error', where = 'CSV' } = options
  const { parse, CsvError } = await import('csv-parse/sync')
  let records: { record: string[]; info: { lines: number } }[]
  try {
    // csv-parse types records without the info that `info: true` adds.
    records = parse(text, { delimiter, bom: true, skip_empty_lines: true, info: true }) as unknown as typeof records
  } catch (error) {
    if (!(error instanceof CsvError)) throw error
    throw new DataError({
      code: 'csv-syntax',
      where: `${where}, line ${(error as { lines?: number }).lines ?? '?'}`,
      expected: 'rows of equal length with closed quotes',
      received: error.message,
      cause: error,
    })
  }
  const names = header ? (records.shift()?.record ?? []) : (records[0]?.record.map((_, i) => `column${i + 1}`) ?? [])
  if (names.length === 0 || records.length === 0)
    throw new DataError({
      code: 'empty-dataset',
      where,
      expected: 'a header and at least one row',
      received: `${records.length} rows`,
    })
  const twice = names.find((name, i) => names.indexOf(name) !== i)
  if (twice !== undefined)
    throw new DataError({
      code: 'duplicate-column',
      where: `${where}, line 1`,
      expected: 'column names used once',
      received: twice,
    })
  for (const name of Object.keys(types))
    if (!names.includes(name))
      throw new DataError({ code: 'unknown-column', where, expected: names.join(', '), received: name })
  const isMissing = (value: string) => missing.includes(value.trim())
  const kept = onMissing === 'drop' ? records.filter(({ record }) => !record.some(isMissing)) : records
  if (kept.length === 0)
    throw new DataError({
      code: 'empty-dataset',
      where,
      expected: 'at least one row without missing values',
      received: 0,
    })
  const columns = names.map((name, c): Column => {
    const texts = kept.map(({ record }) => record[c]!.trim())
    const type = types[name] ?? inferType(texts.filter(value => !isMissing(value)))
    const bad = (row: number, expected: string): never => {
      throw new DataError({
        code: 'bad-value',
        where: `${where}, line ${kept[row]!.info.lines}, column ${name}`,
        expected,
        received: texts[row],
        hint: 'set types, missing or onMissing',
      })
    }
    if (type === 'text') return { name, type, values: texts }
    const categories = type === 'category' ? [...new Set(texts.filter(value => !isMissing(value)))].sort() : undefined
    const numbers = new Map(categories?.map((value, i) => [value, i]))
    const values = Float64Array.from(texts, (value, row) => {
      if (isMissing(value)) {
        if (onMissing === 'error') return bad(row, `a ${type} (onMissing is 'error')`)
        return type === 'category' ? -1 : Number.NaN
      }
      if (categories !== undefined) return numbers.get(value)!
      if (type === 'boolean')
        return truths[value] ?? (value === '1' ? 1 : value === '0' ? 0 : bad(row, 'true or false'))
      const number = Number(value)
      return Number.isFinite(number) && (type === 'number' || Number.isInteger(number)) ? number : bad(row, `a ${type}`)
    })
    return { name, type, values, ...(categories === undefined ? {} : { categories }) }
  })
  return table(columns, kept.length, where)
}

/** The same from a file. */
export async function readCsv(path: string, options: CsvOptions = {}): Promise<CsvTable> {
  const { readFile } = await import('node:fs/promises')
  return parseCsv(await readFile(path, 'utf8'), { where: path, ...options })
}

function inferType(values: readonly string[]): ColumnType {
  if (values.length > 0 && values.every(value => value in truths)) return 'boolean'
  if (values.length > 0 && values.every(value => value !== '' && Number.isFinite(Number(value))))
    return values.every(value => /^[+-]?\d+$/.test(value)) ? 'integer' : 'number'
  // Few different short values are categories; the rest is prose.
  const different = new Set(values).size
  return different <= Math.max(20, values.length * 0.05) && values.every(value => value.length <= 60)
    ? 'category'
    : 'text'
}

function table(columns: readonly Column[], rows: number, where: string): CsvTable {
  const column = (name: string): Column => {
    const found = columns.find(c => c.name === name)
    if (found === undefined)
      throw new DataError({
        code: 'unknown-column',
        where,
        expected: columns.map(c => c.name).join(', '),
        received: name,
      })
    return found
  }
  return {
    columns,
    rows,
    column,
    toDataset: ({ label, features }) => {
      const target = column(label)
      const inputs = (features?.map(column) ?? columns.filter(c => c.name !== label && c.type !== 'text')).map(c => {
        if (c.type === 'text')
          throw new DataError({
            code: 'text-feature',
            where,
            expected: 'numbers, integers, categories or booleans',
            received: c.name,
          })
        return c.values as Float64Array
      })
      if (target.type === 'text')
        throw new DataError({
          code: 'text-label',
          where,
          expected: 'a label of numbers or categories',
          received: label,
        })
      const data = new Float32Array(rows * inputs.length)
      inputs.forEach((values, c) => {
        for (let r = 0; r < rows; r++) data[r * inputs.length + c] = values[r]!
      })
      const values = target.values as Float64Array
      const y: Tensor =
        target.type === 'number'
          ? { dtype: 'float32', shape: [rows, 1], data: Float32Array.from(values) }
          : { dtype: 'int32', shape: [rows], data: Int32Array.from(values) }
      return fromTensors({ x: { dtype: 'float32', shape: [rows, inputs.length], data }, y })
    },
  }
}
