export { compareOptimizers, compareRegularizers, compareSchedules, recipesOf } from './compare.js'
export type { CompareOptions } from './options.js'
export type * from './record.js'
export { compareReport, comparisonTable } from './report.js'
