import type { Distribution } from '../distribution.js'
import type { Direction, FrozenTrial, TrialState } from '../frozen-trial.js'
import type { Json } from '../json.js'

export interface StudyRecord {
  readonly id: number
  readonly name: string
  readonly directions: readonly Direction[]
  readonly userAttrs: Readonly<Record<string, Json>>
  readonly systemAttrs: Readonly<Record<string, Json>>
}

/** What a trial may begin with: a queued one, or a finished one brought from elsewhere. */
export type TrialTemplate = Omit<FrozenTrial, 'id' | 'number'>

/**
 * Where studies live; Optuna's storage. Every call is one transaction: several processes may use one storage at a time.
 * Finished trials never change and are never deleted.
 */
export interface Storage {
  /** How it was opened, without a password: for messages, and for workers to open the same. */
  readonly url: string
  /** @throws ConfigError `duplicate-study` where the name is taken */
  createStudy(name: string, directions: readonly Direction[]): Promise<number>
  deleteStudy(studyId: number): Promise<void>
  /** The id of a study; null where there is none of that name. */
  findStudy(name: string): Promise<number | null>
  /** @throws ConfigError `unknown-study` */
  study(studyId: number): Promise<StudyRecord>
  studies(): Promise<readonly StudyRecord[]>
  setStudyUserAttr(studyId: number, key: string, value: Json): Promise<void>
  setStudySystemAttr(studyId: number, key: string, value: Json): Promise<void>

  /** A new trial, RUNNING unless the template says otherwise. Its number is the next of the study. */
  createTrial(studyId: number, template?: TrialTemplate): Promise<{ readonly id: number; readonly number: number }>
  /** The trial. @throws ConfigError `unknown-trial` */
  trial(trialId: number): Promise<FrozenTrial>
  /** All trials of a study by number; finished ones may come from a cache. */
  trials(studyId: number): Promise<readonly FrozenTrial[]>
  /** The setters below throw ConfigError `finished-trial` where the trial has ended. */
  setTrialParam(trialId: number, name: string, internal: number, distribution: Distribution): Promise<void>
  /**
   * Changes the state, with the values where it ends. RUNNING is only given to a WAITING trial.
   * @returns false where another worker was first to set it RUNNING
   */
  setTrialState(trialId: number, state: TrialState, values?: readonly number[] | null): Promise<boolean>
  setIntermediateValue(trialId: number, step: number, value: number): Promise<void>
  setTrialUserAttr(trialId: number, key: string, value: Json): Promise<void>
  setTrialSystemAttr(trialId: number, key: string, value: Json): Promise<void>

  /** Says that a running trial is alive. */
  beat(trialId: number): Promise<void>
  /** Running trials that have beaten, but not for `grace` seconds. */
  staleTrials(studyId: number, grace: number): Promise<readonly number[]>
  close(): Promise<void>
}
