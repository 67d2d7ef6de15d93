/** Experiments as files: what `anneal tune` and `anneal worker` run. */
export { type Experiment, loadExperiment } from './load.js'
export type { ExperimentOptions, StudySetup } from './options.js'
export { spaceFromJson } from './space.js'
