import type { Axis, Panels, ScatterChart } from '../../report/index.js'
import { isFeasible } from '../constraints.js'
import type { Direction } from '../frozen-trial.js'
import type { StudyView } from '../samplers/sampler.js'
import type { ParameterOptions } from './parallel-coordinates.js'
import { type Parameter, parametersOf, placeOf, sometimes } from './parameters.js'
import { valueAxis } from './value-axis.js'
import { measureOf, missingTrials } from './view.js'

/** The value over each parameter. */
export interface Slice {
  readonly name: string
  readonly direction: Direction
  readonly trials: number
  readonly panels: readonly {
    readonly parameter: Parameter
    readonly points: readonly {
      readonly number: number
      readonly place: number
      readonly value: number
      readonly feasible: boolean
    }[]
  }[]
  readonly missing: string | null
}

export function slice(view: StudyView, options: ParameterOptions = {}): Slice {
  const { name, direction, trials } = measureOf(view, options)
  const parameters = parametersOf(
    trials.map(({ trial }) => trial),
    options.params,
  )
  return {
    name,
    direction,
    trials: trials.length,
    panels: parameters.map(parameter => ({
      parameter,
      points: trials.flatMap(({ trial, value }) => {
        const place = placeOf(parameter, trial)
        return place === null ? [] : [{ number: trial.number, place, value, feasible: isFeasible(trial) }]
      }),
    })),
    missing: missingTrials(view) ?? (parameters.length === 0 ? 'The trials have no parameters.' : null),
  }
}

/** An axis for a parameter, its range a little widened so that points on its ends are seen whole. */
export function axisOf({ name, kind, log, range: [low, high], choices }: Parameter): Axis {
  if (kind === 'choice') return { label: name, names: choices }
  if (low === high) return { label: name }
  const [a, b] = log ? [Math.log(low), Math.log(high)] : [low, high]
  const pad = (b - a) * 0.04
  return { label: name, log, range: log ? [Math.exp(a - pad), Math.exp(b + pad)] : [a - pad, b + pad] }
}

/** Points that a small picture can hold; the newest are kept. */
const MOST = 200

export function sliceCharts({ name, direction, trials, panels }: Slice): Panels {
  const last = Math.max(...panels.flatMap(({ points }) => points.map(point => point.number)), 1)
  const { note, yLog = false, yRange } = valueAxis(panels[0]?.points.map(point => point.value) ?? [], direction)
  const y: Axis = { label: name, log: yLog, ...(yRange === undefined ? {} : { range: yRange }) }
  return {
    kind: 'panels',
    title: `${name[0]!.toUpperCase()}${name.slice(1)} over each parameter`,
    note: `Each dot is a complete trial, the later the stronger; outlines violate constraints. ${direction === 'minimize' ? 'Less' : 'More'} is better.${note === undefined ? '' : ` ${note}`}`,
    panels: panels
      .filter(({ parameter }) => !parameter.single)
      .map(
        ({ parameter, points }): ScatterChart => ({
          kind: 'scatter',
          title: `${parameter.name}${sometimes(parameter, trials)}`,
          x: axisOf(parameter),
          y,
          points: points
            .slice(-MOST)
            .filter(({ value }) => yRange === undefined || (value >= yRange[0] && value <= yRange[1]))
            .map(({ number, place, value, feasible }) => ({
              x: place,
              y: value,
              label: `trial ${number}`,
              shade: number / last,
              hollow: !feasible,
            })),
        }),
      ),
  }
}
