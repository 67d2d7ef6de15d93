import { regionsAbove } from './contour.js'
import { LABEL, type Shape, textShape, textWidth } from './head.js'
import { axisKind, axisNumber, axisStyle, type Frame, type Plot, type PlotContext, shareOf } from './plot.js'
import type { SurfaceChart } from './record.js'
import { colourOf, mix } from './theme.js'

const LEVELS = 14
/** How many of the best values' tenfolds a logarithmic surface tells apart. */
const DECADES = 5

/** Borders between the steps of ground, ascending. */
export function levelsOf({ values, log = false }: Pick<SurfaceChart, 'values' | 'log'>): number[] {
  const all = values.flat().filter(Number.isFinite)
  const [low, high] = all.reduce(([a, b], v) => [Math.min(a, v), Math.max(b, v)], [Infinity, -Infinity])
  if (!log || high <= 0) return Array.from({ length: LEVELS }, (_, i) => low + ((high - low) * (i + 1)) / (LEVELS + 1))
  const floor = Math.max(low, high / 10 ** DECADES)
  return Array.from({ length: LEVELS }, (_, i) => floor * (high / floor) ** ((i + 1) / (LEVELS + 1)))
}

/** Filled contours, paths with a halo of paper around them, starts as rings, ends as dots, marks as stars. */
export function surfacePlot(chart: SurfaceChart, { theme, ink, width, height }: PlotContext): Plot {
  const levels = levelsOf(chart)
  const [lowest, highest] = ink.ground
  const ground = (step: number) => mix(lowest, highest, step / levels.length)
  const paths = (chart.paths ?? []).map((path, i) => ({ ...path, colour: colourOf(theme, path.group ?? i) }))
  const [x0, x1] = [chart.x[0]!, chart.x.at(-1)!]
  const [y0, y1] = [chart.y[0]!, chart.y.at(-1)!]
  const labels = keyLabels(levels)
  const key = Math.max(...labels.map(({ text }) => textWidth(text, 11)), textWidth(chart.valueLabel, 11) - 20) + 34
  const dots = (chart.points ?? []).length > 0
  const axis = (name: string, min: number, max: number, log = false) => ({
    ...axisStyle(ink),
    ...axisKind(log, min, max),
    min,
    max,
    name,
    splitLine: { show: false },
    // The ends of an axis are named where they are round.
    axisLabel: {
      ...axisStyle(ink).axisLabel,
      showMinLabel: Number(min.toFixed(1)) === min,
      showMaxLabel: Number(max.toFixed(1)) === max,
    },
    axisLine: { onZero: false, lineStyle: { color: ink.grid } },
    z: 5,
  })
  return {
    yLabel: chart.yLabel,
    legend: paths.map(({ name, colour }) => ({ name, colour })),
    margin: { left: 46, right: Math.ceil(key), bottom: 40 },
    height: Math.max(height, Math.min(width - 46 - key, 420) * 0.8),
    xAxis: {
      ...axis(chart.xLabel, x0, x1, chart.xLog),
      nameLocation: 'middle',
      nameGap: 24,
      nameTextStyle: { color: ink.faint, fontSize: LABEL },
    },
    yAxis: { ...axis('', y0, y1, chart.yLog) },
    series: [],
    layers: frame => {
      const place = ([x, y]: readonly [number, number]): readonly [number, number] => [
        frame.left + shareOf(x, [x0, x1], chart.xLog) * (frame.right - frame.left),
        frame.bottom - shareOf(y, [y0, y1], chart.yLog) * (frame.bottom - frame.top),
      ]
      return [
        { z: 1, shapes: [...land(frame), ...scaleKey(frame)] },
        ...(dots ? [{ z: 2, shapes: (chart.points ?? []).map(point => dotAt(point, place([point.x, point.y]))) }] : []),
        { z: 3, clip: true, shapes: paths.flatMap(path => track(path, place)) },
        { z: 4, shapes: (chart.marks ?? []).flatMap(mark => star(mark, place([mark.x, mark.y]), frame)) },
      ]
    },
  }

  function land(frame: Frame): Shape[] {
    const columns = chart.x.length - 1
    const rows = chart.y.length - 1
    const spot = ([c, r]: readonly [number, number]) =>
      `${(frame.left + (c / columns) * (frame.right - frame.left)).toFixed(1)} ${(frame.bottom - (r / rows) * (frame.bottom - frame.top)).toFixed(1)}`
    const whole = { x: frame.left, y: frame.top, width: frame.right - frame.left, height: frame.bottom - frame.top }
    return [
      { type: 'rect', shape: whole, style: { fill: ground(0) } },
      ...levels.flatMap((level, i) => {
        const rings = regionsAbove(chart.values, level)
        if (rings.length === 0) return []
        const pathData = rings.map(ring => `M${ring.map(spot).join('L')}Z`).join('')
        // Holes run the other way round than borders: the default rule leaves them open.
        return [
          {
            type: 'path',
            shape: { pathData },
            style: { fill: ground(i + 1), stroke: ink.text, lineWidth: 0.4, strokeOpacity: 0.22 },
          },
        ]
      }),
    ]
  }

  function track(
    path: (typeof paths)[number],
    place: (point: readonly [number, number]) => readonly [number, number],
  ): Shape[] {
    if (path.points.length === 0) return []
    const points = apart(path.points.map(place))
    const line = `M${points.map(([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`).join('L')}`
    const stroke = (colour: string, lineWidth: number): Shape => ({
      type: 'path',
      shape: { pathData: line },
      style: { fill: 'none', stroke: colour, lineWidth, lineJoin: 'round', lineCap: 'round' },
    })
    const dot = ([cx, cy]: readonly [number, number], r: number, fill: string, edge: string): Shape => ({
      type: 'circle',
      shape: { cx, cy, r },
      style: { fill, stroke: edge, lineWidth: 1.8 },
    })
    return [
      ...(points.length > 1 ? [stroke(ink.paper, 4.2), stroke(path.colour, 2)] : []),
      dot(points[0]!, 4.5, ink.paper, ink.text),
      dot(points.at(-1)!, 5, path.colour, ink.paper),
    ]
  }

  function dotAt({ hollow = false }: { hollow?: boolean }, [cx, cy]: readonly [number, number]): Shape {
    const style = hollow
      ? { fill: 'none', stroke: ink.faint, lineWidth: 1 }
      : { fill: ink.text, stroke: ink.paper, lineWidth: 0.8 }
    return { type: 'circle', shape: { cx, cy, r: 2.6 }, style }
  }

  function star({ label }: { label: string }, [cx, cy]: readonly [number, number], frame: Frame): Shape[] {
    const wide = textWidth(label, LABEL)
    const right = cx + 12 + wide < frame.right
    return [
      {
        type: 'path',
        shape: { pathData: starPath(cx, cy) },
        style: { fill: ink.text, stroke: ink.paper, lineWidth: 1.2 },
      },
      textShape(right ? cx + 12 : cx - 12 - wide, cy - 6, label, ink.text, LABEL, { stroke: ink.paper, lineWidth: 3 }),
    ]
  }

  /** What the steps of ground stand for: a strip at the right, lowest at the bottom. */
  function scaleKey(frame: Frame): Shape[] {
    const x = frame.right + 14
    const step = (frame.bottom - frame.top) / (levels.length + 1)
    return [
      ...levels.concat(0).map((_, i) => ({
        type: 'rect',
        shape: { x, y: frame.bottom - (i + 1) * step, width: 10, height: step + 0.5 },
        style: { fill: ground(i) },
      })),
      ...labels.map(({ index, text }) =>
        textShape(x + 15, frame.bottom - (index + 1) * step - 5.5, text, ink.faint, 11),
      ),
      textShape(x + 10 + key - 34 + 10, frame.top - 17, chart.valueLabel, ink.faint, 11, { align: 'right' }),
    ]
  }
}

/** Without the points that nobody could tell from the one before; first and last stay. */
const apart = (points: readonly (readonly [number, number])[]): (readonly [number, number])[] => {
  const kept: (readonly [number, number])[] = []
  points.forEach((point, i) => {
    const before = kept.at(-1)
    const far = before === undefined || Math.hypot(point[0] - before[0], point[1] - before[1]) > 1
    if (far || i === points.length - 1) kept.push(point)
  })
  return kept
}

const starPath = (cx: number, cy: number): string => {
  const corner = (i: number) => {
    const [angle, r] = [(Math.PI * i) / 5 - Math.PI / 2, i % 2 === 0 ? 9 : 3.8]
    return `${(cx + r * Math.cos(angle)).toFixed(1)} ${(cy + r * Math.sin(angle)).toFixed(1)}`
  }
  return `M${Array.from({ length: 10 }, (_, i) => corner(i)).join('L')}Z`
}

/** Every third level, in three digits. */
const keyLabels = (levels: readonly number[]) =>
  levels.flatMap((level, index) => (index % 3 === 1 ? [{ index, text: axisNumber(Number(level.toPrecision(2))) }] : []))
