import { z } from 'zod'
import { parseOptions } from '../../nn/plugin.js'
import type { Callback } from '../callback.js'
import { logFile } from './log-file.js'

export interface CSVLoggerOptions {
  /** Between the columns; default `,`. */
  separator?: string
  /** Add to a file that exists instead of beginning it anew; default false. */
  append?: boolean
}

const schema = z.strictObject({
  filename: z.string().min(1),
  separator: z.string().length(1).optional(),
  append: z.boolean().optional(),
})

/**
 * Writes each epoch as a line of a CSV file, at once: `epoch` (from 0), then the logs by name. Keras's CSVLogger: the
 * columns are those of the first epoch, with `val_` ones added where it had none; what is missing is `NA`. Lines end
 * with a line feed. A resumed run takes back what was written after its checkpoint.
 * @throws ConfigError for bad options, all at once; DataError where the file cannot be written
 */
export function csvLogger(filename: string, options: CSVLoggerOptions = {}): Callback {
  parseOptions(schema, { filename, ...options }, 'callbacks.csvLogger')
  const { separator = ',', append = false } = options ?? {}
  const file = logFile(filename, append)
  let columns: string[] | null = null
  const cell = (text: string): string =>
    text.includes(separator) || /["\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
  const line = (cells: readonly string[]): string => `${cells.map(cell).join(separator)}\n`
  return {
    name: 'csvLogger',
    onTrainBegin: () => {
      columns = null
      return file.begin()
    },
    onEpochEnd: async (epoch, logs) => {
      if (columns === null) {
        const names = Object.keys(logs).sort()
        columns = names.some(name => name.startsWith('val_')) ? names : [...names, ...names.map(name => `val_${name}`)]
      }
      const values = columns.map(name => (Object.hasOwn(logs, name) ? String(logs[name]) : 'NA'))
      await file.add(line([String(epoch), ...values]), line(['epoch', ...columns]))
    },
    state: () => ({ data: { columns, length: file.length() } }),
    restore: ({ data }) => {
      const before = data as { columns: string[] | null; length: number } // written by `state` above
      columns = before.columns
      file.resume(before.length)
    },
  }
}
