import type { Table } from '../../report/index.js'
import { isFeasible } from '../constraints.js'
import { durationOf, type FrozenTrial } from '../frozen-trial.js'
import { paretoFront } from '../pareto.js'
import type { StudyView } from '../samplers/sampler.js'
import { objectiveNames, stateNames } from './view.js'

const right = (title: string) => ({ title, align: 'right' as const })

/** Numbers in five digits, anything else as it is. */
export const shown = (value: unknown): string =>
  typeof value === 'number' ? String(Number(value.toPrecision(5))) : value === undefined ? '—' : String(value)

/** The best complete trials that keep their constraints: one, or those of the Pareto front. */
export function bestOf(view: StudyView): readonly FrozenTrial[] {
  const front = paretoFront(
    view.trials.filter(trial => trial.state === 'COMPLETE' && isFeasible(trial)),
    view.directions,
  )
  // Of equal values the first counts as the best.
  return view.directions.length === 1 ? front.slice(0, 1) : front
}

/** How many trials are in which state. */
export const summaryTable = (view: StudyView): Table => ({
  columns: [{ title: 'State' }, right('Trials')],
  rows: (Object.keys(stateNames) as FrozenTrial['state'][]).map(state => [
    stateNames[state],
    String(view.trials.filter(trial => trial.state === state).length),
  ]),
})

/** Values and parameters of the best trial; of several best ones the ranges they span. */
export function bestTable(view: StudyView): Table {
  const best = bestOf(view)
  const names = objectiveNames(view)
  const [one] = best
  if (best.length === 1 && one !== undefined)
    return {
      columns: [{ title: '' }, right(`trial ${one.number}`)],
      rows: [
        ...names.map((name, i) => [name, shown(one.values?.[i])]),
        ...Object.entries(one.params).map(([name, value]) => [name, shown(value)]),
      ],
    }
  return {
    columns: [{ title: '' }, right('from'), right('to')],
    rows: names.map((name, i) => {
      const values = best.map(trial => trial.values![i]!)
      return [name, ...(values.length === 0 ? ['—', '—'] : [shown(Math.min(...values)), shown(Math.max(...values))])]
    }),
  }
}

/** Trials in rows: state, values, parameters, time. */
export function trialTable(view: StudyView, trials: readonly FrozenTrial[] = view.trials): Table {
  const params = [...new Set(trials.flatMap(trial => Object.keys(trial.params)))]
  return {
    columns: [
      right('Trial'),
      { title: 'State' },
      ...objectiveNames(view).map(right),
      ...params.map(right),
      right('Seconds'),
    ],
    rows: trials.map(trial => {
      const took = durationOf(trial)
      return [
        String(trial.number),
        stateNames[trial.state],
        ...view.directions.map((_, i) => shown(trial.values?.[i])),
        ...params.map(name => shown(trial.params[name])),
        took === null ? '—' : shown(Number((took / 1000).toFixed(3))),
      ]
    }),
  }
}

/** Importances in rows. */
export const importanceTable = (shares: Readonly<Record<string, number>>): Table => ({
  columns: [{ title: 'Parameter' }, right('Importance')],
  rows: Object.entries(shares).map(([name, share]) => [name, share.toFixed(4)]),
})
