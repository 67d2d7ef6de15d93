import type { BarChart } from '../../report/index.js'
import { type ImportanceOptions, importancesOf } from '../importance/param-importances.js'
import type { StudyView } from '../samplers/sampler.js'
import { missingTrials, objectiveNames } from './view.js'

/** How much each parameter matters, by one evaluator or several. */
export interface Importances {
  /** What is explained. */
  readonly name: string
  /** The most important first, by the first evaluator. */
  readonly parameters: readonly string[]
  readonly evaluators: readonly {
    readonly name: string
    /** For each parameter its share; null where the evaluator cannot assess it (a conditional one). */
    readonly shares: readonly (number | null)[]
  }[]
  readonly missing: string | null
}

export function importances(
  view: StudyView,
  {
    evaluators = ['pedAnova'],
    ...options
  }: Omit<ImportanceOptions, 'evaluator'> & {
    evaluators?: readonly NonNullable<ImportanceOptions['evaluator']>[]
  } = {},
): Importances {
  const found = evaluators.map(evaluator => ({
    name: typeof evaluator === 'string' ? evaluator : evaluator.name,
    shares: importancesOf(view, { ...options, evaluator }),
  }))
  const parameters = [...new Set(found.flatMap(({ shares }) => Object.keys(shares)))]
  const several = view.directions.length > 1 && options.target === undefined
  return {
    name: options.target !== undefined ? 'target' : several ? 'the Pareto front' : objectiveNames(view)[0]!,
    parameters,
    evaluators: found.map(({ name, shares }) => ({ name, shares: parameters.map(key => shares[key] ?? null) })),
    missing:
      missingTrials(view) ??
      (parameters.length === 0
        ? 'The trials have no parameters.'
        : view.trials.filter(trial => trial.state === 'COMPLETE').length < 2
          ? 'One complete trial says nothing of what matters.'
          : null),
  }
}

const titles: Readonly<Record<string, string>> = {
  pedAnova: 'PED-ANOVA: for being among the best tenth',
  fanova: 'fANOVA: share of the variance',
  permutation: 'permutation: fall of R² when shuffled',
  meanDecreaseImpurity: 'impurity: share of what splits gain',
}

export const importancesChart = ({ name, parameters, evaluators }: Importances): BarChart => ({
  kind: 'bars',
  title: `What matters for ${name === 'the Pareto front' ? name : `the ${name}`}`,
  valueLabel: 'share of the importance',
  categories: parameters,
  series: evaluators.map(({ name: evaluator, shares }, group) => ({
    name: titles[evaluator] ?? evaluator,
    values: shares.map(share => share ?? 0),
    group,
  })),
  ...(evaluators.some(({ shares }) => shares.includes(null))
    ? { note: 'Conditional parameters have no bar where an evaluator assesses only those of all trials.' }
    : {}),
})
