/** Storages: where studies live. */

export type { Distribution } from '../distribution.js'
export type { Direction, FrozenTrial, TrialState } from '../frozen-trial.js'
export type { Json } from '../json.js'
export { freshTrial, memoryStorage } from './memory.js'
export { openStorage } from './open.js'
export type { Snapshot, Storage, StudyRecord, TrialTemplate, TrialWrite } from './storage.js'
