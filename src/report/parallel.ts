import { LABEL, type Shape, textShape, textWidth } from './head.js'
import type { Frame, Plot, PlotContext } from './plot.js'
import type { ParallelChart } from './record.js'
import { legendOf } from './scatter.js'
import { shadeOf } from './theme.js'

const TICK = 10.5
const SIDE = 34

/** Upright axes side by side; the strong lines run over the faint ones. */
export function parallelPlot(chart: ParallelChart, { ink, width, height }: PlotContext): Plot {
  const n = chart.axes.length
  const step = (width - 2 * SIDE) / Math.max(n - 1, 1)
  // Names that are wider than their share of the width stand in two rows by turns.
  const staggered = n > 1 && chart.axes.some(axis => textWidth(axis.label, LABEL) > step - 8)
  const lines = [...chart.lines].sort((a, b) => a.shade - b.shade)
  const xOf = (frame: Frame, k: number) => (n === 1 ? (frame.left + frame.right) / 2 : frame.left + k * step)
  const hidden = { show: false, type: 'value', min: 0, max: 1 }
  return {
    yLabel: '',
    legend: chart.shades === undefined ? [] : legendOf(chart.shades, ink),
    margin: { left: SIDE, right: SIDE, bottom: 18, top: staggered ? 46 : 30 },
    height,
    xAxis: hidden,
    yAxis: hidden,
    series: [],
    layers: frame => [
      { z: 2, shapes: lines.map(line => track(line, frame)) },
      { z: 4, shapes: chart.axes.flatMap((_, k) => upright(k, frame)) },
    ],
  }

  function track({ at, shade }: ParallelChart['lines'][number], frame: Frame): Shape {
    let pathData = ''
    let pen = false
    at.forEach((place, k) => {
      if (place === null) {
        pen = false
        return
      }
      const y = frame.bottom - place * (frame.bottom - frame.top)
      const x = xOf(frame, k)
      pathData += `${pen ? 'L' : 'M'}${x.toFixed(1)} ${y.toFixed(1)}`
      // A value between two gaps has no line: it is a short stroke on its axis.
      if (!pen && (at[k + 1] ?? null) === null) pathData += `m-4 0l8 0`
      pen = true
    })
    return {
      type: 'path',
      silent: true,
      shape: { pathData: pathData || 'M0 0' },
      style: {
        fill: 'none',
        stroke: shadeOf(ink, shade),
        lineWidth: 1 + 1.2 * shade ** 2,
        opacity: 0.45 + 0.5 * shade,
        lineJoin: 'round',
      },
    }
  }

  function upright(k: number, frame: Frame): Shape[] {
    const { label, ticks } = chart.axes[k]!
    const x = xOf(frame, k)
    const room = staggered ? 2 * step - 10 : n === 1 ? width : step - 6
    const text = shortened(label, Math.max(room, 30))
    // Bold letters are wider.
    const wide = textWidth(text, LABEL * 1.16)
    const left = Math.min(Math.max(x - wide / 2, 0), width - wide)
    const row = staggered && k % 2 === 0 ? 42 : 26
    const halo = { stroke: ink.paper, lineWidth: 3 }
    return [
      {
        type: 'line',
        silent: true,
        shape: { x1: x, y1: frame.top, x2: x, y2: frame.bottom },
        style: { stroke: ink.faint, lineWidth: 1.2 },
      },
      textShape(left, frame.top - row, text, ink.text, LABEL, { fontWeight: 600 }),
      ...ticks.map(tick => {
        const y = frame.bottom - tick.at * (frame.bottom - frame.top)
        const words = shortened(tick.text, Math.max(step - 8, 26))
        const last = k === n - 1 && n > 1
        return last
          ? textShape(x - 5, y - TICK / 2, words, ink.text, TICK, { ...halo, align: 'right' })
          : textShape(x + 5, y - TICK / 2, words, ink.text, TICK, halo)
      }),
    ]
  }
}

function shortened(text: string, room: number): string {
  if (textWidth(text, LABEL) <= room) return text
  let kept = text
  while (kept.length > 1 && textWidth(`${kept}…`, LABEL) > room) kept = kept.slice(0, -1)
  return `${kept}…`
}
