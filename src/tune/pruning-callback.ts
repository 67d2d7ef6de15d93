import type { Callback } from '../train/callback.js'
import { type Mode, type Monitor, watch } from '../train/callbacks/monitor.js'
import { type Trial, TrialPruned } from './trial.js'

export interface PruningCallbackOptions {
  /** What to report after each epoch: a name in the logs and so on, as for early stopping; one for each objective. Default `val_loss`. */
  monitor?: Monitor | readonly Monitor[]
}

/** What the logs of an epoch say of each monitor. */
export type Readings = (logs: Readonly<Record<string, number>>) => number[]

/** @throws ConfigError when asked about logs that have not what is monitored, listing what they have */
export function readings(monitors: readonly Monitor[], where: string, mode: Mode = 'auto'): Readings {
  const watched = monitors.map(monitor => watch(monitor, mode, 0, where))
  return logs => watched.map(at => at.value({ ...logs }))
}

/**
 * Reports to a trial after each epoch, and ends training where the pruner says so; once training has ended, `fit` throws
 * TrialPruned, which an objective lets through. Give it last among the callbacks, so that the others end first.
 * Steps are epochs from 0, and go on where `fit` is called again with `initialEpoch`.
 */
export function pruningCallback(trial: Trial, { monitor = 'val_loss' }: PruningCallbackOptions = {}): Callback {
  const monitors = Array.isArray(monitor) ? (monitor as readonly Monitor[]) : [monitor as Monitor]
  return reporting(trial, readings(monitors, 'pruningCallback.monitor'), (epoch, values) => ({ step: epoch, values }))
}

/** The same, where what is reported is made of epoch and values. */
export function reporting(
  trial: Trial,
  read: Readings,
  report: (epoch: number, values: readonly number[]) => { readonly step: number; readonly values: readonly number[] },
): Callback {
  let prunedAt: number | null = null
  return {
    name: 'pruning',
    onTrainBegin: () => {
      prunedAt = null
    },
    onEpochEnd: async (epoch, logs, model) => {
      const { step, values } = report(epoch, read(logs))
      await trial.report(values.length === 1 ? values[0]! : values, step)
      if (!(await trial.shouldPrune())) return
      prunedAt = step
      model.stopTraining = true
    },
    onTrainEnd: () => {
      if (prunedAt !== null) throw new TrialPruned(`pruned at step ${prunedAt}`)
    },
  }
}
