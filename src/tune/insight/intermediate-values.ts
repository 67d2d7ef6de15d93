import type { LineChart, Series } from '../../report/index.js'
import { isFeasible } from '../constraints.js'
import type { Direction, FrozenTrial, TrialState } from '../frozen-trial.js'
import { sign } from '../pareto.js'
import type { StudyView } from '../samplers/sampler.js'
import { valueAxis } from './value-axis.js'
import { objectiveNames } from './view.js'

/** What trials reported on their way. */
export interface IntermediateValues {
  readonly name: string
  readonly direction: Direction
  readonly trials: readonly {
    readonly number: number
    readonly state: TrialState
    readonly feasible: boolean
    readonly points: readonly (readonly [step: number, value: number])[]
  }[]
  /** The best complete trial that reported. */
  readonly best: number | null
  readonly missing: string | null
}

export function intermediateValues(view: StudyView): IntermediateValues {
  const direction = view.directions[0]!
  const trials = view.trials.filter(trial => trial.intermediateValues.size > 0)
  const leader = trials
    .filter(trial => trial.state === 'COMPLETE' && trial.values !== null && isFeasible(trial))
    .reduce<FrozenTrial | null>(
      (a, b) => (a === null || sign(direction) * b.values![0]! < sign(direction) * a.values![0]! ? b : a),
      null,
    )
  return {
    name: objectiveNames(view)[0]!,
    direction,
    trials: trials.map(trial => ({
      number: trial.number,
      state: trial.state,
      feasible: isFeasible(trial),
      points: [...trial.intermediateValues].filter(([, value]) => Number.isFinite(value)).sort((a, b) => a[0] - b[0]),
    })),
    best: leader?.number ?? null,
    missing: trials.length > 0 ? null : 'No trial reported values on its way (trial.report).',
  }
}

/** More lines than these cannot be told apart. */
const MOST = 150

export function intermediateValuesChart({ name, direction, trials, best }: IntermediateValues): LineChart {
  const every = Math.ceil(trials.length / MOST)
  const shown = trials.filter((trial, i) => i % every === 0 || trial.number === best || trial.state === 'RUNNING')
  const { note, ...axis } = valueAxis(
    shown.flatMap(trial => trial.points.map(([, value]) => value)),
    direction,
  )
  const rest = shown.filter(trial => trial.number !== best)
  const bestTrial = shown.find(trial => trial.number === best)
  // Drawn faintly, but named once each in the legend by a series without points of its own.
  const faint = (state: TrialState, dashed: boolean): Series[] =>
    rest
      .filter(trial => trial.state === state)
      .map(({ number, points }) => ({ name: `trial ${number}`, points, muted: true, dashed }))
  const running = rest.filter(trial => trial.state === 'RUNNING')
  const remarks = [
    'Faint: other trials; dashed: pruned ones.',
    ...(every > 1 ? [`Every ${every}th of ${trials.length} trials is shown.`] : []),
    ...(note === undefined ? [] : [note]),
  ]
  return {
    title: 'Values on the way',
    xLabel: 'step',
    yLabel: name,
    ...axis,
    series: [
      ...faint('COMPLETE', false),
      ...faint('FAIL', true),
      ...faint('PRUNED', true),
      ...running.map(({ number, points }) => ({ name: `trial ${number}, running`, points, group: 2 })),
      ...(bestTrial === undefined
        ? []
        : [{ name: `trial ${bestTrial.number}, the best`, points: bestTrial.points, group: 1 }]),
    ],
    note: remarks.join(' '),
  }
}
