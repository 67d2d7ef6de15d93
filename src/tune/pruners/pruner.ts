import type { FrozenTrial } from '../frozen-trial.js'
import type { SamplerContext, StudyView } from '../samplers/sampler.js'

/** What a pruner decides from: the study, and the trial with all it has reported. */
export interface PrunerContext
  extends Pick<SamplerContext, 'study' | 'trial' | 'setStudySystemAttr' | 'setTrialSystemAttr'> {
  readonly study: StudyView
  readonly trial: FrozenTrial
}

/**
 * Whether a trial is worth going on with; Optuna's pruner. A pruner holds no state but its options: what must last
 * stands in system attributes, so that workers agree and a study goes on where it stopped.
 *
 * In a study with several objectives a trial reports one value for each; pruners compare such reports by dominance
 * (`rankOrder`). Where it reports one number, that is the first objective's.
 */
export interface Pruner {
  readonly name: string
  prune(context: PrunerContext): Promise<boolean> | boolean
  /** The trials a sampler should learn from for this trial, where the pruner parts them (Hyperband). */
  filterTrials?(study: StudyView, trial: FrozenTrial): readonly FrozenTrial[]
}
