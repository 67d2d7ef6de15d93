/** Hyperparameter search: studies, trials, samplers, pruners, storages; Optuna's concepts and files. */

export { bohb } from './bohb.js'
export { constraintsOf, isFeasible } from './constraints.js'
export { type CreateStudyOptions, createStudy, type LoadStudyOptions, loadStudy } from './create.js'
export {
  type Choice,
  type Distribution,
  distributionFromJson,
  distributionToJson,
  type ParamValue,
} from './distribution.js'
export { type Direction, durationOf, type FrozenTrial, type TrialState } from './frozen-trial.js'
export type { HeartbeatOptions } from './heartbeat.js'
export * from './importance/index.js'
export * as pruners from './pruners/index.js'
export * as samplers from './samplers/index.js'
export { categorical, float, int, oneOf, type Space, type SpaceValues, space } from './space.js'
export type { Storage } from './storage/storage.js'
export { type Objective, type OptimizeOptions, Study, type StudyCallback } from './study.js'
export { Trial, TrialPruned } from './trial.js'
