import type { LegendEntry, Shape } from './head.js'
import type { Axis } from './record.js'
import type { Ink, Theme } from './theme.js'

/** What a kind of chart says of itself: the common frame is drawn around it. */
export interface Plot {
  /** What stands above the plot at the left. */
  readonly yLabel: string
  readonly legend: readonly LegendEntry[]
  /** Space around the plot. */
  readonly margin: { readonly left: number; readonly right: number; readonly bottom: number; readonly top?: number }
  /** Height of the plot itself. */
  readonly height: number
  readonly xAxis: object
  readonly yAxis: object
  readonly series: readonly object[]
  /** Shapes in pixels, placed by the plot's frame, from the lowest layer up. */
  readonly layers?: (frame: Frame) => readonly Layer[]
}

export interface Layer {
  readonly z: number
  /** Cut off at the plot's border. Default false. */
  readonly clip?: boolean
  readonly shapes: readonly Shape[]
}

/** The plot's rectangle in pixels. */
export interface Frame {
  readonly left: number
  readonly top: number
  readonly right: number
  readonly bottom: number
}

export interface PlotContext {
  readonly theme: Theme
  readonly ink: Ink
  readonly width: number
  /** Height of the plot wished for, without title and legend. */
  readonly height: number
}

/** The look every axis shares. */
export const axisStyle = (ink: Ink) => ({
  axisLabel: { color: ink.faint, fontSize: 11, hideOverlap: true, formatter: axisNumber },
  axisLine: { show: true, lineStyle: { color: ink.grid } },
  axisTick: { show: false },
  splitLine: { lineStyle: { color: ink.grid } },
  minorTick: { show: false },
})

/** What kind of axis there is between two ends: logarithmic ones of less than two decades have their ticks at powers of two. */
export const axisKind = (log: boolean | undefined, min: number, max: number) =>
  log ? { type: 'log', logBase: max / min < 100 ? 2 : 10 } : { type: 'value' }

/** Where a value lies between the ends of an axis: 0 … 1. */
export function shareOf(value: number, [low, high]: readonly [number, number], log = false): number {
  if (low === high) return 0.5
  return log ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low)
}

/** The ends of an axis: as given, around names, or a little beyond its values. */
export function rangeOf(
  axis: Pick<Axis, 'log' | 'names' | 'range'>,
  values: readonly number[],
): readonly [number, number] {
  if (axis.range !== undefined) return axis.range
  if (axis.names !== undefined) return [-0.5, axis.names.length - 0.5]
  const finite = values.filter(Number.isFinite)
  const [low, high] = finite.reduce(([a, b], v) => [Math.min(a, v), Math.max(b, v)], [Infinity, -Infinity])
  if (low > high) return axis.log ? [1, 10] : [0, 1]
  if (axis.log) {
    const pad = low === high ? 2 : (high / low) ** 0.04
    return [low / pad, high * pad]
  }
  const pad = low === high ? Math.abs(low) * 0.1 || 1 : (high - low) * 0.04
  return [low - pad, high + pad]
}

/** Numbers as people write them: 0.001, 25,000, 1e−6. */
export function axisNumber(value: number): string {
  const size = Math.abs(value)
  if (size !== 0 && (size < 1e-4 || size >= 1e6)) {
    const [digits, power] = value.toExponential(1).replace('.0', '').split('e')
    return `${digits}e${power!.replace('+', '').replace('-', '−')}`
  }
  return String(Number(value.toPrecision(6)))
    .replace('-', '−')
    .replace(/\B(?=(\d{3})+$)/g, size >= 10000 ? ',' : '')
}
