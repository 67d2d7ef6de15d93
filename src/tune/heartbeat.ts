import { isAnnealError } from '../ir/index.js'
import type { FrozenTrial } from './frozen-trial.js'
import type { Storage } from './storage/storage.js'

export interface HeartbeatOptions {
  /** Seconds between signs of life of a running trial. Default 60. */
  readonly interval: number
  /** Seconds of silence after which a trial is taken for dead. Default twice the interval. */
  readonly grace: number
  /** How often a trial whose worker died is tried again; default 0. */
  readonly retry: number
}

/** Keeps saying that a trial is alive until the function it returns is called. */
export async function keepBeating(storage: Storage, trialId: number, interval: number): Promise<() => void> {
  await storage.beat(trialId)
  // A beat that is lost is made good by the next one; the trial's own writes tell of a storage that is gone.
  const timer = setInterval(() => void storage.beat(trialId).catch(() => {}), interval * 1000)
  timer.unref?.()
  return () => clearInterval(timer)
}

/** Ends trials whose workers are silent as FAIL, and puts each in line again as often as allowed. */
export async function failStale(storage: Storage, studyId: number, { grace, retry }: HeartbeatOptions): Promise<void> {
  for (const trialId of await storage.staleTrials(studyId, grace)) {
    // Of several workers that see it, the one whose change of state counts tries it again.
    const mine = await storage.setTrialState(trialId, 'FAIL').catch((error: unknown) => {
      if (isAnnealError(error) && error.code === 'finished-trial') return false
      throw error
    })
    if (mine) await retryTrial(storage, studyId, await storage.trial(trialId), retry)
  }
}

/** Puts a failed trial in line again, with Optuna's notes on what it repeats. */
async function retryTrial(storage: Storage, studyId: number, trial: FrozenTrial, retry: number): Promise<void> {
  const before = trial.systemAttrs.retry_history
  const history = [...(Array.isArray(before) ? before : []), trial.number]
  if (history.length > retry) return
  await storage.createTrial(studyId, {
    ...trial,
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
  })
}
