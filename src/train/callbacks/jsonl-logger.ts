import { z } from 'zod'
import { parseOptions } from '../../nn/plugin.js'
import type { Callback } from '../callback.js'
import { logFile } from './log-file.js'

export interface JsonlLoggerOptions {
  /** Add to a file that exists instead of beginning it anew; default false. */
  append?: boolean
}

const schema = z.strictObject({ filename: z.string().min(1), append: z.boolean().optional() })

/**
 * Writes each epoch as a line of JSON, at once: `{"epoch":0,"loss":…}`, a run's `history.jsonl`. Numbers that are not
 * finite are written as text ("NaN"). A resumed run takes back what was written after its checkpoint.
 * @throws ConfigError for bad options, all at once; DataError where the file cannot be written
 */
export function jsonlLogger(filename = 'history.jsonl', options: JsonlLoggerOptions = {}): Callback {
  parseOptions(schema, { filename, ...options }, 'callbacks.jsonlLogger')
  const file = logFile(filename, options?.append ?? false)
  return {
    name: 'jsonlLogger',
    onTrainBegin: () => file.begin(),
    onEpochEnd: (epoch, logs) => {
      const entries = Object.entries({ epoch, ...logs })
      const finite = entries.map(([name, value]) => [name, Number.isFinite(value) ? value : String(value)])
      return file.add(`${JSON.stringify(Object.fromEntries(finite))}\n`)
    },
    state: () => ({ data: { length: file.length() } }),
    restore: ({ data }) => file.resume((data as { length: number }).length), // written by `state` above
  }
}
