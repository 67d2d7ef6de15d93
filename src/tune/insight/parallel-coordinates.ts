import { type ParallelChart, short } from '../../report/index.js'
import type { Direction } from '../frozen-trial.js'
import { sign } from '../pareto.js'
import type { StudyView } from '../samplers/sampler.js'
import { type Parameter, parametersOf, placeOf, valueText } from './parameters.js'
import { type MeasureOptions, missingTrials, objectiveNames, ratedOf } from './view.js'

export interface ParameterOptions extends MeasureOptions {
  /** Which parameters; default all of complete trials. */
  params?: readonly string[]
}

/** Each complete trial as a line across its objectives and parameters. */
export interface ParallelCoordinates {
  /** The objectives, or the target. */
  readonly measures: readonly { readonly name: string; readonly direction: Direction }[]
  readonly parameters: readonly Parameter[]
  readonly lines: readonly {
    readonly number: number
    /** One for each measure. */
    readonly values: readonly number[]
    /** From 0, the worst, to 1, the best, by rank; with several objectives by front. */
    readonly goodness: number
    /** For each parameter its value as a number; null where the trial has none. */
    readonly places: readonly (number | null)[]
    readonly texts: readonly string[]
  }[]
  readonly missing: string | null
}

export function parallelCoordinates(view: StudyView, options: ParameterOptions = {}): ParallelCoordinates {
  const { name, direction, trials, goodness } = ratedOf(view, options)
  const several = view.directions.length > 1 && options.objective === undefined && options.target === undefined
  const names = objectiveNames(view)
  const parameters = parametersOf(
    trials.map(({ trial }) => trial),
    options.params,
  )
  return {
    measures: several ? view.directions.map((direction, i) => ({ name: names[i]!, direction })) : [{ name, direction }],
    parameters,
    lines: trials.map(({ trial, value }, i) => ({
      number: trial.number,
      values: several ? trial.values! : [value],
      goodness: goodness[i]!,
      places: parameters.map(parameter => placeOf(parameter, trial)),
      texts: parameters.map(parameter => valueText(parameter, trial)),
    })),
    missing: missingTrials(view) ?? (parameters.length === 0 ? 'The trials have no parameters.' : null),
  }
}

const MOST = 250

export function parallelCoordinatesChart({ measures, parameters, lines }: ParallelCoordinates): ParallelChart {
  // Every objective's better end is above.
  const ends = measures.map(({ direction }, m) => {
    const losses = lines.map(line => sign(direction) * line.values[m]!)
    return { best: Math.min(...losses), worst: Math.max(...losses), way: sign(direction) }
  })
  const up = (value: number, m: number) => {
    const { best, worst, way } = ends[m]!
    return worst === best ? 1 : 1 - (way * value - best) / (worst - best)
  }
  const shown = [...lines].sort((a, b) => b.goodness - a.goodness).slice(0, MOST)
  return {
    kind: 'parallel',
    title: 'Trials across their parameters',
    axes: [
      ...measures.map(({ name }, m) => {
        const { best, worst, way } = ends[m]!
        const bottom = worst === best ? [] : [{ at: 0, text: short(way * worst) }]
        return { label: name, ticks: lines.length === 0 ? [] : [{ at: 1, text: short(way * best) }, ...bottom] }
      }),
      ...parameters.map(parameter => ({ label: parameter.name, ticks: ticksOf(parameter) })),
    ],
    lines: shown.map(line => ({
      label: `trial ${line.number}`,
      at: [
        ...line.values.map(up),
        ...line.places.map((place, k) => (place === null ? null : heightOf(parameters[k]!, place))),
      ],
      values: [...line.values.map(short), ...line.texts],
      shade: line.goodness,
    })),
    shades: ['worst', 'best'],
    note: `Each line is a trial; the best are drawn strongest, ${measures.length > 1 ? 'by Pareto front' : 'by rank'}. A gap: the trial was not asked for that parameter.${lines.length > MOST ? ` The best ${MOST} of ${lines.length} trials.` : ''}`,
  }
}

function heightOf({ range: [low, high], log }: Parameter, place: number): number {
  if (low === high) return 0.5
  return log ? Math.log(place / low) / Math.log(high / low) : (place - low) / (high - low)
}

function ticksOf(parameter: Parameter): { at: number; text: string }[] {
  const { kind, choices, range, log } = parameter
  const at = (place: number) => heightOf(parameter, place)
  if (kind === 'choice') return choices.map((text, place) => ({ at: at(place), text }))
  const [low, high] = range
  const middle = log ? Math.sqrt(low * high) : (low + high) / 2
  const places = low === high ? [low] : [low, middle, high]
  return places.map(place => ({
    at: at(place),
    text: short(place === middle && log ? Number(place.toPrecision(1)) : Number(place.toPrecision(3))),
  }))
}
