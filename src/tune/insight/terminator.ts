import { z } from 'zod'
import { ConfigError, counterRandom } from '../../ir/index.js'
import { parseOptions } from '../../ir/options.js'
import type { Direction, FrozenTrial } from '../frozen-trial.js'
import type { StudyCallback } from '../optimize.js'
import { sign } from '../pareto.js'
import { evenPoints } from '../samplers/gp/even.js'
import { intersectionSpace } from '../samplers/space.js'
import type { Trial } from '../trial.js'
import { surrogateOf } from './surrogate.js'

/** How much better the best value may still become, from complete trials by number. */
export type ImprovementEvaluator = (trials: readonly FrozenTrial[], direction: Direction) => number
/** How uncertain the best value itself is: gains below it are not worth more trials. */
export type ErrorEvaluator = ImprovementEvaluator

const CV_SCORES = 'terminator:cv_scores'
const CANDIDATES = 2048

const regretSchema = z.strictObject({
  topTrials: z.number().gt(0).max(1).default(0.5),
  minTrials: z.int().min(1).default(20),
  seed: z.int().default(0),
})

/**
 * An upper bound on the regret (Makarova et al. 2022): the most that a Gaussian process fitted to the better half of the
 * trials thinks possible anywhere, less what the trials have for certain; both at a confidence that grows with the
 * trials. In units of the objective. Optuna's RegretBoundEvaluator.
 * @param options topTrials: share of trials the process is fitted to (0.5), at least minTrials (20)
 * @returns an evaluator that throws ConfigError where no parameter was given to all trials
 */
export function regretBound(options: z.input<typeof regretSchema> = {}): ImprovementEvaluator {
  const { topTrials, minTrials, seed } = parseOptions(regretSchema, options, 'regretBound')
  return (trials, direction) => {
    const space = intersectionSpace(trials)
    const axes = Object.keys(space).length
    if (trials.length === 0 || axes === 0)
      throw new ConfigError({
        code: 'no-common-space',
        where: 'regretBound',
        expected: 'complete trials, and a parameter that all of them have',
        received: `${trials.length} trials, ${axes} common parameters`,
      })
    const scored = trials.map(trial => ({ trial, score: -sign(direction) * trial.values![0]! }))
    const count = Math.min(Math.max(Math.floor(trials.length * topTrials), minTrials), trials.length)
    const limit = scored.map(({ score }) => score).sort((a, b) => b - a)[count - 1]!
    const top = scored.filter(({ score }) => score >= limit)
    const surrogate = surrogateOf(
      space,
      top.map(({ trial }) => trial),
      top.map(({ score }) => score),
    )
    // Of Srinivas et al. 2010, scaled down by 5 as they do in their experiments.
    const beta = (2 / 5) * Math.log((axes * top.length ** 2 * Math.PI ** 2) / 6 / 0.1)
    const bounds = (points: Float64Array, way: 1 | -1) => {
      const { mean, deviation } = surrogate.at(points)
      return mean.reduce((most, m, i) => Math.max(most, m + way * Math.sqrt(beta) * deviation[i]!), -Infinity)
    }
    const seen = Float64Array.from(surrogate.rows.flatMap(row => [...row]))
    const even = evenPoints(CANDIDATES, axes, counterRandom(seed, 'regret', trials.length))
    const anywhere = even.map((u, i) => surrogate.axes[i % axes]!.draw(u))
    const possible = Math.max(bounds(seen, 1), bounds(anywhere, 1))
    return (possible - bounds(seen, -1)) * surrogate.scale.deviation
  }
}

/**
 * How many more trials without a new best value are waited for, beginning with `trials`; with `staticError(0)` the study
 * ends when there were more than that. Optuna's BestValueStagnationEvaluator.
 */
export function stagnation(options: { trials?: number } = {}): ImprovementEvaluator {
  const { trials: most } = parseOptions(z.strictObject({ trials: z.int().min(0).default(30) }), options, 'stagnation')
  return (trials, direction) => {
    let best = 0
    for (const [i, trial] of trials.entries())
      if (sign(direction) * trial.values![0]! < sign(direction) * trials[best]!.values![0]!) best = i
    return most - (trials.length - 1 - best)
  }
}

/**
 * The deviation of the best trial's cross-validation scores, scaled as an estimate of its mean's error (Makarova et al.
 * 2022): √((1/k + 1/(k − 1)) var). Scores are told by `reportCrossValidationScores`.
 * @returns an evaluator that throws ConfigError where the best trial has none
 */
export const crossValidationError = (): ErrorEvaluator => (trials, direction) => {
  const best = trials.reduce((a, b) => (sign(direction) * (b.values![0]! - a.values![0]!) < 0 ? b : a))
  const scores = best.systemAttrs[CV_SCORES]
  if (!Array.isArray(scores) || scores.length < 2 || !scores.every(score => typeof score === 'number'))
    throw new ConfigError({
      code: 'no-cross-validation-scores',
      where: `trial ${best.number}`,
      expected: 'the scores of its folds',
      received: scores ?? 'none',
      hint: 'call reportCrossValidationScores(trial, scores) in the objective, or use staticError or stagnation',
    })
  const k = scores.length
  const mean = scores.reduce((a, b) => a + b, 0) / k
  const variance = scores.reduce((sum, score) => sum + (score - mean) ** 2, 0) / k
  return Math.sqrt((1 / k + 1 / (k - 1)) * variance)
}

/** Always the same error: the study ends when less improvement than this is left. */
export const staticError =
  (error: number): ErrorEvaluator =>
  () =>
    error

/** Tells a trial's cross-validation scores, two or more. */
export function reportCrossValidationScores(trial: Trial, scores: readonly number[]): void {
  if (scores.length < 2 || !scores.every(Number.isFinite))
    throw new ConfigError({
      code: 'cross-validation-scores',
      where: `trial ${trial.number}`,
      expected: 'two or more finite numbers',
      received: scores,
    })
  trial.setSystemAttr(CV_SCORES, [...scores])
}

export interface TerminatorOptions {
  /** Default `regretBound()`. */
  improvement?: ImprovementEvaluator
  /** Default `crossValidationError()`. */
  error?: ErrorEvaluator
  /** Complete trials before it may end; default 20. */
  minTrials?: number
}

/**
 * A callback for `optimize` that ends the study when what may still be gained is less than what the error of the
 * objective hides (Makarova et al. 2022). For one objective.
 * @throws ConfigError for options out of range; in the study where there are several objectives, or no scores
 */
export function terminator(options: TerminatorOptions = {}): StudyCallback {
  const { improvement = regretBound(), error = crossValidationError() } = options
  const { minTrials } = parseOptions(
    z.strictObject({ minTrials: z.int().min(1).default(20) }),
    options.minTrials === undefined ? {} : { minTrials: options.minTrials },
    'terminator',
  )
  return async study => {
    const { direction } = study
    const trials = await study.trials(['COMPLETE'])
    if (trials.length < minTrials) return
    if (improvement(trials, direction) < error(trials, direction)) study.stop()
  }
}
