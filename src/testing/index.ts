/** Contract suites for vitest: any implementation, yours too, is put to the same tests in one line. */
export { checkSample, draw, type GradientCheck } from './check-op.js'
export { type DatasetSuiteOptions, testDataset } from './dataset.js'
