import type { Panels, SurfaceChart } from '../../report/index.js'
import { isFeasible } from '../constraints.js'
import type { FloatDistribution } from '../distribution.js'
import type { Direction, FrozenTrial } from '../frozen-trial.js'
import { sign } from '../pareto.js'
import type { StudyView } from '../samplers/sampler.js'
import type { ParameterOptions } from './parallel-coordinates.js'
import { type Parameter, parametersOf, placeOf } from './parameters.js'
import { pairsOf } from './rank.js'
import { surrogateOf } from './surrogate.js'
import { measureOf, missingTrials } from './view.js'

/** The value over pairs of numeric parameters. */
export interface Contour {
  readonly name: string
  readonly direction: Direction
  readonly panels: readonly {
    readonly x: Parameter
    readonly y: Parameter
    readonly xs: readonly number[]
    readonly ys: readonly number[]
    /** `values[row][column]`: what a Gaussian process fitted to the trials expects at (xs[column], ys[row]). */
    readonly values: readonly (readonly number[])[]
    readonly points: readonly {
      readonly number: number
      readonly x: number
      readonly y: number
      readonly value: number
      readonly feasible: boolean
    }[]
  }[]
  readonly missing: string | null
}

const GRID = 36
/** Fewer trials than these tell nothing of a plane. */
const LEAST = 5
/** More make the fit long and the picture no better: the best and evenly chosen others stand for all. */
const MOST = 150

export function contour(view: StudyView, options: ParameterOptions = {}): Contour {
  const { name, direction, trials } = measureOf(view, options)
  const parameters = parametersOf(
    trials.map(({ trial }) => trial),
    options.params,
  ).filter(parameter => parameter.kind === 'number' && !parameter.single)
  const panels = pairsOf(parameters).flatMap(([x, y]) => {
    const having = trials.filter(({ trial }) => placeOf(x, trial) !== null && placeOf(y, trial) !== null)
    return having.length < LEAST ? [] : [panelOf(x, y, having, direction)]
  })
  return {
    name,
    direction,
    panels,
    missing:
      missingTrials(view) ??
      (parameters.length < 2
        ? 'Fewer than two numeric parameters vary.'
        : panels.length === 0
          ? `No two numeric parameters have ${LEAST} complete trials together.`
          : null),
  }
}

function panelOf(
  x: Parameter,
  y: Parameter,
  having: readonly { readonly trial: FrozenTrial; readonly value: number }[],
  direction: Direction,
) {
  const range = ({ range: [low, high], log }: Parameter): FloatDistribution => ({
    type: 'float',
    low,
    high,
    log,
    step: null,
  })
  const space = { [x.name]: range(x), [y.name]: range(y) }
  // A few very bad values would make all else one plain.
  const losses = having.map(({ value }) => sign(direction) * value)
  const sorted = [...losses].sort((a, b) => a - b)
  const at = (share: number) => sorted[Math.round(share * (sorted.length - 1))]!
  const limit = at(0.75) + 1.5 * (at(0.75) - at(0.25))
  const ranked = having
    .map((entry, i) => ({ ...entry, loss: Math.min(losses[i]!, limit) }))
    .sort((a, b) => a.loss - b.loss)
  const rest = ranked.slice(MOST / 2)
  const every = Math.max(rest.length / (MOST / 2), 1)
  const chosen = [
    ...ranked.slice(0, MOST / 2),
    ...rest.filter((_, i) => Math.floor(i / every) !== Math.floor((i - 1) / every)),
  ]
  const surrogate = surrogateOf(
    space,
    chosen.map(({ trial }) => trial),
    chosen.map(({ loss }) => loss),
  )
  const unit = Array.from({ length: GRID }, (_, i) => i / (GRID - 1))
  const grid = Float64Array.from(unit.flatMap(v => unit.flatMap(u => [u, v])))
  const { mean } = surrogate.at(grid)
  const { mean: centre, deviation } = surrogate.scale
  const axis = ({ range: [low, high], log }: Parameter) =>
    unit.map(u => (log ? low * (high / low) ** u : low + u * (high - low)))
  return {
    x,
    y,
    xs: axis(x),
    ys: axis(y),
    values: unit.map((_, row) =>
      unit.map((_, column) => sign(direction) * (mean[row * GRID + column]! * deviation + centre)),
    ),
    points: having.map(({ trial, value }) => ({
      number: trial.number,
      x: placeOf(x, trial)!,
      y: placeOf(y, trial)!,
      value,
      feasible: isFeasible(trial),
    })),
  }
}

const MOST_POINTS = 200

export const contourCharts = ({ name, direction, panels }: Contour): Panels => ({
  kind: 'panels',
  title: 'The value over pairs of parameters',
  note: `Ground: what a Gaussian process fitted to the trials expects of the ${name} when the other parameters are left open, very bad values cut off; dark is low (${direction === 'minimize' ? 'better' : 'worse'}). Dots: complete trials that have both; the star is the best of them.`,
  panels: panels.map(({ x, y, xs, ys, values, points }): SurfaceChart => {
    const ranked = [...points].sort((a, b) => sign(direction) * (a.value - b.value))
    const best = ranked.find(point => point.feasible)
    return {
      kind: 'surface',
      title: `${x.name} and ${y.name}`,
      xLabel: x.name,
      yLabel: y.name,
      valueLabel: name,
      x: xs,
      y: ys,
      xLog: x.log,
      yLog: y.log,
      values,
      points: ranked.slice(0, MOST_POINTS).map(point => ({
        x: point.x,
        y: point.y,
        label: `trial ${point.number}: ${Number(point.value.toPrecision(4))}`,
        hollow: !point.feasible,
      })),
      marks: best === undefined ? [] : [{ x: best.x, y: best.y, label: 'best' }],
    }
  }),
})
