import { ConfigError } from '../../ir/index.js'
import type { FrozenTrial } from '../frozen-trial.js'
import { type Studied, viewOf } from '../insight/view.js'
import type { StudyView } from '../samplers/sampler.js'
import type { ImportanceEvaluator } from './evaluator.js'
import { fanova } from './fanova.js'
import { meanDecreaseImpurity } from './mean-decrease-impurity.js'
import { pedAnova } from './ped-anova.js'
import { permutation } from './permutation.js'

/** The evaluators by name, with their defaults. */
export const evaluators = { pedAnova, fanova, permutation, meanDecreaseImpurity } as const
export type EvaluatorName = keyof typeof evaluators

export interface ImportanceOptions {
  /** Default `pedAnova`, as in Optuna 5. */
  evaluator?: ImportanceEvaluator | EvaluatorName
  /** What is to be explained; default the objective. Also a duration, or one of several objectives. */
  target?: (trial: FrozenTrial) => number
  /** Default: all that the evaluator can assess. */
  params?: readonly string[]
  /** Shares of 1 (default), or the evaluator's own scale. */
  normalize?: boolean
}

/**
 * How much each parameter matters, the most important first; Optuna's `get_param_importances`. Where nothing can be told
 * (fewer than two complete trials, or all values equal) all are equal.
 * @throws ConfigError for names that no complete trial has; several objectives without a target (except for `pedAnova`)
 */
export const paramImportances = async (
  study: Studied,
  options: ImportanceOptions = {},
): Promise<Readonly<Record<string, number>>> => importancesOf(await viewOf(study), options)

/** `paramImportances` of a snapshot. */
export function importancesOf(study: StudyView, options: ImportanceOptions = {}): Readonly<Record<string, number>> {
  const { target = null, params = null, normalize = true } = options
  const found = evaluatorOf(options.evaluator ?? 'pedAnova').evaluate({ study, params, target })
  const sum = Object.values(found).reduce((a, b) => a + b, 0)
  const share = (x: number) => (!normalize ? x : sum === 0 ? 1 / Object.keys(found).length : x / sum)
  return Object.fromEntries(
    Object.entries(found)
      .map(([name, x]) => [name, share(x)] as const)
      .sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1)),
  )
}

function evaluatorOf(given: ImportanceEvaluator | EvaluatorName): ImportanceEvaluator {
  if (typeof given === 'object' && given !== null) return given
  if (Object.hasOwn(evaluators, given)) return evaluators[given]()
  throw new ConfigError({
    code: 'unknown-evaluator',
    where: 'paramImportances.evaluator',
    expected: `one of ${Object.keys(evaluators).join(', ')}`,
    received: given,
  })
}
