import type { Distribution } from '../distribution.js'
import { type FrozenTrial, isFinished, type TrialState } from '../frozen-trial.js'
import {
  checkKnown,
  checkName,
  checkResult,
  checkWrites,
  duplicateStudy,
  finishedTrial,
  trialLimit,
  unknownStudy,
  unknownTrial,
} from './refusals.js'
import { type Storage, type StudyRecord, singleWrites, type TrialTemplate, type TrialWrite } from './storage.js'
import { written } from './written.js'

interface Entry {
  study: StudyRecord
  readonly trials: FrozenTrial[]
  /** Numbers of the trials in line, the next one first. */
  readonly waiting: Set<number>
  /** The distribution each name was first asked with. */
  readonly distributions: Map<string, Distribution>
}

/** A storage that lives as long as the process. */
export function memoryStorage(): Storage {
  const studies = new Map<number, Entry>()
  /** For each trial its study and number. */
  const places = new Map<number, { study: number; number: number }>()
  const beats = new Map<number, number>()
  let nextStudy = 1
  let nextTrial = 1
  const entryOf = (studyId: number): Entry => {
    const entry = studies.get(studyId)
    if (entry === undefined) throw unknownStudy(studyId)
    return entry
  }
  const trialOf = (trialId: number): FrozenTrial => {
    const place = places.get(trialId)
    if (place === undefined) throw unknownTrial(trialId)
    return studies.get(place.study)!.trials[place.number]!
  }
  const change = (trialId: number, f: (trial: FrozenTrial) => Partial<FrozenTrial>): void => {
    const trial = trialOf(trialId)
    if (isFinished(trial.state)) throw finishedTrial(trial)
    const { study, number } = places.get(trialId)!
    studies.get(study)!.trials[number] = { ...trial, ...f(trial) }
  }
  const add = (studyId: number, template?: TrialTemplate): { id: number; number: number } => {
    checkResult(template?.values)
    const entry = entryOf(studyId)
    for (const [name, d] of Object.entries(template?.distributions ?? {})) checkKnown(entry.distributions, name, d)
    const id = nextTrial++
    const number = entry.trials.length
    for (const [name, d] of Object.entries(template?.distributions ?? {})) register(entry.distributions, name, d)
    entry.trials.push({ ...(template ?? freshTrial()), id, number })
    if (template?.state === 'WAITING') entry.waiting.add(number)
    places.set(id, { study: studyId, number })
    return { id, number }
  }
  const end = (trialId: number, state: TrialState, values?: readonly number[] | null): boolean => {
    checkResult(values)
    const trial = trialOf(trialId)
    if (isFinished(trial.state)) throw finishedTrial(trial)
    if (state === 'RUNNING' && trial.state !== 'WAITING') return false
    if (state !== 'WAITING') entryOf(places.get(trialId)!.study).waiting.delete(trial.number)
    change(trialId, () => ({
      state,
      ...(values === undefined ? {} : { values }),
      ...(state === 'RUNNING' ? { start: new Date() } : {}),
      ...(isFinished(state) ? { complete: new Date() } : {}),
    }))
    return true
  }
  /** All of the writes, or, where one is refused, none. */
  const write = (trialId: number, writes: readonly TrialWrite[]): void => {
    checkWrites(writes)
    const trial = trialOf(trialId)
    if (isFinished(trial.state)) throw finishedTrial(trial)
    const { distributions } = entryOf(places.get(trialId)!.study)
    for (const one of writes) if (one.kind === 'param') checkKnown(distributions, one.name, one.distribution)
    change(trialId, trial => writes.reduce(written, trial))
    for (const one of writes) if (one.kind === 'param') register(distributions, one.name, one.distribution)
  }
  return {
    url: 'memory',
    createStudy: async (name, directions) => {
      checkName(name, 'study')
      for (const { study } of studies.values()) if (study.name === name) throw duplicateStudy(name)
      const id = nextStudy++
      studies.set(id, {
        study: { id, name, directions: [...directions], userAttrs: {}, systemAttrs: {} },
        trials: [],
        waiting: new Set(),
        distributions: new Map(),
      })
      return id
    },
    deleteStudy: async studyId => {
      for (const trial of entryOf(studyId).trials) places.delete(trial.id)
      studies.delete(studyId)
    },
    findStudy: async name => [...studies.values()].find(entry => entry.study.name === name)?.study.id ?? null,
    study: async studyId => entryOf(studyId).study,
    studies: async () => [...studies.values()].map(entry => entry.study),
    setStudyUserAttr: async (studyId, key, value) => {
      const entry = entryOf(studyId)
      entry.study = { ...entry.study, userAttrs: { ...entry.study.userAttrs, [key]: value } }
    },
    setStudySystemAttr: async (studyId, key, value) => {
      const entry = entryOf(studyId)
      entry.study = { ...entry.study, systemAttrs: { ...entry.study.systemAttrs, [key]: value } }
    },
    createTrial: async (studyId, template) => add(studyId, template),
    trial: async trialId => trialOf(trialId),
    trials: async studyId => [...entryOf(studyId).trials],
    snapshot: async studyId => ({ study: entryOf(studyId).study, trials: [...entryOf(studyId).trials] }),
    beginTrial: async (studyId, { beat = false, limit = Infinity } = {}) => {
      const entry = entryOf(studyId)
      const [waiting] = entry.waiting
      if (waiting === undefined && entry.trials.length >= limit) throw trialLimit(limit)
      const { id } = waiting === undefined ? add(studyId) : entry.trials[waiting]!
      if (waiting !== undefined) end(id, 'RUNNING')
      if (beat) beats.set(id, Date.now())
      return { study: entry.study, trials: [...entry.trials], trial: trialOf(id) }
    },
    writeTrial: async (trialId, writes) => write(trialId, writes),
    ...singleWrites(async (trialId, writes) => write(trialId, writes)),
    setTrialState: async (trialId, state, values) => end(trialId, state, values),
    finishTrial: async (trialId, state, values, writes = []) => {
      checkResult(values)
      write(trialId, writes)
      end(trialId, state, values)
      return trialOf(trialId)
    },
    failTrial: async (trialId, retry) => {
      if (trialOf(trialId).state !== 'RUNNING') return false
      end(trialId, 'FAIL')
      if (retry !== null) add(places.get(trialId)!.study, retry)
      return true
    },
    beat: async trialId => {
      beats.set(trialId, Date.now())
    },
    staleTrials: async (studyId, grace) =>
      entryOf(studyId)
        .trials.filter(
          trial => trial.state === 'RUNNING' && Date.now() - (beats.get(trial.id) ?? Infinity) > grace * 1000,
        )
        .map(trial => trial.id),
    close: async () => {},
  }
}

const register = (known: Map<string, Distribution>, name: string, distribution: Distribution): void => {
  if (!known.has(name)) known.set(name, distribution)
}

/** A trial that has just begun. */
export const freshTrial = (): TrialTemplate => ({
  state: 'RUNNING',
  values: null,
  params: {},
  internalParams: {},
  distributions: {},
  intermediateValues: new Map(),
  userAttrs: {},
  systemAttrs: {},
  start: new Date(),
  complete: null,
})
