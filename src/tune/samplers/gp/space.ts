import { cardinality, type Distribution, snap } from '../../distribution.js'
import type { SearchSpace } from '../sampler.js'

/** One parameter as an axis of the unit cube. */
export interface Axis {
  readonly categorical: boolean
  /** How many places it has; Infinity where it is continuous. */
  readonly count: number
  /** Where an internal value lies; of a choice its number. */
  toUnit(internal: number): number
  /** The internal value nearest to a place. */
  toInternal(place: number): number
  /** The place of the `i`-th value of one that is not continuous. */
  place(i: number): number
  /** The place to which `u` of [0, 1) leads when values are drawn evenly. */
  draw(u: number): number
  /** The number of the value at a place. */
  indexOf(place: number): number
}

/** Ranges as [0, 1], in logarithms where they are ones of `log`, half a step beyond the outermost values of a grid. */
export const axesOf = (space: SearchSpace): Axis[] => Object.values(space).map(axisOf)

function axisOf(d: Distribution): Axis {
  const count = cardinality(d)
  if (d.type === 'categorical') {
    const nearest = (place: number) => Math.min(Math.max(Math.round(place), 0), count - 1)
    return {
      categorical: true,
      count,
      toUnit: internal => internal,
      toInternal: nearest,
      place: i => i,
      draw: u => Math.min(Math.floor(u * count), count - 1),
      indexOf: nearest,
    }
  }
  const half = d.step === null ? 0 : d.step / 2
  const scaled = d.log ? Math.log : (x: number) => x
  const [low, high] = [scaled(d.low - half), scaled(d.high + half)]
  const toUnit = (x: number) => (high === low ? 0.5 : (scaled(x) - low) / (high - low))
  const toInternal = (place: number) => {
    const x = low + place * (high - low)
    return snap(d, d.log ? Math.exp(x) : x)
  }
  const place = (i: number) => toUnit(snap(d, d.low + i * d.step!))
  return {
    categorical: false,
    count,
    toUnit,
    toInternal,
    place,
    draw: d.step === null ? u => u : u => toUnit(toInternal(u)),
    indexOf: at => (d.step === null ? Number.NaN : Math.round((toInternal(at) - d.low) / d.step)),
  }
}
