import { ConfigError } from '../../ir/index.js'
import type { LineChart } from '../../report/index.js'
import { isFeasible } from '../constraints.js'
import type { Direction } from '../frozen-trial.js'
import { paretoFront as frontOf, sign } from '../pareto.js'
import type { StudyView } from '../samplers/sampler.js'
import { pairsOf } from './rank.js'
import { missingTrials, objectiveNames } from './view.js'

/** What several objectives reached together. */
export interface ParetoFront {
  readonly names: readonly string[]
  readonly directions: readonly Direction[]
  readonly trials: readonly {
    readonly number: number
    readonly values: readonly number[]
    /** No feasible trial beats it in every objective. */
    readonly best: boolean
    readonly feasible: boolean
  }[]
  readonly missing: string | null
}

/** @throws ConfigError for a study with one objective */
export function paretoFront(view: StudyView): ParetoFront {
  if (view.directions.length < 2)
    throw new ConfigError({
      code: 'one-objective',
      where: `study ${view.name}`,
      expected: 'several objectives',
      received: 1,
      hint: 'optimizationHistory shows one',
    })
  const complete = view.trials.filter(
    trial => trial.state === 'COMPLETE' && (trial.values?.every(Number.isFinite) ?? false),
  )
  const front = new Set(frontOf(complete.filter(isFeasible), view.directions).map(trial => trial.number))
  return {
    names: objectiveNames(view),
    directions: view.directions,
    trials: complete.map(trial => ({
      number: trial.number,
      values: trial.values!,
      best: front.has(trial.number),
      feasible: isFeasible(trial),
    })),
    missing: missingTrials(view),
  }
}

/** Two objectives as one picture, more as one for each pair. */
export function paretoFrontCharts({ names, directions, trials }: ParetoFront): LineChart[] {
  const axes = names.map((name, i) => ({
    i,
    label: `${name} (${directions[i] === 'minimize' ? 'less' : 'more'} is better)`,
  }))
  const pairs = pairsOf(axes)
  return pairs.map(([x, y]): LineChart => {
    const at = (some: ParetoFront['trials']) => some.map(({ values }) => [values[x.i]!, values[y.i]!] as const)
    const front = trials.filter(trial => trial.best)
    const violating = trials.filter(trial => !trial.feasible)
    const ordered = [...front].sort((a, b) => a.values[x.i]! - b.values[x.i]!)
    return {
      title: pairs.length === 1 ? 'Pareto front' : `Pareto front: ${names[x.i]} and ${names[y.i]}`,
      xLabel: x.label,
      yLabel: y.label,
      series: [
        {
          name: 'beaten in every objective',
          points: at(trials.filter(t => !t.best && t.feasible)),
          draw: 'dots',
          group: 5,
        },
        ...(violating.length === 0
          ? []
          : [{ name: 'violates constraints', points: at(violating), draw: 'dots', group: 7 } as const]),
        // What the front reaches lies on its good side: the line is as bad as both of its ends.
        ...(pairs.length === 1
          ? [{ name: 'reach', points: corners(at(ordered), sign(directions[y.i]!)), muted: true } as const]
          : []),
        { name: 'Pareto front', points: at(front), draw: 'dots', group: 1 },
      ],
      note: 'No trial beats one of the front in every objective.',
    }
  })
}

function corners(front: readonly (readonly [number, number])[], ySign: 1 | -1): (readonly [number, number])[] {
  return front.flatMap(([x, y], i) => {
    const next = front[i + 1]
    if (next === undefined) return [[x, y] as const]
    // Of the two ways round, the one where both objectives are worse than one end and no better than the other.
    const falls = ySign * (next[1] - y) < 0
    return [[x, y] as const, falls ? ([next[0], y] as const) : ([x, next[1]] as const)]
  })
}
