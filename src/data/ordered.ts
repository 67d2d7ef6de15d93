import type { Position } from './source.js'

/** One element to be made, and the position after it. */
export interface Job<T> {
  run(): T | Promise<T>
  readonly position: Position
}

export interface Jobs<T> {
  /** The next job, or undefined at the end. Calls never overlap. */
  pull(): Job<T> | undefined | Promise<Job<T> | undefined>
  readonly concurrency: number
  close?(): Promise<void>
}

/** Makes elements with up to `concurrency` jobs at once and yields them in the order in which they were pulled. */
export async function* ordered<T>(
  open: () => Jobs<T> | Promise<Jobs<T>>,
  mark: (position: Position) => void,
): AsyncGenerator<T, void, undefined> {
  const jobs = await open()
  const running: { value: Promise<T>; position: Position }[] = []
  let ended = false
  try {
    for (;;) {
      while (!ended && running.length < jobs.concurrency) {
        const job = await jobs.pull()
        if (job === undefined) ended = true
        else running.push({ value: start(job), position: job.position })
      }
      const first = running.shift()
      if (first === undefined) return
      const value = await first.value
      mark(first.position)
      yield value
    }
  } finally {
    await Promise.allSettled(running.map(job => job.value))
    await jobs.close?.()
  }
}

function start<T>(job: Job<T>): Promise<T> {
  const value = (async () => job.run())()
  // A failure is reported when its turn comes, not as an unhandled rejection before that.
  value.catch(() => {})
  return value
}
