import type { Chart, Panels, Report, Section, Table } from '../../report/index.js'
import { isFeasible } from '../constraints.js'
import { durationOf, type FrozenTrial } from '../frozen-trial.js'
import { importancesOf } from '../importance/param-importances.js'
import type { StudyView } from '../samplers/sampler.js'
import { contour, contourCharts } from './contour.js'
import { edf, edfChart } from './edf.js'
import { hypervolumeHistory, hypervolumeHistoryChart } from './hypervolume-history.js'
import { importances, importancesChart } from './importances.js'
import { intermediateValues, intermediateValuesChart } from './intermediate-values.js'
import { optimizationHistory, optimizationHistoryChart } from './optimization-history.js'
import { parallelCoordinates, parallelCoordinatesChart } from './parallel-coordinates.js'
import { parametersOf } from './parameters.js'
import { paretoFront, paretoFrontCharts } from './pareto-front.js'
import { rank, rankCharts } from './rank.js'
import { slice, sliceCharts } from './slice.js'
import { bestOf, bestTable, summaryTable, trialTable } from './tables.js'
import { terminatorImprovement, terminatorImprovementChart } from './terminator-improvement.js'
import { timeline, timelineChart } from './timeline.js'
import { missingTrials, objectiveNames, type Studied, stateNames, viewOf } from './view.js'

export interface StudyReportOptions {
  /** Other studies, whose distribution of values is shown beside this one's. */
  others?: readonly Studied[]
  /** Pictures of pairs are made of the most important parameters, so many; default 4. */
  pairs?: number
}

/** More trials than these make forests and Gaussian processes too slow for a page that is looked at in between. */
const MODELLED = 2000
/** Up to here a Gaussian process is fitted in no time. */
const FEW = 300

/** Everything there is to see of a study, as a report; what cannot be shown yet is named with the reason. */
export async function studyReport(
  study: Studied,
  { others = [], pairs = 4 }: StudyReportOptions = {},
): Promise<Report> {
  return reportOf(await viewOf(study), await Promise.all(others.map(viewOf)), pairs)
}

function reportOf(view: StudyView, others: readonly StudyView[], pairs: number): Report {
  const none = missingTrials(view)
  return {
    title: `Study ${view.name}`,
    lead: leadOf(view),
    sections: [
      summary(view),
      ...(none === null ? [progress(view, others), ...whatMatters(view, pairs)] : []),
      onTheWay(view),
      time(view),
      ...(none === null ? [trialsSection(view)] : []),
      ...failures(view),
    ],
  }
}

const plural = (n: number, word: string): string => `${n} ${word}${n === 1 ? '' : 's'}`

function leadOf(view: StudyView): string {
  const counts = (Object.keys(stateNames) as FrozenTrial['state'][]).flatMap(state => {
    const n = view.trials.filter(trial => trial.state === state).length
    return n === 0 ? [] : [`${n} ${stateNames[state]}`]
  })
  const goals = objectiveNames(view).map((name, i) => `${view.directions[i]} ${name}`)
  return `${plural(view.trials.length, 'trial')}${counts.length === 0 ? '' : ` (${counts.join(', ')})`} to ${goals.join(' and ')}.`
}

function summary(view: StudyView): Section {
  const none = missingTrials(view)
  if (none !== null) return { heading: 'Summary', text: [none], table: summaryTable(view) }
  const best = bestOf(view)
  const table = bestTable(view)
  if (best.length === 0)
    return { heading: 'Summary', text: ['No complete trial keeps the constraints yet.'], table: summaryTable(view) }
  return {
    heading:
      best.length === 1 ? `The best: trial ${best[0]!.number}` : `The best: ${best.length} trials on the Pareto front`,
    table,
  }
}

function progress(view: StudyView, others: readonly StudyView[]): Section {
  if (view.directions.length > 1) {
    const front = paretoFront(view)
    const volume = hypervolumeHistory(view)
    return {
      heading: 'Progress',
      charts: [
        ...paretoFrontCharts(front),
        hypervolumeHistoryChart(volume),
        ...view.directions.map((_, objective) => {
          const chart = optimizationHistoryChart(optimizationHistory(view, { objective }))
          return { ...chart, title: `${chart.title}: ${objectiveNames(view)[objective]}` }
        }),
      ],
    }
  }
  const complete = view.trials.filter(trial => trial.state === 'COMPLETE').length
  const bound =
    complete >= 5 && complete <= MODELLED ? terminatorImprovement(view, { most: complete > FEW ? 4 : 12 }) : null
  return {
    heading: 'Progress',
    charts: [
      optimizationHistoryChart(optimizationHistory(view)),
      edfChart(edf([view, ...others])),
      ...(bound !== null && bound.points.length > 1 ? [terminatorImprovementChart(bound)] : []),
    ],
  }
}

function whatMatters(view: StudyView, pairs: number): Section[] {
  const several = view.directions.length > 1
  const complete = view.trials.filter(trial => trial.state === 'COMPLETE')
  const parameters = parametersOf(complete)
  if (parameters.length === 0) return [{ heading: 'Parameters', text: ['The trials have no parameters.'] }]
  const single = parameters.filter(parameter => parameter.single).map(parameter => parameter.name)
  const conditional = parameters.filter(parameter => parameter.count < complete.length)
  const found = importances(view, {
    evaluators: several || complete.length > MODELLED ? ['pedAnova'] : ['pedAnova', 'fanova'],
  })
  const leading = Object.keys(importancesOf(view))
    .filter(name => !single.includes(name))
    .slice(0, pairs)
  const remarks = [
    ...(single.length === 0 ? [] : [`Always the same, and so not shown: ${single.join(', ')}.`]),
    ...(conditional.length === 0
      ? []
      : [
          `Asked for only sometimes: ${conditional.map(({ name, count }) => `${name} (${count} of ${complete.length} trials)`).join(', ')}.`,
        ]),
    ...(found.missing === null ? [] : [found.missing]),
  ]
  const ranked = rank(view, { params: leading })
  const grounds = several ? null : contour(view, { params: leading })
  const charts: (Chart | Panels)[] = [
    ...(found.missing === null ? [importancesChart(found)] : []),
    parallelCoordinatesChart(parallelCoordinates(view)),
  ]
  const slices = view.directions.map((_, objective) => sliceCharts(slice(view, { objective })))
  const together = [
    ...(ranked.panels.length === 0 ? [] : [rankCharts(ranked)]),
    ...(grounds === null || grounds.panels.length === 0 ? [] : [contourCharts(grounds)]),
  ]
  return [
    { heading: 'What matters', text: remarks, charts },
    { heading: 'One parameter at a time', charts: slices.filter(({ panels }) => panels.length > 0) },
    {
      heading: 'Two parameters together',
      text:
        together.length > 0
          ? [`Of the ${plural(leading.length, 'parameter')} that matter most: ${leading.join(', ')}.`]
          : [ranked.missing ?? 'No two parameters were asked for in one trial.'],
      charts: together,
    },
  ]
}

function onTheWay(view: StudyView): Section {
  const values = intermediateValues(view)
  const pruned = view.trials.filter(trial => trial.state === 'PRUNED').length
  if (values.missing !== null) return { heading: 'On the way', text: [values.missing] }
  const text = pruned === 0 ? [] : [`${plural(pruned, 'trial')} of ${view.trials.length} ended early, pruned.`]
  return { heading: 'On the way', text, charts: [intermediateValuesChart(values)] }
}

function time(view: StudyView): Section {
  const lanes = timeline(view)
  if (lanes.missing !== null) return { heading: 'Time', text: [lanes.missing] }
  const took = view.trials.flatMap(trial => durationOf(trial) ?? []).sort((a, b) => a - b)
  const seconds = (ms: number) => (ms < 1000 ? `${Math.round(ms)} ms` : `${Number((ms / 1000).toPrecision(3))} s`)
  return {
    heading: 'Time',
    text:
      took.length === 0
        ? []
        : [
            `Half of the trials took at most ${seconds(took[Math.floor(took.length / 2)]!)}, the longest ${seconds(took.at(-1)!)}.`,
          ],
    charts: [timelineChart(lanes)],
  }
}

const trialsSection = (view: StudyView): Section => ({
  heading: view.directions.length > 1 ? 'Trials of the Pareto front' : 'The best trials',
  table: trialTable(
    view,
    view.directions.length > 1
      ? bestOf(view).slice(0, 20)
      : view.trials
          .filter(trial => trial.state === 'COMPLETE' && isFeasible(trial) && trial.values !== null)
          .sort((a, b) => (view.directions[0] === 'minimize' ? 1 : -1) * (a.values![0]! - b.values![0]!))
          .slice(0, 10),
  ),
})

function failures(view: StudyView): Section[] {
  const failed = view.trials.filter(trial => trial.state === 'FAIL')
  if (failed.length === 0) return []
  const reasons = new Map<string, number[]>()
  for (const trial of failed) {
    const reason = typeof trial.systemAttrs.fail_reason === 'string' ? trial.systemAttrs.fail_reason : 'no reason known'
    reasons.set(reason, [...(reasons.get(reason) ?? []), trial.number])
  }
  const table: Table = {
    columns: [{ title: 'Reason' }, { title: 'Trials', align: 'right' }, { title: 'Numbers' }],
    rows: [...reasons].map(([reason, numbers]) => [
      reason,
      String(numbers.length),
      numbers.length > 12 ? `${numbers.slice(0, 12).join(', ')}, …` : numbers.join(', '),
    ]),
  }
  return [{ heading: 'Failed trials', table }]
}
