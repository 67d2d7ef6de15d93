import type { Logs } from './accumulate.js'
import type { TrainEvent } from './events.js'

/** What `fit` returns. */
export interface History {
  /** For each quantity its value at each epoch: `history.val_loss[3]`. */
  readonly history: Readonly<Record<string, readonly number[]>>
  /** The epochs' numbers, from 0. */
  readonly epoch: readonly number[]
  readonly reason: 'completed' | 'stopped' | 'aborted'
}

export interface HistoryCollector {
  consume(event: TrainEvent): void
  result(): History
  /** Goes on after epochs that an earlier run recorded. */
  resume(before: Pick<History, 'history' | 'epoch'>): void
}

/** Collects the epochs of a stream of events. */
export function collectHistory(): HistoryCollector {
  let history: Record<string, number[]> = {}
  let epoch: number[] = []
  let reason: History['reason'] = 'completed'
  const record = (logs: Logs) => {
    for (const [name, value] of Object.entries(logs)) {
      history[name] ??= []
      history[name].push(value)
    }
  }
  return {
    consume: event => {
      if (event.type === 'epochEnd') {
        epoch.push(event.epoch)
        record(event.logs)
      } else if (event.type === 'trainEnd') reason = event.reason
    },
    result: () => ({ history, epoch, reason }),
    resume: before => {
      history = Object.fromEntries(Object.entries(before.history).map(([name, values]) => [name, [...values]]))
      epoch = [...before.epoch]
    },
  }
}
