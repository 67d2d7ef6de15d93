import { drawChart, type Theme } from './chart.js'
import { chartTable, labelOf } from './numbers.js'
import { pageScript, pageStyle } from './page.js'
import type { Chart, Panels, Report, Section, Table } from './record.js'
import { tipsOf } from './tips.js'

const escapeHtml = (text: string): string =>
  text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;').replace(/"/g, '&quot;')

/** Sizes of plots: wide and narrow pages need letters of the same size, so a picture is drawn for each. */
const sizes = {
  wide: { width: 600, height: 270 },
  narrow: { width: 340, height: 230 },
  panel: { width: 320, height: 150 },
  /** Contours are heavy: drawn once, between the two. */
  surface: { width: 460, height: 260 },
}

/** A report as one HTML file that needs nothing else: charts are inline SVG, once for light and once for dark. */
export async function reportHtml(report: Report): Promise<string> {
  const sections: string[] = []
  const numbering = { next: 0 }
  for (const section of report.sections) sections.push(await sectionHtml(section, numbering))
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(report.title)}</title>
<style>${pageStyle}</style>
</head>
<body>
<main>
<header><h1>${escapeHtml(report.title)}</h1><button type="button" id="theme" aria-label="Switch between light and dark">Dark</button></header>
<p class="lead">${escapeHtml(report.lead)}</p>
${sections.join('\n')}
</main>
<script>${pageScript}</script>
</body>
</html>
`
}

/** Charts are numbered through the page, so that nothing in two drawings has the same name. */
interface Numbering {
  next: number
}

async function sectionHtml(section: Section, numbering: Numbering): Promise<string> {
  const charts: string[] = []
  for (const chart of section.charts ?? [])
    charts.push(chart.kind === 'panels' ? await panelsHtml(chart, numbering) : await chartHtml(chart, false, numbering))
  return `<section>
<h2>${escapeHtml(section.heading)}</h2>
${(section.text ?? []).map(text => `<p>${escapeHtml(text)}</p>`).join('\n')}
${section.table === undefined ? '' : tableHtml(section.table)}
${charts.length === 0 ? '' : `<div class="charts">${charts.join('\n')}</div>`}
</section>`
}

async function panelsHtml({ title, note, panels }: Panels, numbering: Numbering): Promise<string> {
  const figures: string[] = []
  for (const panel of panels) figures.push(await chartHtml(panel, true, numbering))
  return `<div class="group">
<h3>${escapeHtml(title)}</h3>
${note === undefined ? '' : `<p class="note">${escapeHtml(note)}</p>`}
<div class="panels">${figures.join('\n')}</div>
</div>`
}

async function chartHtml(chart: Chart, panel: boolean, numbering: Numbering): Promise<string> {
  const number = numbering.next++
  const label = labelOf(chart)
  const drawings: string[] = []
  for (const theme of ['light', 'dark'] as const)
    for (const [name, size] of drawingsOf(chart, panel))
      drawings.push(await drawingHtml(chart, theme, name, size, `c${number}${theme[0]}${name[0]}`, label))
  const key = chart.title.replace(/\W+/g, '-').replace(/^-|-$/g, '').toLowerCase() || 'chart'
  return `<figure${drawingsOf(chart, panel).length > 1 ? ' class="both"' : ''}>
${drawings.join('\n')}
${chart.note === undefined ? '' : `<figcaption class="note">${escapeHtml(chart.note)}</figcaption>`}
<div class="tools"><details><summary>Numbers</summary>${tableHtml(chartTable(chart))}</details><button type="button" data-name="${escapeHtml(key)}">Save as SVG</button></div>
<script type="application/json">${JSON.stringify(tipsOf(chart)).replace(/</g, '\\u003c')}</script>
</figure>`
}

const drawingsOf = (chart: Chart, panel: boolean) =>
  panel || chart.kind === 'surface'
    ? ([['wide', panel ? sizes.panel : sizes.surface]] as const)
    : ([
        ['wide', sizes.wide],
        ['narrow', sizes.narrow],
      ] as const)

async function drawingHtml(
  chart: Chart,
  theme: Theme,
  name: 'wide' | 'narrow',
  size: { width: number; height: number },
  prefix: string,
  label: string,
): Promise<string> {
  const { svg, width, frame } = await drawChart(chart, theme, size)
  // ECharts numbers its clip paths from zero in each drawing: they must not meet in one page.
  const own = svg
    .replace(/\b(id="|url\(#)([^")]+)/g, `$1${prefix}-$2`)
    .replace('<svg ', `<svg role="img" aria-label="${escapeHtml(label)}" `)
  const edges = [frame.left, frame.top, frame.right, frame.bottom, width].map(v => Math.round(v)).join(' ')
  return `<div class="drawing ${theme} ${name}" data-frame="${edges}">${own}</div>`
}

function tableHtml(table: Table): string {
  const cell = (tag: string) => (text: string, i: number) =>
    `<${tag}${table.columns[i]?.align === 'right' ? ' class="right"' : ''}>${escapeHtml(text)}</${tag}>`
  return `<div class="scroll"><table>
${table.caption === undefined ? '' : `<caption>${escapeHtml(table.caption)}</caption>`}
<thead><tr>${table.columns.map((column, i) => cell('th')(column.title, i)).join('')}</tr></thead>
<tbody>
${table.rows.map(row => `<tr>${row.map(cell('td')).join('')}</tr>`).join('\n')}
</tbody>
</table></div>`
}
