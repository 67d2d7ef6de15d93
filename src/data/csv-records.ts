import { DataError, FormatError } from '../ir/index.js'
import { type FileInput, nameOf, piecesOf } from './files.js'

/** Text at hand instead of a file. */
export interface CsvText {
  readonly text: string
  /** What to call it in errors. Default 'CSV'. */
  readonly name?: string
}
export type CsvInput = FileInput | CsvText

export interface CsvSyntax {
  /** Between fields. Default ','; '\t' for TSV. */
  delimiter?: string
  /** Around fields that hold delimiters or line breaks; doubled inside. Default '"', null for none. */
  quote?: string | null
  /** Whether the first row names the columns, or their names. Default true; false names them column1, column2 … */
  header?: boolean | readonly string[]
  /** Any label that TextDecoder knows. Default 'utf-8'. */
  encoding?: string
}

/** One row as texts, and the line on which it ends, counted from 1. */
export interface CsvRecord {
  readonly fields: readonly string[]
  readonly line: number
}

/** A row longer than this is the work of a quote that was never closed. */
const longestRecord = 2 ** 24

const isText = (input: CsvInput): input is CsvText =>
  typeof input === 'object' && 'text' in input && typeof input.text === 'string'
export const csvName = (input: CsvInput): string => (isText(input) ? (input.name ?? 'CSV') : nameOf(input))

/**
 * The rows of a CSV file as they are read, all of one length; first of all the column names, as a row of line 0 where
 * the file does not hold them.
 */
export async function* csvRecords(
  input: CsvInput,
  { delimiter = ',', quote = '"', header = true, encoding = 'utf-8' }: CsvSyntax = {},
): AsyncGenerator<CsvRecord, void, undefined> {
  const where = csvName(input)
  let names: readonly string[] | undefined = typeof header === 'boolean' ? undefined : header
  if (names !== undefined) yield { fields: columnNames(names, where, 0), line: 0 }
  for await (const record of parsed(input, where, { delimiter, quote, encoding })) {
    if (names === undefined) {
      names = header === false ? record.fields.map(() => '') : record.fields
      yield { fields: columnNames(names, where, record.line), line: header === false ? 0 : record.line }
      if (header !== false) continue
    }
    if (record.fields.length !== names.length)
      throw new FormatError({
        code: 'csv-row-length',
        where: `${where}, line ${record.line}`,
        expected: `${names.length} fields`,
        received: record.fields.length,
        hint: 'quote fields that hold the delimiter; the delimiter option sets another one',
      })
    yield record
  }
}

function columnNames(names: readonly string[], where: string, line: number): string[] {
  const named = names.map((name, i) => name.trim() || `column${i + 1}`)
  const twice = named.find((name, i) => named.indexOf(name) !== i)
  if (twice !== undefined)
    throw new FormatError({
      code: 'csv-duplicate-column',
      where: `${where}, line ${line}`,
      expected: 'every column name once',
      received: twice,
      hint: 'pass header: [names] to name the columns yourself',
    })
  return named
}

async function* parsed(
  input: CsvInput,
  where: string,
  { delimiter, quote, encoding }: { delimiter: string; quote: string | null; encoding: string },
): AsyncGenerator<CsvRecord, void, undefined> {
  // This build runs in Node and in browsers alike.
  const { parse } = await import('csv-parse/browser/esm')
  const ready: CsvRecord[] = []
  const parser = parse({
    delimiter,
    quote: quote ?? false,
    info: true,
    relax_column_count: true,
    skip_empty_lines: true,
    max_record_size: longestRecord,
  })
  parser.on('data', ({ record, info }: { record: string[]; info: { lines: number } }) => {
    ready.push({ fields: record, line: info.lines })
  })
  // Every failure also reaches the callback of the write that caused it.
  parser.on('error', () => {})
  const done = (act: (settle: (error?: Error | null) => void) => void) =>
    new Promise<void>((resolve, reject) => act(error => (error ? reject(syntaxError(error, where)) : resolve())))
  let written = false
  for await (const text of texts(input, where, encoding)) {
    written ||= text !== ''
    await done(settle => parser.write(text, settle))
    yield* ready.splice(0)
  }
  // Ended without a byte written, this build of the parser fails on a method that it lacks.
  if (!written) return
  await done(settle => {
    parser.on('error', settle)
    parser.on('end', () => settle())
    parser.end()
  })
  yield* ready
}

async function* texts(input: CsvInput, where: string, encoding: string): AsyncGenerator<string, void, undefined> {
  if (isText(input)) {
    // In pieces, as from a file, so that rows do not pile up.
    for (let at = 0; at < input.text.length; at += 65_536) yield input.text.slice(at, at + 65_536)
    return
  }
  const decoder = decoderOf(encoding)
  const decode = (bytes?: Uint8Array): string => {
    try {
      return bytes === undefined ? decoder.decode() : decoder.decode(bytes, { stream: true })
    } catch (cause) {
      throw new FormatError({
        code: 'csv-encoding',
        where,
        expected: `text in ${encoding}`,
        received: 'bytes that are not',
        hint: "try encoding: 'windows-1252'",
        cause,
      })
    }
  }
  for await (const piece of piecesOf(input)) yield decode(piece)
  yield decode()
}

function decoderOf(encoding: string): TextDecoder {
  try {
    return new TextDecoder(encoding, { fatal: true })
  } catch (cause) {
    throw new DataError({
      code: 'csv-encoding',
      where: 'encoding',
      expected: 'a label that TextDecoder knows',
      received: encoding,
      cause,
    })
  }
}

function syntaxError(error: Error, where: string): FormatError {
  const line = 'lines' in error ? error.lines : '?'
  const tooLong = 'code' in error && error.code === 'CSV_MAX_RECORD_SIZE'
  return new FormatError({
    code: 'csv-syntax',
    where: `${where}, line ${line}`,
    expected: 'fields in quotes that open at their beginning and close at their end',
    received: tooLong ? `a row of more than ${longestRecord} characters` : error.message,
    hint: 'double a quote inside a quoted field; quote: null takes quotes as text',
    cause: error,
  })
}
