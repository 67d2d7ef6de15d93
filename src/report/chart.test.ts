import { expect, test } from 'vitest'
import { chartSvg } from './chart.js'
import type { LineChart } from './record.js'

const chart: LineChart = {
  title: 'Range test',
  xLabel: 'learning rate',
  yLabel: 'loss',
  xLog: true,
  marks: [{ x: 0.0023, label: 'valley' }],
  series: [{ name: 'loss', points: [-7, -5, -3, -1, 0.5].map(power => [10 ** power, power * power]) }],
}

test('a logarithmic axis names whole powers of ten, and a mark stands at its place however small', async () => {
  const svg = await chartSvg(chart, 'light')
  expect(svg).toContain('>10⁻⁷<')
  expect(svg).toContain('>10⁰<')
  expect(svg).not.toContain('>10¹<')
  expect(svg).toContain('>valley<')
})

test('a drawing is well-formed XML: no attribute ends before its time', async () => {
  const tags = (await chartSvg(chart, 'dark')).match(/<[^!?/][^>]*>/g)!
  for (const tag of tags) expect(tag).toMatch(/^<[\w:]+(\s+[\w:-]+="[^"<]*")*\s*\/?>$/)
})
