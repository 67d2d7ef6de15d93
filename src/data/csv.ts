import { DataError, nearest } from '../ir/index.js'
import { type ColumnType, columnBuilder, inferType, misfit, readValue } from './columns.js'
import { type CsvInput, type CsvRecord, type CsvSyntax, csvName, csvRecords } from './csv-records.js'
import { type Dataset, dataset } from './dataset.js'
import { countAt, streamOf, wholeNumber } from './source.js'
import { type Table, table } from './table.js'

export interface CsvOptions extends CsvSyntax {
  /** Types of columns by name; the others are inferred from the first rows. */
  types?: Readonly<Record<string, ColumnType>>
  /** Categories by column, in the order of their numbers; any other text is an error then. */
  categories?: Readonly<Record<string, readonly string[]>>
  /** How many rows to infer types from. Default 1000. */
  inferRows?: number
  /** Texts that mean a missing value, without blanks around. Default '', 'NA', 'N/A', 'NaN', 'nan', 'null', '?'. */
  missing?: readonly string[]
  /** Missing values: kept as such, their rows left out, or an error. Default 'keep'. */
  onMissing?: 'keep' | 'drop' | 'error'
}

/** A row by column names; null where a value is missing. */
export type CsvRow = Readonly<Record<string, number | string | boolean | null>>

/**
 * Reads a CSV file into typed columns. Needs memory for the values; `csvRows` does not.
 *
 * @throws FormatError with file and line for rows of another length, open quotes, a name that occurs twice, bytes that
 * are no text; DataError with file, line and column for values that do not fit their type, and for a file without rows.
 */
export async function readCsv(input: CsvInput, options: CsvOptions = {}): Promise<Table> {
  const { columns, rows } = await typedRows(input, options)
  const builders = columns.map(({ name, type, inferred, categories }) =>
    columnBuilder(name, type, inferred, categories),
  )
  const lines: number[] = []
  for await (const { texts, line } of rows) {
    for (const [i, text] of texts.entries()) if (!builders[i]!.add(text)) throw misfitAt(input, columns[i]!, text, line)
    lines.push(line)
  }
  if (lines.length === 0) throw noRows(input)
  return table(
    builders.map(builder => builder.finish()),
    csvName(input),
    lines,
  )
}

/** `readCsv` of text at hand. */
export const parseCsv = (text: string, options: CsvOptions = {}): Promise<Table> => readCsv({ text }, options)

/**
 * The rows of a CSV file as a dataset, read as they are asked for: memory stays flat however long the file. Values are
 * numbers, booleans or texts by the type of their column. Errors are those of `readCsv`. To continue in the middle, the
 * rows before are parsed again and dropped.
 */
export function csvRows(input: CsvInput, options: CsvOptions = {}): Dataset<CsvRow> {
  wholeNumber(options.inferRows ?? 1, 1, 'csvRows.inferRows')
  return dataset({
    length: undefined,
    batched: false,
    open: (_, position) =>
      streamOf(position, async function* (mark) {
        const skip = countAt(position, 'csvRows')
        const { columns, rows } = await typedRows(input, options)
        let count = 0
        try {
          for await (const { texts, line } of rows) {
            if (++count <= skip) continue
            const entries = columns.map((column, i) => {
              const text = texts[i]!
              const value = text === null ? null : readValue(text, column.type)
              // Whole numbers may be but the beginning of a column of numbers.
              const wider =
                value === undefined && column.inferred && column.type === 'integer' ? readValue(text!, 'number') : value
              if (wider === undefined || (value !== null && column.categories?.includes(String(value)) === false))
                throw misfitAt(input, column, text, line)
              return [column.name, wider] as const
            })
            mark(count)
            yield Object.fromEntries(entries)
          }
        } finally {
          await rows.return()
        }
        if (count === 0) throw noRows(input)
      }),
  })
}

interface TypedColumn {
  readonly name: string
  readonly type: ColumnType
  readonly inferred: boolean
  readonly categories: readonly string[] | undefined
}
interface TypedRow {
  /** null where a value is missing. */
  readonly texts: readonly (string | null)[]
  readonly line: number
}

async function typedRows(
  input: CsvInput,
  {
    types = {},
    categories = {},
    inferRows = 1000,
    missing = ['', 'NA', 'N/A', 'NaN', 'nan', 'null', '?'],
    onMissing = 'keep',
    ...syntax
  }: CsvOptions,
): Promise<{ columns: readonly TypedColumn[]; rows: AsyncGenerator<TypedRow, void, undefined> }> {
  wholeNumber(inferRows, 1, 'csv.inferRows')
  const absent = new Set(missing)
  const typed = ({ fields, line }: CsvRecord): TypedRow => ({
    texts: fields.map(text => (absent.has(text.trim()) ? null : text)),
    line,
  })
  const records = csvRecords(input, syntax)
  const header = await records.next()
  if (header.done) throw noRows(input)
  const names = header.value.fields
  const stranger = [...Object.keys(types), ...Object.keys(categories)].find(name => !names.includes(name))
  if (stranger !== undefined) {
    await records.return()
    throw unknownColumn(csvName(input), stranger, names)
  }
  const sample: TypedRow[] = []
  while (sample.length < inferRows) {
    const record = await records.next()
    if (record.done) break
    sample.push(typed(record.value))
  }
  const columns = names.map((name, i): TypedColumn => {
    const known = categories[name] === undefined ? types[name] : 'category'
    const seen = sample.flatMap(({ texts }) => (texts[i] === null ? [] : texts[i]!.trim()))
    return { name, type: known ?? inferType(seen), inferred: known === undefined, categories: categories[name] }
  })
  async function* rows(): AsyncGenerator<TypedRow, void, undefined> {
    try {
      for (const row of sample.splice(0)) if (wanted(row)) yield row
      for await (const record of records) {
        const row = typed(record)
        if (wanted(row)) yield row
      }
    } finally {
      await records.return()
    }
  }
  const wanted = ({ texts, line }: TypedRow): boolean => {
    const hole = onMissing === 'keep' ? -1 : texts.indexOf(null)
    if (hole >= 0 && onMissing === 'error') throw misfitAt(input, columns[hole]!, null, line)
    return hole < 0
  }
  return { columns, rows: rows() }
}

const misfitAt = (input: CsvInput, { name, type, categories }: TypedColumn, text: string | null, line: number) =>
  misfit(`${csvName(input)}, line ${line}`, name, type, text, categories)

const noRows = (input: CsvInput) =>
  new DataError({ code: 'empty-dataset', where: csvName(input), expected: 'at least one row', received: 'none' })

const unknownColumn = (where: string, name: string, names: readonly string[]) =>
  new DataError({
    code: 'unknown-column',
    where,
    expected: names.join(', '),
    received: name,
    hint: `did you mean ${nearest(name, names, 1)[0]}?`,
  })
