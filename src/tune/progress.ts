import { isFeasible } from './constraints.js'
import type { Direction, FrozenTrial, TrialState } from './frozen-trial.js'
import { isFinished } from './frozen-trial.js'
import { isRepeat } from './optimize.js'
import { paretoFront, sign } from './pareto.js'
import type { Snapshot } from './storage/storage.js'
import { totalOf } from './total.js'

/** How far a study has come, as a record. */
export interface TuneProgress {
  readonly name: string
  readonly directions: readonly Direction[]
  /** How many trials there are to be; null where nobody said. */
  readonly total: number | null
  /** Trials that have ended for good: those that were tried again are not among them. */
  readonly done: number
  readonly states: Readonly<Record<TrialState, number>>
  /** Trials put in line again. */
  readonly repeats: number
  /** The best trial; null before there is one, or with several objectives. */
  readonly best: FrozenTrial | null
  /** The Pareto front, with several objectives. */
  readonly front: readonly FrozenTrial[]
  /** The best value after each complete trial, in the order of their ends. */
  readonly bestSoFar: readonly number[]
  /** Trials that ended in a second, of late; null before there is anything to tell from. */
  readonly perSecond: number | null
  readonly secondsLeft: number | null
}

/** Seconds over which the speed is taken. */
const WINDOW = 30

/**
 * @param since when this run began: trials that ended earlier say nothing of its speed
 * @param now, deadline milliseconds of the same clock as the trials' dates
 */
export function progressOf(
  { study, trials }: Snapshot,
  { since, now = Date.now(), deadline = null }: { since: number; now?: number; deadline?: number | null },
): TuneProgress {
  const states = { RUNNING: 0, WAITING: 0, COMPLETE: 0, PRUNED: 0, FAIL: 0 }
  for (const trial of trials) states[trial.state]++
  const repeats = trials.filter(isRepeat).length
  const ended = states.COMPLETE + states.PRUNED + states.FAIL
  const total = totalOf(study)
  const single = study.directions.length === 1
  const complete = trials
    .filter(trial => trial.state === 'COMPLETE' && trial.values !== null && isFeasible(trial))
    .sort((a, b) => (a.complete?.getTime() ?? 0) - (b.complete?.getTime() ?? 0) || a.number - b.number)
  const better = sign(study.directions[0]!)
  let best: FrozenTrial | null = null
  const bestSoFar: number[] = []
  if (single)
    for (const trial of complete) {
      if (best === null || better * trial.values![0]! < better * best.values![0]!) best = trial
      bestSoFar.push(best.values![0]!)
    }
  const lately = trials.filter(
    trial => isFinished(trial.state) && (trial.complete?.getTime() ?? 0) >= Math.max(since, now - WINDOW * 1000),
  )
  // Not from when the workers were still being started.
  const first = Math.min(...lately.map(trial => trial.start?.getTime() ?? Infinity))
  const from = Math.max(since, now - WINDOW * 1000, first)
  const perSecond = lately.length === 0 || now <= from ? null : lately.length / ((now - from) / 1000)
  const done = Math.max(0, ended - repeats)
  const byCount = total === null || perSecond === null ? null : Math.max(0, total - done) / perSecond
  const byTime = deadline === null ? null : Math.max(0, deadline - now) / 1000
  return {
    name: study.name,
    directions: study.directions,
    total,
    done,
    states,
    repeats,
    best,
    front: single ? [] : paretoFront(complete, study.directions),
    bestSoFar,
    perSecond,
    secondsLeft: byCount === null ? byTime : byTime === null ? byCount : Math.min(byCount, byTime),
  }
}
