import type { LogPosition } from './log.js'
import { type EventWriter, eventWriter } from './writer.js'

/** A writer for each subfolder of a run, made when it is first written to. */
export function writersIn(logDir: string) {
  const writers = new Map<string, EventWriter>()
  let resumed: Readonly<Record<string, LogPosition>> = {}
  const flush = async (): Promise<void> => {
    for (const writer of writers.values()) await writer.flush()
  }
  return {
    to: (folder: '' | 'train' | 'validation'): EventWriter => {
      const known = writers.get(folder)
      if (known !== undefined) return known
      const writer = eventWriter(folder === '' ? logDir : `${logDir}/${folder}`, { resume: resumed[folder] })
      writers.set(folder, writer)
      return writer
    },
    flush,
    close: async (): Promise<void> => {
      const open = [...writers.values()]
      writers.clear()
      resumed = {}
      for (const writer of open) await writer.close()
    },
    /** How far each file is written. */
    positions: async (): Promise<Record<string, LogPosition>> => {
      await flush()
      const own = [...writers].map(([folder, writer]) => [folder, writer.position()!] as const)
      return { ...resumed, ...Object.fromEntries(own) }
    },
    /** What was written after these positions is taken back. */
    resume: (positions: Readonly<Record<string, LogPosition>>): void => {
      resumed = positions
    },
  }
}
