import { LABEL, type Shape, textShape, textWidth } from './head.js'
import { axisStyle, type Frame, type Plot, type PlotContext } from './plot.js'
import type { BarChart } from './record.js'
import { colourOf } from './theme.js'

const ROW = 30

/** Rows with bars from the left, or with dots joined by the difference between them; whiskers show ranges. */
export function barsPlot(chart: BarChart, { theme, ink, width }: PlotContext): Plot {
  const dots = chart.mark === 'dot'
  const n = chart.series.length
  const colour = (i: number) => colourOf(theme, chart.series[i]!.group ?? i)
  const row = dots ? ROW : Math.max(ROW, 12 + 14 * n)
  const names = Math.max(...chart.categories.map(name => textWidth(name, LABEL)), 20)
  const left = Math.min(Math.ceil(names) + 12, Math.floor(width * 0.4))
  const values = chart.series.flatMap(s => [...s.values, ...(s.ranges ?? []).flat()])
  const reference = chart.reference === undefined ? [] : [chart.reference.value]
  const [low, high] = chart.valueRange ?? [
    dots ? Math.min(...values, ...reference) : Math.min(0, ...values, ...reference),
    Math.max(...values, ...reference),
  ]
  const pad = chart.valueRange === undefined ? (high - low || 1) * 0.06 : 0
  return {
    yLabel: '',
    legend: n > 1 ? chart.series.map((s, i) => ({ name: s.name, colour: colour(i), dot: true })) : [],
    margin: { left, right: 18, bottom: 40, top: chart.reference === undefined ? 0 : 14 },
    height: row * chart.categories.length,
    xAxis: {
      ...axisStyle(ink),
      type: 'value',
      min: dots || low < 0 ? low - pad : low,
      max: high + pad,
      axisLine: { show: false },
      name: chart.valueLabel,
      nameLocation: 'middle',
      nameGap: 24,
      nameTextStyle: { color: ink.faint, fontSize: LABEL },
      axisLabel: { ...axisStyle(ink).axisLabel, showMinLabel: pad === 0, showMaxLabel: pad === 0 },
    },
    yAxis: {
      type: 'category',
      data: [...chart.categories],
      inverse: true,
      axisTick: { show: false },
      axisLine: { lineStyle: { color: ink.grid } },
      axisLabel: { color: ink.text, fontSize: LABEL, width: left - 10, overflow: 'truncate' },
    },
    series: [
      {
        type: 'custom',
        clip: false,
        data: chart.categories.map((_, i) => [chart.series[0]!.values[i]!, i]),
        renderItem: (
          { dataIndex: i }: { dataIndex: number },
          api: { coord(point: readonly number[]): readonly [number, number] },
        ) => ({ type: 'group', children: rowShapes(i, value => api.coord([value, i]), Math.max(low, 0)) }),
      },
    ],
    layers: frame =>
      chart.reference === undefined
        ? []
        : [{ z: 1, shapes: referenceLine(frame, [low - (dots || low < 0 ? pad : 0), high + pad]) }],
  }

  function rowShapes(i: number, place: (value: number) => readonly [number, number], zero: number): Shape[] {
    const shapes: Shape[] = []
    const at = chart.series.map(s => place(s.values[i]!))
    if (dots && n > 1) {
      const xs = at.map(([x]) => x)
      const y = at[0]![1]
      shapes.push({
        type: 'line',
        shape: { x1: Math.min(...xs), y1: y, x2: Math.max(...xs), y2: y },
        style: { stroke: ink.muted, lineWidth: 5, lineCap: 'round' },
      })
    }
    chart.series.forEach((s, k) => {
      const [x, middle] = at[k]!
      const y = dots ? middle : middle + (k - (n - 1) / 2) * 14
      if (!dots) {
        const [x0] = place(zero)
        const bar = { x: Math.min(x0, x), y: y - 5, width: Math.max(Math.abs(x - x0), 0.5), height: 10, r: 2 }
        shapes.push({ type: 'rect', shape: bar, style: { fill: colour(k) } })
      }
      const range = s.ranges?.[i]
      if (range !== undefined)
        shapes.push({
          type: 'line',
          shape: { x1: place(range[0])[0], y1: y, x2: place(range[1])[0], y2: y },
          style: { stroke: dots ? colour(k) : ink.text, lineWidth: dots ? 2 : 1.4, lineCap: 'round' },
        })
      if (dots)
        shapes.push({
          type: 'circle',
          shape: { cx: x, cy: y, r: 5.5 },
          style: { fill: colour(k), stroke: ink.paper, lineWidth: 1.5 },
        })
    })
    return shapes
  }

  function referenceLine(frame: Frame, [from, to]: readonly [number, number]): Shape[] {
    const { value, label } = chart.reference!
    const x = frame.left + ((value - from) / (to - from)) * (frame.right - frame.left)
    const wide = textWidth(label, 11)
    return [
      {
        type: 'line',
        shape: { x1: x, y1: frame.top - 2, x2: x, y2: frame.bottom },
        style: { stroke: ink.faint, lineWidth: 1, lineDash: [3, 3] },
      },
      textShape(Math.min(Math.max(x - wide / 2, 0), frame.right - wide), frame.top - 15, label, ink.faint, 11),
    ]
  }
}
