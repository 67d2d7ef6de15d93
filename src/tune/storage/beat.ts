import type { Storage } from './storage.js'

/** A trial that is to be kept alive. */
export interface Beat {
  readonly trial: number
  /** Seconds between signs of life. */
  readonly interval: number
  /** When the first one came, with the trial's beginning; milliseconds since 1970. */
  readonly since: number
}

/** Keeps trials alive. */
export interface Beats {
  /** Says again and again that a trial is alive, until the function it returns is called. */
  keep(beat: Beat): () => void
}

/** What a thread that beats is told. */
export type ThreadMessage =
  | { readonly kind: 'keep'; readonly beat: Beat }
  | { readonly kind: 'rest'; readonly trial: number }
  | { readonly kind: 'close' }

/** Beats that come from this thread, whenever it has a turn for them. */
export const beatsHere = (storage: Pick<Storage, 'beat'>): Beats => ({
  keep: ({ trial, interval, since }) => {
    let under = false
    const beat = async () => {
      if (under) return
      under = true
      // A beat that is lost is made good by the next one; the trial's own writes tell of a storage that is gone.
      await storage.beat(trial).catch(() => {})
      under = false
    }
    const ms = interval * 1000
    let timer: ReturnType<typeof setInterval>
    const begin = () => {
      void beat()
      timer = setInterval(beat, ms)
      timer.unref?.()
    }
    const first = setTimeout(begin, Math.max(0, since + ms - Date.now()))
    first.unref?.()
    return () => {
      clearTimeout(first)
      clearInterval(timer)
    }
  },
})
