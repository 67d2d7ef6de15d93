import { ConfigError, isAnnealError } from '../../ir/index.js'
import type { LineChart } from '../../report/index.js'
import type { StudyView } from '../samplers/sampler.js'
import { crossValidationError, regretBound, type TerminatorOptions } from './terminator.js'
import { missingTrials } from './view.js'

/** What was left to gain, and the error it is compared with, after the trials so far. */
export interface TerminatorImprovement {
  /** Complete trials before the terminator may act. */
  readonly minTrials: number
  readonly points: readonly {
    readonly number: number
    /** Complete trials so far. */
    readonly trials: number
    readonly improvement: number
    /** null where it is not known: no cross-validation scores. */
    readonly error: number | null
  }[]
  readonly missing: string | null
}

/**
 * @param options improvement, error, minTrials as of `terminator`; most: at how many numbers of trials it is computed, for
 * each costs a fit (default 30, evenly chosen)
 * @throws ConfigError for a study with several objectives
 */
export function terminatorImprovement(
  view: StudyView,
  {
    improvement = regretBound(),
    error = crossValidationError(),
    minTrials = 20,
    most = 30,
  }: TerminatorOptions & {
    most?: number
  } = {},
): TerminatorImprovement {
  const [direction] = view.directions
  if (view.directions.length !== 1)
    throw new ConfigError({
      code: 'several-objectives',
      where: `study ${view.name}`,
      expected: 'one objective',
      received: `${view.directions.length} objectives`,
    })
  const complete = view.trials.filter(trial => trial.state === 'COMPLETE' && trial.values !== null)
  const every = Math.max(complete.length / most, 1)
  const counts = complete
    .map((_, i) => i + 1)
    .filter(n => Math.floor(n / every) !== Math.floor((n - 1) / every) || n === complete.length)
  const unlessUnknown = (f: () => number): number | null => {
    try {
      return f()
    } catch (failure) {
      if (isAnnealError(failure)) return null
      throw failure
    }
  }
  const points = counts.flatMap(trials => {
    const some = complete.slice(0, trials)
    const left = unlessUnknown(() => improvement(some, direction!))
    return left === null
      ? []
      : [
          {
            number: some.at(-1)!.number,
            trials,
            improvement: left,
            error: unlessUnknown(() => error(some, direction!)),
          },
        ]
  })
  return {
    minTrials,
    points,
    missing:
      missingTrials(view) ??
      (points.length === 0 ? 'No parameter was given to all complete trials: there is nothing to fit.' : null),
  }
}

export function terminatorImprovementChart({ minTrials, points }: TerminatorImprovement): LineChart {
  const early = points.filter(p => p.trials <= minTrials)
  const later = points.filter(p => p.trials >= minTrials)
  const errors = points.flatMap(p => (p.error === null ? [] : [[p.number, p.error] as const]))
  const values = points.map(p => p.improvement)
  return {
    title: 'What may still be gained',
    xLabel: 'trial',
    yLabel: 'in units of the objective',
    yLog: values.every(v => v > 0) && errors.every(([, e]) => e > 0) && Math.max(...values) > 20 * Math.min(...values),
    series: [
      ...(early.length === 0
        ? []
        : [
            {
              name: 'before the terminator may act',
              points: early.map(p => [p.number, p.improvement] as const),
              dashed: true,
              group: 0,
            },
          ]),
      { name: 'bound on the improvement', points: later.map(p => [p.number, p.improvement] as const), group: 0 },
      ...(errors.length === 0 ? [] : [{ name: 'error of the objective', points: errors, group: 1 }]),
    ].filter(series => series.points.length > 0),
    note:
      errors.length === 0
        ? 'An upper bound, at the confidence of Makarova et al. (2022). Report cross-validation scores to compare it with the error of the objective.'
        : 'When the bound falls below the error, more trials are not worth their cost (Makarova et al. 2022).',
  }
}
