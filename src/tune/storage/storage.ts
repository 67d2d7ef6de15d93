import type { Distribution } from '../distribution.js'
import type { Direction, FrozenTrial, TrialState } from '../frozen-trial.js'
import type { Json } from '../json.js'
import type { Beats } from './beat.js'

export interface StudyRecord {
  readonly id: number
  readonly name: string
  readonly directions: readonly Direction[]
  readonly userAttrs: Readonly<Record<string, Json>>
  readonly systemAttrs: Readonly<Record<string, Json>>
}

/** A study with its trials by number, as they stand at one time. */
export interface Snapshot {
  readonly study: StudyRecord
  readonly trials: readonly FrozenTrial[]
}

/** A trial that has begun, and the study as it stood then. */
export type Begun = Snapshot & { readonly trial: FrozenTrial }

/** What a trial may begin with: a queued one, or a finished one brought from elsewhere. */
export type TrialTemplate = Omit<FrozenTrial, 'id' | 'number'>

/** Something that is written to a trial. */
export type TrialWrite =
  | { readonly kind: 'param'; readonly name: string; readonly internal: number; readonly distribution: Distribution }
  | { readonly kind: 'intermediate'; readonly step: number; readonly value: number }
  | { readonly kind: 'userAttr' | 'systemAttr'; readonly key: string; readonly value: Json }

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
  /**
   * Makes a trial RUNNING: the first of those that wait, or else a new one; and the study as it stands then.
   * @param options beat: with a first sign of life; limit: no new one where the study has as many trials, so that workers
   *   who begin at the same time make no more
   * @throws ConfigError `trial-limit` where none waits and there are as many
   */
  beginTrial(studyId: number, options?: { readonly beat?: boolean; readonly limit?: number }): Promise<Begun>
  /** The trial. @throws ConfigError `unknown-trial` */
  trial(trialId: number): Promise<FrozenTrial>
  /** All trials of a study by number; finished ones may come from a cache. */
  trials(studyId: number): Promise<readonly FrozenTrial[]>
  /** The study and its trials in one call. */
  snapshot(studyId: number): Promise<Snapshot>
  /** Writes to a trial, in order and together. @throws ConfigError `finished-trial` where it has ended */
  writeTrial(trialId: number, writes: readonly TrialWrite[]): Promise<void>
  /** One write each. @throws as writeTrial */
  setTrialParam(trialId: number, name: string, internal: number, distribution: Distribution): Promise<void>
  setIntermediateValue(trialId: number, step: number, value: number): Promise<void>
  setTrialUserAttr(trialId: number, key: string, value: Json): Promise<void>
  setTrialSystemAttr(trialId: number, key: string, value: Json): Promise<void>
  /**
   * Changes the state, with the values where it ends. RUNNING is only given to a WAITING trial.
   * @returns false where another worker was first to set it RUNNING
   * @throws ConfigError `finished-trial` where it has ended, `bad-values` for NaN
   */
  setTrialState(trialId: number, state: TrialState, values?: readonly number[] | null): Promise<boolean>
  /** Ends a trial, with what is still to be written to it; gives it as it is then. @throws as writeTrial, setTrialState */
  finishTrial(
    trialId: number,
    state: TrialState,
    values: readonly number[] | null,
    writes?: readonly TrialWrite[],
  ): Promise<FrozenTrial>
  /**
   * Ends a trial as `finishTrial` does and begins another as `beginTrial` does, in one transaction, for storages where that
   * is quicker. `next` is null where trials wait in line: `beginTrial` takes them.
   */
  nextTrial?(
    trial: Pick<FrozenTrial, 'id' | 'number'>,
    state: TrialState,
    values: readonly number[] | null,
    writes: readonly TrialWrite[],
    studyId: number,
  ): Promise<{ readonly ended: FrozenTrial; readonly next: Begun | null }>
  /**
   * Ends a RUNNING trial as FAIL and puts another in line in its place, or none; both or neither.
   * @returns false, having done nothing, where it is not RUNNING any more
   */
  failTrial(trialId: number, retry: TrialTemplate | null): Promise<boolean>

  /** Says that a running trial is alive. */
  beat(trialId: number): Promise<void>
  /** What keeps trials alive even while this thread is busy; where a storage has none, `beat` is called from here. */
  beats?(): Promise<Beats>
  /** Running trials that have beaten, but not for `grace` seconds. */
  staleTrials(studyId: number, grace: number): Promise<readonly number[]>
  close(): Promise<void>
}

/** The calls that write one thing, made of the one that writes several. */
export const singleWrites = (
  write: Storage['writeTrial'],
): Pick<Storage, 'setTrialParam' | 'setIntermediateValue' | 'setTrialUserAttr' | 'setTrialSystemAttr'> => ({
  setTrialParam: (trialId, name, internal, distribution) =>
    write(trialId, [{ kind: 'param', name, internal, distribution }]),
  setIntermediateValue: (trialId, step, value) => write(trialId, [{ kind: 'intermediate', step, value }]),
  setTrialUserAttr: (trialId, key, value) => write(trialId, [{ kind: 'userAttr', key, value }]),
  setTrialSystemAttr: (trialId, key, value) => write(trialId, [{ kind: 'systemAttr', key, value }]),
})
