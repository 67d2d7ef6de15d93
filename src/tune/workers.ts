/** Experiments as files, worked on by many processes: what `anneal tune` and `anneal worker` are made of. For Node alone. */
export { type Experiment, type ExperimentOptions, loadExperiment } from './experiment/index.js'
export * from './launch/index.js'
export { type RunOptions, type RunResult, runExperiment } from './run.js'
export { runWorker, type WorkerOptions } from './worker.js'
