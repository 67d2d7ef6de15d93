import { ConfigError } from '../../ir/index.js'
import { checkCompatible, type Distribution, toExternal } from '../distribution.js'
import { type FrozenTrial, isFinished } from '../frozen-trial.js'
import type { Storage, StudyRecord, TrialTemplate } from './storage.js'

interface Entry {
  study: StudyRecord
  readonly trials: FrozenTrial[]
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
  return {
    url: 'memory',
    createStudy: async (name, directions) => {
      for (const { study } of studies.values()) if (study.name === name) throw duplicateStudy(name)
      const id = nextStudy++
      studies.set(id, {
        study: { id, name, directions: [...directions], userAttrs: {}, systemAttrs: {} },
        trials: [],
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
    createTrial: async (studyId, template) => {
      const entry = entryOf(studyId)
      const id = nextTrial++
      const number = entry.trials.length
      for (const [name, d] of Object.entries(template?.distributions ?? {})) register(entry, name, d)
      entry.trials.push({ ...(template ?? freshTrial()), id, number })
      places.set(id, { study: studyId, number })
      return { id, number }
    },
    trial: async trialId => trialOf(trialId),
    trials: async studyId => [...entryOf(studyId).trials],
    setTrialParam: async (trialId, name, internal, distribution) => {
      change(trialId, trial => {
        register(studies.get(places.get(trialId)!.study)!, name, distribution)
        return {
          params: { ...trial.params, [name]: toExternal(distribution, internal) },
          internalParams: { ...trial.internalParams, [name]: internal },
          distributions: { ...trial.distributions, [name]: distribution },
        }
      })
    },
    setTrialState: async (trialId, state, values) => {
      const trial = trialOf(trialId)
      if (isFinished(trial.state)) throw finishedTrial(trial)
      if (state === 'RUNNING' && trial.state !== 'WAITING') return false
      change(trialId, () => ({
        state,
        ...(values === undefined ? {} : { values }),
        ...(state === 'RUNNING' ? { start: new Date() } : {}),
        ...(isFinished(state) ? { complete: new Date() } : {}),
      }))
      return true
    },
    setIntermediateValue: async (trialId, step, value) =>
      change(trialId, trial => ({ intermediateValues: new Map(trial.intermediateValues).set(step, value) })),
    setTrialUserAttr: async (trialId, key, value) =>
      change(trialId, trial => ({ userAttrs: { ...trial.userAttrs, [key]: value } })),
    setTrialSystemAttr: async (trialId, key, value) =>
      change(trialId, trial => ({ systemAttrs: { ...trial.systemAttrs, [key]: value } })),
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

function register(entry: Entry, name: string, distribution: Distribution): void {
  const before = entry.distributions.get(name)
  if (before === undefined) entry.distributions.set(name, distribution)
  else checkCompatible(before, distribution, name)
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

export const unknownStudy = (id: number | string) =>
  new ConfigError({ code: 'unknown-study', where: 'storage', expected: 'a study of this storage', received: id })
export const duplicateStudy = (name: string) =>
  new ConfigError({
    code: 'duplicate-study',
    where: 'storage',
    expected: 'a name not yet taken',
    received: name,
    hint: 'loadStudy opens it; createStudy({ loadIfExists: true }) does either',
  })
export const unknownTrial = (id: number) =>
  new ConfigError({ code: 'unknown-trial', where: 'storage', expected: 'a trial of this storage', received: id })
export const finishedTrial = (trial: { number: number; state: string }) =>
  new ConfigError({
    code: 'finished-trial',
    where: `trial ${trial.number}`,
    expected: 'a trial that is not finished',
    received: trial.state,
  })
