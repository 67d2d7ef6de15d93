import type { LineChart } from '../../report/index.js'
import { isFeasible } from '../constraints.js'
import type { Direction } from '../frozen-trial.js'
import { sign } from '../pareto.js'
import type { StudyView } from '../samplers/sampler.js'
import { valueAxis } from './value-axis.js'
import { type MeasureOptions, measureOf, missingTrials } from './view.js'

/** What each complete trial reached, and the best so far. */
export interface OptimizationHistory {
  readonly name: string
  readonly direction: Direction
  readonly trials: readonly { readonly number: number; readonly value: number; readonly feasible: boolean }[]
  /** After each complete trial, from the first that keeps its constraints on. */
  readonly best: readonly { readonly number: number; readonly value: number }[]
  readonly missing: string | null
}

export function optimizationHistory(view: StudyView, options: MeasureOptions = {}): OptimizationHistory {
  const { name, direction, trials } = measureOf(view, options)
  const better = sign(direction)
  const best: { number: number; value: number }[] = []
  let leader = better * Infinity
  const entries = trials.map(({ trial, value }) => {
    const feasible = isFeasible(trial)
    if (feasible && better * value < better * leader) leader = value
    if (Number.isFinite(leader)) best.push({ number: trial.number, value: leader })
    return { number: trial.number, value, feasible }
  })
  return { name, direction, trials: entries, best, missing: missingTrials(view) }
}

/** Dots that a picture can hold. */
const MOST = 800

export function optimizationHistoryChart({ name, direction, trials, best }: OptimizationHistory): LineChart {
  const every = Math.ceil(trials.length / MOST)
  const of = (feasible: boolean) =>
    trials.filter((trial, i) => trial.feasible === feasible && i % every === 0).map(t => [t.number, t.value] as const)
  const { note, ...axis } = valueAxis(
    trials.map(t => t.value),
    direction,
  )
  const violating = of(false)
  const remarks = [
    ...(note === undefined ? [] : [note]),
    ...(every > 1 ? [`One of ${every} trials is shown; the best so far is of all.`] : []),
  ]
  // A step needs its ends alone.
  const steps = best.filter((b, i) => b.value !== best[i - 1]?.value || i === best.length - 1)
  return {
    title: 'Optimization history',
    xLabel: 'trial',
    yLabel: `${name} (${direction === 'minimize' ? 'less' : 'more'} is better)`,
    ...axis,
    series: [
      { name: 'trial', points: of(true), draw: 'dots', group: 5 },
      ...(violating.length === 0
        ? []
        : [{ name: 'violates constraints', points: violating, draw: 'dots', group: 7 } as const]),
      { name: 'best so far', points: steps.map(b => [b.number, b.value] as const), draw: 'steps', group: 1 },
    ],
    ...(remarks.length === 0 ? {} : { note: remarks.join(' ') }),
  }
}
