import type { LegendEntry, Shape } from './head.js'
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
