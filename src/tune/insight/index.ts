/**
 * What a study shows: each figure is a record first, computed from a snapshot (`await study.snapshot()`), and then a
 * chart of anneal/report. `studyReport` puts all on one page.
 */

export { type Contour, contour, contourCharts } from './contour.js'
export { type Edf, edf, edfChart } from './edf.js'
export { type ExportFormat, exportStudy } from './export.js'
export { type HypervolumeHistory, hypervolumeHistory, hypervolumeHistoryChart } from './hypervolume-history.js'
export { type Importances, importances, importancesChart } from './importances.js'
export { type IntermediateValues, intermediateValues, intermediateValuesChart } from './intermediate-values.js'
export { type OptimizationHistory, optimizationHistory, optimizationHistoryChart } from './optimization-history.js'
export {
  type ParallelCoordinates,
  type ParameterOptions,
  parallelCoordinates,
  parallelCoordinatesChart,
} from './parallel-coordinates.js'
export type { Parameter } from './parameters.js'
export { type ParetoFront, paretoFront, paretoFrontCharts } from './pareto-front.js'
export { type Rank, rank, rankCharts } from './rank.js'
export { type Slice, slice, sliceCharts } from './slice.js'
export { type StudyReportOptions, studyReport } from './study-report.js'
export { bestTable, importanceTable, summaryTable, trialTable } from './tables.js'
export {
  type TerminatorImprovement,
  terminatorImprovement,
  terminatorImprovementChart,
} from './terminator-improvement.js'
export { type Timeline, timeline, timelineChart } from './timeline.js'
export type { MeasureOptions } from './view.js'
