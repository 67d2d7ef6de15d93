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
export { fixedTrial } from './fixed-trial.js'
export { type Direction, durationOf, type FrozenTrial, type TrialState } from './frozen-trial.js'
export type { HeartbeatOptions } from './heartbeat.js'
export * from './importance/index.js'
export * as insight from './insight/index.js'
export { exportStudy, studyReport } from './insight/index.js'
export {
  crossValidationError,
  type ErrorEvaluator,
  type ImprovementEvaluator,
  regretBound,
  reportCrossValidationScores,
  stagnation,
  staticError,
  type TerminatorOptions,
  terminator,
} from './insight/terminator.js'
export { prunersByName, samplersByName } from './names.js'
export type { Objective, OptimizeOptions, StudyCallback } from './optimize.js'
export { type Member, type PopulationOptions, type PopulationResult, populationBasedTraining } from './pbt.js'
export { progressOf, type TuneProgress } from './progress.js'
export * as pruners from './pruners/index.js'
export { type PruningCallbackOptions, pruningCallback } from './pruning-callback.js'
export * as samplers from './samplers/index.js'
export { categorical, float, int, oneOf, type Space, type SpaceValues, space } from './space.js'
export type { CrossValidation } from './splits.js'
export type { Storage } from './storage/storage.js'
export { Study } from './study.js'
export type { Build, BuildContext, Built } from './training.js'
export { Trial, TrialPruned } from './trial.js'
export { type TunedModel, type TuneModelResult, tuneModel } from './tune-model.js'
export type { TuneModelOptions } from './tune-model-options.js'
