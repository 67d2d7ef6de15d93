import { chartSvg } from './chart.js'
import type { LineChart, Report, Section, Table } from './record.js'

const escapeHtml = (text: string): string =>
  text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;').replace(/"/g, '&quot;')

/** A report as one HTML file that needs nothing else: charts are inline SVG, once for light and once for dark. */
export async function reportHtml(report: Report): Promise<string> {
  const sections: string[] = []
  for (const section of report.sections) sections.push(await sectionHtml(section))
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(report.title)}</title>
<style>${style}</style>
</head>
<body>
<main>
<h1>${escapeHtml(report.title)}</h1>
<p class="lead">${escapeHtml(report.lead)}</p>
${sections.join('\n')}
</main>
<script>${saveScript}</script>
</body>
</html>
`
}

async function sectionHtml(section: Section): Promise<string> {
  const charts: string[] = []
  for (const chart of section.charts ?? []) charts.push(await chartHtml(chart))
  return `<section>
<h2>${escapeHtml(section.heading)}</h2>
${(section.text ?? []).map(text => `<p>${escapeHtml(text)}</p>`).join('\n')}
${section.table === undefined ? '' : tableHtml(section.table)}
${charts.length === 0 ? '' : `<div class="charts">${charts.join('\n')}</div>`}
</section>`
}

async function chartHtml(chart: LineChart): Promise<string> {
  // ECharts numbers its clip paths from zero in each drawing: they must not meet in one page.
  const own = (svg: string, prefix: string) => svg.replace(/\b(id="|url\(#)([^")]+)/g, `$1${prefix}-$2`)
  const key = chart.title.replace(/\W+/g, '-').toLowerCase()
  return `<figure role="img" aria-label="${escapeHtml(`${chart.title}: ${chart.yLabel} over ${chart.xLabel}`)}">
<div class="light">${own(await chartSvg(chart, 'light'), `${key}-l`)}</div>
<div class="dark">${own(await chartSvg(chart, 'dark'), `${key}-d`)}</div>
<button type="button" data-name="${escapeHtml(key)}">Save as SVG</button>
</figure>`
}

function tableHtml(table: Table): string {
  const cell = (tag: string) => (text: string, i: number) =>
    `<${tag}${table.columns[i]?.align === 'right' ? ' class="right"' : ''}>${escapeHtml(text)}</${tag}>`
  return `<table>
${table.caption === undefined ? '' : `<caption>${escapeHtml(table.caption)}</caption>`}
<thead><tr>${table.columns.map((column, i) => cell('th')(column.title, i)).join('')}</tr></thead>
<tbody>
${table.rows.map(row => `<tr>${row.map(cell('td')).join('')}</tr>`).join('\n')}
</tbody>
</table>`
}

const style = `
:root { --paper: #fbfcfe; --card: #fff; --text: #1d2433; --faint: #5b6577; --line: #e3e7ee; }
@media (prefers-color-scheme: dark) { :root { --paper: #10141d; --card: #171c28; --text: #e8ebf2; --faint: #9aa4b8; --line: #2c3445; } }
body { margin: 0; background: var(--paper); color: var(--text); font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
main { max-width: 1340px; margin: 0 auto; padding: 2rem 1.25rem 4rem; }
h1 { font-size: 1.8rem; margin: 0 0 .4rem; letter-spacing: -.01em; }
h2 { font-size: 1.2rem; margin: 2.2rem 0 .5rem; }
p { max-width: 46rem; margin: .5rem 0; }
.lead { color: var(--faint); font-size: 1.05rem; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 560px), 1fr)); gap: 1rem; margin-top: 1rem; }
figure { margin: 0; background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 1rem; position: relative; }
figure svg { width: 100%; height: auto; display: block; }
figure button { position: absolute; right: .75rem; top: .75rem; font: inherit; font-size: .75rem; color: var(--faint); background: none; border: 1px solid var(--line); border-radius: 6px; padding: .15rem .5rem; cursor: pointer; }
.dark { display: none; }
@media (prefers-color-scheme: dark) { .dark { display: block; } .light { display: none; } }
table { border-collapse: collapse; margin: 1rem 0; font-variant-numeric: tabular-nums; }
caption { caption-side: bottom; text-align: left; color: var(--faint); font-size: .85rem; padding-top: .5rem; }
th, td { text-align: left; padding: .4rem 1.2rem .4rem 0; border-bottom: 1px solid var(--line); }
th { font-weight: 600; }
.right { text-align: right; }
`

const saveScript = `
for (const button of document.querySelectorAll('figure button')) button.onclick = () => {
  const shown = [...button.parentElement.querySelectorAll('svg')].find(svg => svg.getBoundingClientRect().width > 0)
  const link = document.createElement('a')
  link.href = URL.createObjectURL(new Blob([shown.outerHTML], { type: 'image/svg+xml' }))
  link.download = button.dataset.name + '.svg'
  link.click()
}
`
