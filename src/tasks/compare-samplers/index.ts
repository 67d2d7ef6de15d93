export { type CompareSamplersOptions, compareSamplers, samplerNames } from './compare.js'
export type { ProblemResult, SamplerComparison, SamplerResult } from './record.js'
export { samplersReport, samplerTable } from './report.js'
