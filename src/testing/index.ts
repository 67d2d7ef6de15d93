/** Contract suites for vitest: any implementation, yours too, is put to the same tests in one line. */
export { type CallbackSuiteOptions, testCallback } from './callback.js'
export { checkSample, draw, type GradientCheck } from './check-op.js'
export { type DatasetSuiteOptions, testDataset } from './dataset.js'
export { type LayerSuiteOptions, testLayer } from './layer.js'
export { type PrunerSuiteOptions, testPruner } from './pruner.js'
export { type StoragePlace, type StorageSuiteOptions, testStorage } from './storage.js'
