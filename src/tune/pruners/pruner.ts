import type { FrozenTrial } from '../frozen-trial.js'
import type { SamplerContext, StudyView } from '../samplers/sampler.js'

/** What a pruner decides from: the study, and the trial with all it has reported. */
export interface PrunerContext extends Pick<SamplerContext, 'study' | 'trial'> {
  readonly study: StudyView
  readonly trial: FrozenTrial
  setTrialSystemAttr: SamplerContext['setTrialSystemAttr']
}

/** Whether a trial is worth going on with; Optuna's pruner. */
export interface Pruner {
  readonly name: string
  prune(context: PrunerContext): Promise<boolean> | boolean
  /** The trials a sampler should learn from for this trial, where the pruner parts them (Hyperband). */
  filterTrials?(study: StudyView, trial: FrozenTrial): readonly FrozenTrial[]
}
