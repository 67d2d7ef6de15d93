import { ConfigError } from '../../ir/index.js'
import type { Direction, FrozenTrial } from '../frozen-trial.js'
import { losses, nonDominatedRanks, sign } from '../pareto.js'
import type { StudyView } from '../samplers/sampler.js'

/** What can be looked at: a study, a snapshot of one, or trials to be minimized. */
export type Studied = { snapshot(): Promise<StudyView> } | StudyView | readonly FrozenTrial[]

export const viewOf = async (studied: Studied): Promise<StudyView> =>
  'snapshot' in studied
    ? studied.snapshot()
    : 'directions' in studied
      ? studied
      : {
          name: 'trials',
          directions: Array.from({ length: Math.max(...studied.map(t => t.values?.length ?? 1), 1) }, () => 'minimize'),
          trials: studied,
          systemAttrs: {},
        }

/** Which number of a trial is looked at. */
export interface MeasureOptions {
  /** Which objective; default the first. */
  objective?: number
  /** Another number than an objective, less being better: a duration, say. */
  target?: (trial: FrozenTrial) => number
  /** What the number is called; default the objective's name. */
  targetName?: string
}

/** A number of each trial, its name, and which way is better. */
export interface Measure {
  readonly name: string
  readonly direction: Direction
  /** Complete trials whose number is finite. */
  readonly trials: readonly { readonly trial: FrozenTrial; readonly value: number }[]
}

/** Names of the objectives: as the study names them, or plain ones. */
export function objectiveNames({ directions, systemAttrs }: StudyView): string[] {
  const names = systemAttrs['study:metric_names']
  return directions.map((_, i) => {
    const name = Array.isArray(names) ? names[i] : undefined
    return typeof name === 'string' ? name : directions.length === 1 ? 'objective value' : `objective ${i}`
  })
}

/** @throws ConfigError for an objective that is not there */
export function measureOf(view: StudyView, { objective = 0, target, targetName }: MeasureOptions): Measure {
  const direction = view.directions[objective]
  if (direction === undefined)
    throw new ConfigError({
      code: 'unknown-objective',
      where: `study ${view.name}`,
      expected: `0 … ${view.directions.length - 1}`,
      received: objective,
    })
  const value = target ?? ((trial: FrozenTrial) => trial.values?.[objective] ?? Number.NaN)
  return {
    name: targetName ?? (target === undefined ? objectiveNames(view)[objective]! : 'target'),
    direction: target === undefined ? direction : 'minimize',
    trials: view.trials
      .filter(trial => trial.state === 'COMPLETE')
      .map(trial => ({ trial, value: value(trial) }))
      .filter(entry => Number.isFinite(entry.value)),
  }
}

/** Why there is nothing to look at; null where there is something. */
export function missingTrials(view: StudyView): string | null {
  if (view.trials.some(trial => trial.state === 'COMPLETE')) return null
  if (view.trials.length === 0) return 'There are no trials yet.'
  const counts = new Map<string, number>()
  for (const { state } of view.trials) counts.set(state, (counts.get(state) ?? 0) + 1)
  return `No trial is complete yet: ${[...counts].map(([state, n]) => `${n} ${stateNames[state as FrozenTrial['state']]}`).join(', ')}.`
}

/** States in words. */
export const stateNames = {
  COMPLETE: 'complete',
  PRUNED: 'pruned',
  FAIL: 'failed',
  RUNNING: 'running',
  WAITING: 'waiting',
} as const

/** For each value from 0, the worst, to 1, the best, by rank; equal ones share theirs. */
export function goodness(values: readonly number[], direction: Direction): number[] {
  const losses = values.map(value => sign(direction) * value)
  const sorted = [...losses].sort((a, b) => a - b)
  const places = new Map<number, { sum: number; count: number }>()
  for (const [i, loss] of sorted.entries()) {
    const at = places.get(loss) ?? { sum: 0, count: 0 }
    places.set(loss, { sum: at.sum + i, count: at.count + 1 })
  }
  return losses.map(loss => {
    const { sum, count } = places.get(loss)!
    return values.length < 2 ? 1 : 1 - sum / count / (values.length - 1)
  })
}

/**
 * Trials with how good they are, for shades. Several objectives, none of them chosen: by the front a trial belongs to
 * when fronts are taken away one after the other.
 */
export function ratedOf(view: StudyView, options: MeasureOptions): Measure & { readonly goodness: readonly number[] } {
  const measure = measureOf(view, options)
  const values = measure.trials.map(({ value }) => value)
  if (view.directions.length < 2 || options.objective !== undefined || options.target !== undefined)
    return { ...measure, goodness: goodness(values, measure.direction) }
  const trials = measure.trials.filter(({ trial }) => trial.values!.every(Number.isFinite))
  const ranks = nonDominatedRanks(trials.map(({ trial }) => losses(trial.values!, view.directions)))
  const last = Math.max(...ranks, 1)
  return {
    name: 'Pareto rank',
    direction: 'minimize',
    trials: trials.map(({ trial }, i) => ({ trial, value: ranks[i]! })),
    goodness: ranks.map(front => 1 - front / last),
  }
}
