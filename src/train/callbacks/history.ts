import type { Callback } from '../callback.js'

export interface HistoryCallback extends Callback {
  /** For each quantity its value at each epoch. */
  readonly history: Readonly<Record<string, readonly number[]>>
  /** The epochs' numbers, from 0. */
  readonly epoch: readonly number[]
}

/**
 * Records every epoch's logs, as `fit`'s result does, but to be read while training runs. Put it last to see what other
 * callbacks add to the logs. Keras's History.
 */
export function history(): HistoryCallback {
  let now: { history: Record<string, number[]>; epoch: number[] } = { history: {}, epoch: [] }
  return {
    name: 'history',
    get history() {
      return now.history
    },
    get epoch() {
      return now.epoch
    },
    onTrainBegin: () => {
      now = { history: {}, epoch: [] }
    },
    onEpochEnd: (epoch, logs) => {
      now.epoch.push(epoch)
      for (const [name, value] of Object.entries(logs)) {
        now.history[name] ??= []
        now.history[name].push(value)
      }
    },
    state: () => ({ data: now }),
    restore: ({ data }) => {
      now = data as typeof now // written by `state` above
    },
  }
}
