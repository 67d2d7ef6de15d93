import type { Panels, ScatterChart } from '../../report/index.js'
import { isFeasible } from '../constraints.js'
import type { Direction } from '../frozen-trial.js'
import type { StudyView } from '../samplers/sampler.js'
import type { ParameterOptions } from './parallel-coordinates.js'
import { type Parameter, parametersOf, placeOf } from './parameters.js'
import { axisOf } from './slice.js'
import { missingTrials, ratedOf } from './view.js'

/** Pairs of parameters with the ranks of what they gave. */
export interface Rank {
  readonly name: string
  readonly direction: Direction
  readonly panels: readonly {
    readonly x: Parameter
    readonly y: Parameter
    readonly points: readonly {
      readonly number: number
      readonly x: number
      readonly y: number
      readonly value: number
      /** From 0, the worst, to 1, the best; equal values share their rank. */
      readonly goodness: number
      readonly feasible: boolean
    }[]
  }[]
  readonly missing: string | null
}

export function rank(view: StudyView, options: ParameterOptions = {}): Rank {
  const { name, direction, trials, goodness: ranks } = ratedOf(view, options)
  const parameters = parametersOf(
    trials.map(({ trial }) => trial),
    options.params,
  ).filter(parameter => !parameter.single)
  const panels = pairsOf(parameters).map(([x, y]) => ({
    x,
    y,
    points: trials.flatMap(({ trial, value }, i) => {
      const [px, py] = [placeOf(x, trial), placeOf(y, trial)]
      return px === null || py === null
        ? []
        : [{ number: trial.number, x: px, y: py, value, goodness: ranks[i]!, feasible: isFeasible(trial) }]
    }),
  }))
  return {
    name,
    direction,
    panels: panels.filter(({ points }) => points.length > 0),
    missing: missingTrials(view) ?? (parameters.length < 2 ? 'Fewer than two parameters vary.' : null),
  }
}

/** Each pair once. */
export const pairsOf = <T>(items: readonly T[]): (readonly [T, T])[] =>
  items.flatMap((a, i) => items.slice(i + 1).map(b => [a, b] as const))

const MOST = 200

export const rankCharts = ({ name, direction, panels }: Rank): Panels => ({
  kind: 'panels',
  title: 'Ranks over pairs of parameters',
  note: `Each dot is a complete trial, the stronger the better its ${name} (${direction === 'minimize' ? 'less' : 'more'} is better), by rank; outlines violate constraints.`,
  panels: panels.map(
    ({ x, y, points }): ScatterChart => ({
      kind: 'scatter',
      title: `${x.name} and ${y.name}`,
      x: axisOf(x),
      y: axisOf(y),
      points: [...points]
        .sort((a, b) => b.goodness - a.goodness)
        .slice(0, MOST)
        .map(point => ({
          x: point.x,
          y: point.y,
          label: `trial ${point.number}: ${Number(point.value.toPrecision(4))}`,
          shade: point.goodness,
          hollow: !point.feasible,
        })),
    }),
  ),
})
