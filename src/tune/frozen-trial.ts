import type { Distribution, ParamValue } from './distribution.js'
import type { Json } from './json.js'

/** Optuna's states: WAITING → RUNNING → COMPLETE, PRUNED or FAIL. */
export type TrialState = 'RUNNING' | 'COMPLETE' | 'PRUNED' | 'FAIL' | 'WAITING'

export type Direction = 'minimize' | 'maximize'

/** A trial as it stands in the storage: a record, never changed in place. */
export interface FrozenTrial {
  /** Unique in the storage. */
  readonly id: number
  /** 0, 1, … within the study, without gaps. */
  readonly number: number
  readonly state: TrialState
  /** One value for each objective; null until there are some. */
  readonly values: readonly number[] | null
  /** Parameters as the objective sees them, in the order in which they were asked for. */
  readonly params: Readonly<Record<string, ParamValue>>
  /** The same as internal numbers: a choice is its index. */
  readonly internalParams: Readonly<Record<string, number>>
  readonly distributions: Readonly<Record<string, Distribution>>
  /** What was reported, by step. */
  readonly intermediateValues: ReadonlyMap<number, number>
  readonly userAttrs: Readonly<Record<string, Json>>
  readonly systemAttrs: Readonly<Record<string, Json>>
  readonly start: Date | null
  readonly complete: Date | null
}

export const isFinished = (state: TrialState): boolean => state === 'COMPLETE' || state === 'PRUNED' || state === 'FAIL'

/** The step reported last; null where nothing was reported. */
export const lastStep = (trial: Pick<FrozenTrial, 'intermediateValues'>): number | null =>
  trial.intermediateValues.size === 0 ? null : Math.max(...trial.intermediateValues.keys())

/** Milliseconds from start to completion; null where the trial has not both. */
export const durationOf = (trial: FrozenTrial): number | null =>
  trial.start === null || trial.complete === null ? null : trial.complete.getTime() - trial.start.getTime()
