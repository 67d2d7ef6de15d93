import { describe, expect, test } from 'vitest'
import { chartSvg } from './chart.js'
import { reportHtml } from './html.js'
import { chartTable } from './numbers.js'
import { rangeOf, shareOf } from './plot.js'
import type { Chart, LineChart, ParallelChart, ScatterChart, SurfaceChart, TimelineChart } from './record.js'
import { chartText } from './text.js'
import { tipsOf } from './tips.js'

const scatter: ScatterChart = {
  kind: 'scatter',
  title: 'Dots',
  x: { label: 'rate', log: true, range: [1e-4, 1] },
  y: { label: 'kind', names: ['red', 'green', 'blue'] },
  points: [
    { x: 1e-2, y: 0, label: 'first', shade: 0 },
    { x: 1, y: 2, label: 'second', hollow: true },
  ],
  shades: ['early', 'late'],
}
const parallel: ParallelChart = {
  kind: 'parallel',
  title: 'Lines',
  axes: ['loss', 'a long name of a parameter', 'c'].map(label => ({
    label,
    ticks: [{ at: 1, text: `top of ${label}` }],
  })),
  lines: [
    { label: 'whole', at: [1, 0.5, 0], values: ['1', '2', '3'], shade: 1 },
    { label: 'broken', at: [1, null, 0], values: ['1', '—', '3'], shade: 0 },
  ],
}
const timeline: TimelineChart = {
  kind: 'timeline',
  title: 'When',
  xLabel: 'seconds',
  rowLabel: 'two at a time',
  rows: 2,
  bars: [
    { label: 'one', row: 0, from: 0, to: 4, kind: 0 },
    { label: 'two', row: 1, from: 1, to: 2, kind: 1 },
  ],
  kinds: [{ name: 'well' }, { name: 'ill' }, { name: 'never' }],
}
const surface: SurfaceChart = {
  kind: 'surface',
  title: 'Ground',
  xLabel: 'x',
  yLabel: 'y',
  valueLabel: 'height',
  x: [1, 10, 100],
  y: [0, 1, 2],
  xLog: true,
  values: [
    [0, 1, 2],
    [1, 2, 3],
    [2, 3, 4],
  ],
  points: [{ x: 10, y: 1, label: 'here' }],
}
const steps: LineChart = {
  title: 'Steps',
  xLabel: 'trial',
  yLabel: 'value',
  series: [
    {
      name: 'each',
      points: [
        [0, 3],
        [1, 1],
        [2, 2],
      ],
      draw: 'dots',
    },
    {
      name: 'best',
      points: [
        [0, 3],
        [1, 1],
        [2, 1],
      ],
      draw: 'steps',
    },
  ],
}
const all: readonly Chart[] = [scatter, parallel, timeline, surface, steps]

describe.each(all.map(chart => [chart.title, chart] as const))('%s', (_, chart) => {
  test.each(['light', 'dark'] as const)(
    'is well-formed on %s paper, wide and narrow, without a number that is none',
    async theme => {
      for (const width of [600, 320]) {
        const svg = await chartSvg(chart, theme, { width })
        expect(svg).not.toMatch(/NaN|undefined|Infinity/)
        for (const tag of svg.match(/<[^!?/][^>]*>/g)!) expect(tag).toMatch(/^<[\w:]+(\s+[\w:-]+="[^"<]*")*\s*\/?>$/)
      }
    },
  )
  test('says the same in numbers, and to a pointer within the plot', () => {
    expect(chartTable(chart).rows.length).toBeGreaterThan(0)
    expect(chartText(chart)).toContain(chart.title)
    const { at } = tipsOf(chart)
    expect(at.length).toBeGreaterThan(0)
    for (const [x, y] of at) expect(x >= 0 && x <= 1 && y >= 0 && y <= 1).toBe(true)
  })
})

test('a logarithmic axis of less than two decades has its ticks at powers of two', async () => {
  const svg = await chartSvg({ ...scatter, x: { label: 'units', log: true, range: [14, 280] as const } }, 'light')
  for (const tick of [32, 64, 128]) expect(svg).toContain(`>${tick}<`)
})

test('names stand on their axis, and shades in the legend', async () => {
  const svg = await chartSvg(scatter, 'light')
  for (const word of ['red', 'green', 'blue', 'early', 'late']) expect(svg).toContain(`>${word}<`)
  expect(chartTable(scatter).rows[1]).toEqual(['second', '1', 'blue'])
})

test('a line across upright axes is broken where it has no value, and a lonely value is a stroke', async () => {
  const svg = await chartSvg(parallel, 'light')
  const moves = [...svg.matchAll(/ d="(M[^"]*)"/g)].map(([, d]) => d!.match(/M/g)!.length)
  // Two values, each alone between gaps: a place to begin and a stroke, twice.
  expect(moves).toContain(4)
  expect(chartTable(parallel).rows[1]).toEqual(['broken', '1', '—', '3'])
})

test('the legend of a timeline has only kinds that are there', async () => {
  const svg = await chartSvg(timeline, 'light')
  expect(svg).toContain('>well<')
  expect(svg).not.toContain('>never<')
})

test('charts without points do not break a page', async () => {
  const empty: Chart[] = [
    { ...scatter, points: [] },
    { ...parallel, lines: [] },
    { ...timeline, bars: [], rows: 0 },
    { ...steps, series: [] },
  ]
  const html = await reportHtml({ title: 't', lead: '', sections: [{ heading: 'h', charts: empty }] })
  expect(html).not.toContain('NaN')
})

test('places on axes', () => {
  expect(shareOf(10, [1, 100], true)).toBeCloseTo(0.5)
  expect(shareOf(3, [3, 3])).toBe(0.5)
  expect(rangeOf({ names: ['a', 'b'] }, [])).toEqual([-0.5, 1.5])
  expect(rangeOf({}, [])).toEqual([0, 1])
  expect(rangeOf({}, [0, 100])).toEqual([-4, 104])
  const [low, high] = rangeOf({ log: true }, [1, 100])
  expect(low * high).toBeCloseTo(100)
})
