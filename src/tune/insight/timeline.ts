import type { TimelineChart } from '../../report/index.js'
import type { TrialState } from '../frozen-trial.js'
import type { StudyView } from '../samplers/sampler.js'
import { stateNames } from './view.js'

/** When trials ran, in lanes: trials of one lane follow each other, so that lanes are as many as ran at a time. */
export interface Timeline {
  readonly start: Date | null
  readonly lanes: number
  readonly trials: readonly {
    readonly number: number
    readonly state: TrialState
    readonly lane: number
    /** Seconds since the start of the first trial. */
    readonly from: number
    readonly to: number
  }[]
  readonly missing: string | null
}

/** @param now until when running trials have run; default the last sign of any trial */
export function timeline(view: StudyView, now?: Date): Timeline {
  const begun = view.trials.flatMap(trial => (trial.start === null ? [] : [{ trial, start: trial.start.getTime() }]))
  begun.sort((a, b) => a.start - b.start || a.trial.number - b.trial.number)
  const first = begun[0]?.start ?? 0
  const last = Math.max(
    now?.getTime() ?? 0,
    ...begun.flatMap(({ trial, start }) => [start, trial.complete?.getTime() ?? 0]),
  )
  const free: number[] = []
  const trials = begun.map(({ trial, start }) => {
    const end = Math.max(trial.complete?.getTime() ?? last, start)
    const vacant = free.findIndex(until => until <= start)
    const lane = vacant < 0 ? free.length : vacant
    free[lane] = end
    return { number: trial.number, state: trial.state, lane, from: (start - first) / 1000, to: (end - first) / 1000 }
  })
  return {
    start: begun.length === 0 ? null : new Date(first),
    lanes: free.length,
    trials,
    missing: begun.length === 0 ? 'No trial has begun.' : null,
  }
}

const states = [
  { state: 'COMPLETE', group: 0 },
  { state: 'PRUNED', group: 1 },
  { state: 'FAIL', group: 3 },
  { state: 'RUNNING', group: 2 },
  { state: 'WAITING', group: 7 },
] as const
const MOST = 1000

export function timelineChart({ lanes, trials }: Timeline): TimelineChart {
  const seconds = Math.max(...trials.map(trial => trial.to), 0)
  const [unit, size] =
    seconds < 1
      ? (['ms', 1e-3] as const)
      : seconds < 600
        ? (['s', 1] as const)
        : seconds < 36000
          ? (['min', 60] as const)
          : (['h', 3600] as const)
  const shown = trials.slice(-MOST)
  return {
    kind: 'timeline',
    title: 'When trials ran',
    xLabel: `since the first trial began (${unit})`,
    rowLabel: lanes === 1 ? 'one trial at a time' : `up to ${lanes} trials at the same time`,
    rows: lanes,
    bars: shown.map(({ number, state, lane, from, to }) => ({
      label: `trial ${number}`,
      row: lane,
      from: from / size,
      to: to / size,
      kind: states.findIndex(entry => entry.state === state),
    })),
    kinds: states.map(({ state, group }) => ({ name: stateNames[state], group })),
    ...(trials.length > MOST ? { note: `The last ${MOST} of ${trials.length} trials.` } : {}),
  }
}
