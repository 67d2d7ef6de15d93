import { ConfigError, nearest } from '../../ir/index.js'
import type { FrozenTrial } from '../frozen-trial.js'
import type { StudyView } from '../samplers/sampler.js'

/** What an evaluator is asked. */
export interface ImportanceQuestion {
  readonly study: StudyView
  /** Names of the parameters to assess; null for all that can be. */
  readonly params: readonly string[] | null
  /** What is to be explained; null for the objective. */
  readonly target: ((trial: FrozenTrial) => number) | null
}

/** How the importance of parameters is measured; Optuna's importance evaluator. */
export interface ImportanceEvaluator {
  readonly name: string
  /** For each parameter a number ≥ 0, on the evaluator's own scale. @throws ConfigError for parameters nobody asked for */
  evaluate(question: ImportanceQuestion): Readonly<Record<string, number>>
}

export const completeTrials = (study: StudyView): FrozenTrial[] =>
  study.trials.filter(trial => trial.state === 'COMPLETE' && trial.values !== null)

/** Refuses names that no complete trial has. */
export function checkParams(params: readonly string[], trials: readonly FrozenTrial[], where: string): void {
  const known = [...new Set(trials.flatMap(trial => Object.keys(trial.distributions)))]
  const missing = params.filter(name => !known.includes(name))
  if (missing.length > 0)
    throw new ConfigError({
      code: 'unknown-parameter',
      where,
      expected:
        known.length === 0
          ? 'parameters of complete trials: there are none yet'
          : `of ${nearest(missing[0]!, known, 5).join(', ')}`,
      received: missing,
    })
}

/** The target, or the value of the one objective. @throws ConfigError where there are several objectives */
export function targetOf({ study, target }: ImportanceQuestion, where: string): (trial: FrozenTrial) => number {
  if (target !== null) return target
  if (study.directions.length > 1)
    throw new ConfigError({
      code: 'several-objectives',
      where,
      expected: 'a target: which number of a trial is to be explained',
      received: `${study.directions.length} objectives`,
      hint: 'target: trial => trial.values[0]; or the evaluator pedAnova, which explains reaching the Pareto front',
    })
  return trial => trial.values![0]!
}
