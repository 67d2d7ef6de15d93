import type { FrozenTrial } from './frozen-trial.js'
import type { Storage, TrialTemplate } from './storage/storage.js'

export interface HeartbeatOptions {
  /** Seconds between signs of life of a running trial. Default 60. */
  readonly interval: number
  /** Seconds of silence after which a trial is taken for dead. Default twice the interval. */
  readonly grace: number
  /** How often a trial whose worker died is tried again; default 0. */
  readonly retry: number
}

/**
 * Ends trials whose workers are silent as FAIL, and puts each in line again as often as allowed. Of several workers that
 * see a trial, one does so; if it dies in the middle, nothing was done.
 */
export async function failStale(storage: Storage, studyId: number, { grace, retry }: HeartbeatOptions): Promise<void> {
  for (const trialId of await storage.staleTrials(studyId, grace)) await giveUp(storage, trialId, retry)
}

/** Ends a running trial as FAIL, and puts it in line again as often as allowed. */
export async function giveUp(storage: Storage, trialId: number, retry: number): Promise<void> {
  await storage.failTrial(trialId, retryOf(await storage.trial(trialId), retry))
}

/** A trial in line again, with Optuna's notes on what it repeats; null where it has been tried often enough. */
function retryOf(trial: FrozenTrial, retry: number): TrialTemplate | null {
  const before = trial.systemAttrs.retry_history
  const history = [...(Array.isArray(before) ? before : []), trial.number]
  if (history.length > retry) return null
  const { id: _, number: __, ...rest } = trial
  return {
    ...rest,
    state: 'WAITING',
    values: null,
    start: null,
    complete: null,
    intermediateValues: new Map(),
    systemAttrs: {
      ...trial.systemAttrs,
      failed_trial: trial.systemAttrs.failed_trial ?? trial.number,
      retry_history: history,
    },
  }
}
