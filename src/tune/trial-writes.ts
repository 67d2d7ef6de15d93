import type { Storage, TrialWrite } from './storage/storage.js'

/** What a trial writes, on its way to the storage. */
export interface TrialWrites {
  write(write: TrialWrite): void
  /** When everything so far is in the storage. @throws what the first write that failed threw */
  flushed(): Promise<void>
  /** When everything so far is on its way: what is not, for the caller to write. @throws as flushed */
  take(): Promise<readonly TrialWrite[]>
}

/** Gathers writes, so that those of one turn of the event loop are one transaction; they are done in order. */
export function trialWrites(storage: Storage, trialId: number): TrialWrites {
  let pending: TrialWrite[] = []
  let line: Promise<void> = Promise.resolve()
  let timer: ReturnType<typeof setTimeout> | undefined
  const taken = (): readonly TrialWrite[] => {
    clearTimeout(timer)
    timer = undefined
    const writes = pending
    pending = []
    return writes
  }
  const flushed = (): Promise<void> => {
    const writes = taken()
    if (writes.length > 0) {
      line = line.then(() => storage.writeTrial(trialId, writes))
      line.catch(() => {}) // told to whoever waits
    }
    return line
  }
  return {
    write: write => {
      pending.push(write)
      timer ??= setTimeout(flushed, 0)
    },
    flushed,
    take: async () => {
      await line
      return taken()
    },
  }
}
