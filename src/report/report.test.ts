import { beforeAll, describe, expect, test } from 'vitest'
import {
  type BarChart,
  type Chart,
  chartSvg,
  chartTable,
  chartText,
  type HistogramChart,
  type LineChart,
  type Report,
  reportHtml,
  reportText,
  type SurfaceChart,
  sparkline,
} from './index.js'
import { levelsOf } from './surface.js'
import { tipsOf } from './tips.js'

const lines: LineChart = {
  title: 'Accuracy & gap',
  xLabel: 'epoch',
  yLabel: 'share right',
  note: 'Bands: lowest to highest of 5 seeds.',
  series: [
    { name: 'plain', points: [1, 2, 3].map(x => [x, 0.1 * x]), muted: true },
    {
      name: 'L2 "strong"',
      points: [1, 2, 3].map(x => [x, 0.2 * x]),
      band: [1, 2, 3].map(x => [x, 0.2 * x - 0.05, 0.2 * x + 0.05]),
    },
  ],
}
const bars: BarChart = {
  kind: 'bars',
  title: 'Training and validation',
  valueLabel: 'share right',
  mark: 'dot',
  categories: ['plain', 'L1'],
  series: [
    {
      name: 'training',
      values: [1, 0.95],
      ranges: [
        [0.99, 1],
        [0.94, 0.96],
      ],
    },
    { name: 'validation', values: [0.85, 0.88] },
  ],
  reference: { value: 0.85, label: 'plain' },
}
const histogram: HistogramChart = {
  kind: 'histogram',
  title: 'Weights',
  xLabel: 'weight',
  yLabel: 'share',
  layout: 'ridges',
  edges: [-1, -0.5, 0, 0.5, 1],
  series: [
    { name: 'plain', shares: [0.1, 0.4, 0.4, 0.1], remark: '3 % near 0' },
    { name: 'L1', shares: [0, 0.5, 0.5, 0] },
  ],
}
const axis = Array.from({ length: 21 }, (_, i) => -2 + i / 5)
const surface: SurfaceChart = {
  kind: 'surface',
  title: 'Bowl',
  xLabel: 'x',
  yLabel: 'y',
  valueLabel: 'f(x, y)',
  x: axis,
  y: axis,
  values: axis.map(y => axis.map(x => x * x + y * y)),
  paths: [
    {
      name: 'sgd',
      points: [
        [-1.6, 1.6],
        [-1, 1],
        [0, 0.2],
      ],
    },
  ],
  marks: [{ x: 0, y: 0, label: 'minimum' }],
}
const charts: readonly Chart[] = [lines, bars, histogram, surface]
const report: Report = {
  title: 'A <report>',
  lead: 'What it is.',
  sections: [
    {
      heading: 'All',
      text: ['1 < 2'],
      table: { columns: [{ title: 'a' }], rows: [['b']], caption: 'c' },
      charts: [...charts, { kind: 'panels', title: 'Side by side', note: 'Grey: plain.', panels: [lines, lines] }],
    },
  ],
}

describe.each(charts.map(chart => [chart.kind ?? 'lines', chart] as const))('a chart of %s', (_, chart) => {
  test('is well-formed XML in light and dark, wide and narrow, with its title and its names', async () => {
    for (const theme of ['light', 'dark'] as const)
      for (const width of [620, 320]) {
        const svg = await chartSvg(chart, theme, { width })
        const tags = svg.match(/<[^!?/][^>]*>/g)!
        for (const tag of tags) expect(tag).toMatch(/^<[\w:]+(\s+[\w:-]+="[^"<]*")*\s*\/?>$/)
        expect(svg).not.toMatch(/NaN|undefined|zr0-cls|ecmeta/)
        for (const word of chart.title.replace('&', '&amp;').split(' ')) expect(svg).toContain(word)
      }
  })

  test('is told in numbers and as text too', () => {
    const table = chartTable(chart)
    for (const row of table.rows) expect(row).toHaveLength(table.columns.length)
    expect(chartText(chart)).toContain(chart.title)
    expect(JSON.parse(JSON.stringify(chart))).toEqual(chart)
  })

  test('has places for a pointer inside the plot', () => {
    const { at } = tipsOf(chart)
    expect(at.length).toBeGreaterThan(1)
    for (const [x, y, text] of at) {
      expect(x >= 0 && x <= 1 && y >= 0 && y <= 1).toBe(true)
      expect(text.length).toBeGreaterThan(3)
    }
  })
})

test('a legend that needs more rows pushes the plot down instead of covering it', async () => {
  const many = (count: number): LineChart => ({
    ...lines,
    series: Array.from({ length: count }, (_, i) => ({ name: `a rather long name ${i}`, points: [[1, i] as const] })),
  })
  const height = async (chart: LineChart) =>
    Number(/height="(\d+)"/.exec(await chartSvg(chart, 'light', { width: 340 }))![1])
  expect(await height(many(8))).toBeGreaterThan((await height(many(2))) + 50)
})

test('context stands behind and is not in the legend, the table or the words of a pointer', async () => {
  expect(await chartSvg(lines, 'light')).not.toContain('>plain<')
  expect(chartTable(lines).columns.map(c => c.title)).toEqual(['epoch', 'L2 "strong"'])
  expect(tipsOf(lines).at[1]![2]).toBe('epoch 2\nL2 "strong" 0.4 (0.35 … 0.45)')
})

test('a table of many points is thinned, first and last kept', () => {
  const long = { ...lines, series: [{ name: 'a', points: Array.from({ length: 1000 }, (_, x) => [x, x] as const) }] }
  const { rows } = chartTable(long)
  expect(rows.length).toBeLessThan(30)
  expect([rows[0]![0], rows.at(-1)![0]]).toEqual(['0', '999'])
})

test('a surface tells where paths end and how high the ground is there', () => {
  expect(chartTable(surface).rows).toEqual([
    ['sgd', '3', '(−1.6, 1.6)', '(0, 0.2)', '0.04'],
    ['minimum', '', '', '(0, 0)', '0'],
  ])
})

test('the levels of a surface rise by equal steps, or by equal ratios over at most five tenfolds', () => {
  const steps = levelsOf(surface)
  expect(steps[1]! - steps[0]!).toBeCloseTo(steps.at(-1)! - steps.at(-2)!)
  const ratios = levelsOf({ ...surface, log: true })
  expect(ratios[1]! / ratios[0]!).toBeCloseTo(ratios.at(-1)! / ratios.at(-2)!)
  expect(ratios[0]!).toBeGreaterThanOrEqual(8 / 1e5)
})

test('sparklines rise with their values, and a flat one stays low', () => {
  expect(sparkline([0, 1, 2, 3, 4, 5, 6, 7])).toBe('▁▂▃▄▅▆▇█')
  expect(sparkline([3, 3, 3])).toBe('▁▁▁')
})

describe('a page', () => {
  let html: string
  beforeAll(async () => {
    html = await reportHtml(report)
  })

  test('needs nothing but itself', () => {
    expect(html).not.toMatch(/\b(src|href)="|@import|url\((?!#)/)
    expect(html).toContain('A &lt;report&gt;')
    expect(html).toContain('1 &lt; 2')
  })

  test('holds every chart for light and for dark, and those that can be for phones too, each told in words and numbers', () => {
    const count = (what: RegExp) => html.match(what)?.length ?? 0
    expect(count(/<div class="drawing light wide"/g)).toBe(6)
    expect(count(/<div class="drawing dark wide"/g)).toBe(6)
    expect(count(/<div class="drawing light narrow"/g)).toBe(3)
    expect(count(/role="img" aria-label="/g)).toBe(18)
    expect(count(/<details>/g)).toBe(6)
    expect(count(/Save as SVG/g)).toBe(6)
    expect(html).toContain('Bands: lowest to highest of 5 seeds.')
    expect(html).toContain('id="theme"')
  })

  test('has no two things of one name', () => {
    const ids = [...html.matchAll(/ id="([^"]+)"/g)].map(match => match[1])
    expect(new Set(ids).size).toBe(ids.length)
  })

  test('is text for a terminal as well', () => {
    const text = reportText(report)
    for (const part of ['A <report>', 'What it is.', 'Side by side', 'L1', '3 % near 0']) expect(text).toContain(part)
  })
})
