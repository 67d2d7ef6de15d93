/** Style of a report's page. Light and dark drawings are both there; the reader's preference or the switch picks. */
export const pageStyle = `
:root { --paper: #fbfcfe; --card: #fff; --text: #1d2433; --faint: #5b6577; --line: #e3e7ee; --tip: #1d2433; --tip-text: #fff; color-scheme: light; }
@media (prefers-color-scheme: dark) { :root:not([data-theme="light"]) { --paper: #10141d; --card: #171c28; --text: #e8ebf2; --faint: #9aa4b8; --line: #2c3445; --tip: #e8ebf2; --tip-text: #10141d; color-scheme: dark; } }
:root[data-theme="dark"] { --paper: #10141d; --card: #171c28; --text: #e8ebf2; --faint: #9aa4b8; --line: #2c3445; --tip: #e8ebf2; --tip-text: #10141d; color-scheme: dark; }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--text); font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
main { max-width: 1240px; margin: 0 auto; padding: 2rem 1.25rem 4rem; }
header { display: flex; gap: 1rem; align-items: flex-start; justify-content: space-between; }
h1 { font-size: 1.8rem; line-height: 1.25; margin: 0 0 .4rem; letter-spacing: -.01em; }
h2 { font-size: 1.25rem; margin: 2.6rem 0 .5rem; }
h3 { font-size: 1.02rem; margin: 1.6rem 0 .2rem; }
p { max-width: 46rem; margin: .5rem 0; }
.lead { color: var(--faint); font-size: 1.05rem; }
.note { color: var(--faint); font-size: .85rem; line-height: 1.45; margin: .4rem 0 0; }
.charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 540px), 1fr)); gap: 1rem; margin-top: 1rem; align-items: start; }
.panels { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 270px), 1fr)); gap: .75rem; margin-top: .75rem; align-items: start; }
.group { grid-column: 1 / -1; min-width: 0; }
figure { margin: 0; min-width: 0; background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 1rem; position: relative; container-type: inline-size; }
.panels figure { padding: .75rem .75rem .5rem; }
figure svg { width: 100%; height: auto; display: block; }
button { font: inherit; font-size: .75rem; line-height: 1.4; color: var(--faint); background: none; border: 1px solid var(--line); border-radius: 6px; padding: .15rem .5rem; cursor: pointer; white-space: nowrap; }
button:hover, button:focus-visible { color: var(--text); border-color: var(--faint); }
.tools { display: flex; gap: .75rem; align-items: baseline; justify-content: space-between; margin-top: .4rem; }
details { font-size: .8rem; color: var(--faint); min-width: 0; flex: 1; }
summary { cursor: pointer; }
details .scroll { max-height: 22rem; overflow: auto; }
.scroll { overflow-x: auto; }
.drawing { position: relative; display: none; }
.light.wide { display: block; }
@media (prefers-color-scheme: dark) { :root:not([data-theme="light"]) .light { display: none !important; } :root:not([data-theme="light"]) .dark.wide { display: block; } }
:root[data-theme="dark"] .light { display: none !important; }
:root[data-theme="dark"] .dark.wide { display: block; }
@container (max-width: 440px) {
  .both .wide { display: none !important; }
  .both .light.narrow { display: block; }
  :root[data-theme="dark"] .both .dark.narrow { display: block; }
}
@container (max-width: 440px) { @media (prefers-color-scheme: dark) { :root:not([data-theme="light"]) .both .dark.narrow { display: block; } } }
.tip { position: absolute; pointer-events: none; background: var(--tip); color: var(--tip-text); font-size: .75rem; line-height: 1.4; padding: .35rem .55rem; border-radius: 6px; white-space: pre; z-index: 2; font-variant-numeric: tabular-nums; }
.hair { position: absolute; pointer-events: none; background: var(--faint); opacity: .6; }
table { border-collapse: collapse; margin: 1rem 0; font-variant-numeric: tabular-nums; }
details table { margin: .4rem 0; font-size: .75rem; }
caption { caption-side: bottom; text-align: left; color: var(--faint); font-size: .85rem; padding-top: .5rem; position: sticky; left: 0; max-width: min(46rem, calc(100vw - 1.5rem)); }
th, td { text-align: left; padding: .4rem 1.2rem .4rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
details th, details td { padding: .15rem .8rem .15rem 0; white-space: nowrap; }
th { font-weight: 600; }
td.right { text-align: right; white-space: nowrap; }
th.right { text-align: right; }
td:last-child:not(.right) { min-width: 15rem; }
details td:last-child { min-width: 0 !important; }
@media (max-width: 600px) { main { padding: 1.25rem .75rem 3rem; } figure { padding: .75rem; } h1 { font-size: 1.45rem; } th, td { padding-right: .8rem; } main > section > .scroll table { font-size: .85rem; } }
@media print {
  :root, :root[data-theme] { --paper: #fff !important; --card: #fff !important; --text: #000 !important; --faint: #444 !important; --line: #ccc !important; color-scheme: light !important; }
  .dark, .narrow { display: none !important; }
  .light.wide { display: block !important; }
  button, details, .tip, .hair { display: none !important; }
  main { max-width: none; padding: 0; }
  figure, tr { break-inside: avoid; }
  h2, h3 { break-after: avoid; }
  .charts { grid-template-columns: 1fr 1fr; }
  .panels { grid-template-columns: repeat(3, 1fr); }
}
`

/** Saving pictures, the switch of light and dark, and what a pointer over a picture is told. */
export const pageScript = `
const root = document.documentElement
const dark = () => root.dataset.theme ? root.dataset.theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches
const toggle = document.querySelector('#theme')
const name = () => { toggle.textContent = dark() ? 'Light' : 'Dark' }
try { const kept = localStorage.getItem('anneal-theme'); if (kept === 'light' || kept === 'dark') root.dataset.theme = kept } catch {}
toggle.onclick = () => {
  root.dataset.theme = dark() ? 'light' : 'dark'
  try { localStorage.setItem('anneal-theme', root.dataset.theme) } catch {}
  name()
}
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', name)
name()
for (const figure of document.querySelectorAll('figure')) {
  const shown = () => [...figure.querySelectorAll('.drawing')].find(drawing => drawing.getBoundingClientRect().width > 0)
  figure.querySelector('button').onclick = event => {
    const svg = shown().querySelector('svg').cloneNode(true)
    const paper = document.createElementNS('http://www.w3.org/2000/svg', 'rect')
    for (const [key, value] of [['width', '100%'], ['height', '100%'], ['fill', getComputedStyle(figure).backgroundColor]]) paper.setAttribute(key, value)
    svg.prepend(paper)
    const link = document.createElement('a')
    link.href = URL.createObjectURL(new Blob([svg.outerHTML], { type: 'image/svg+xml' }))
    link.download = event.currentTarget.dataset.name + '.svg'
    link.click()
    setTimeout(() => URL.revokeObjectURL(link.href), 10000)
  }
  const source = figure.querySelector('script')
  if (source === null) continue
  const tips = JSON.parse(source.textContent)
  let tip, hair
  const clear = () => { tip?.remove(); hair?.remove(); tip = hair = undefined }
  figure.addEventListener('pointerleave', clear)
  figure.addEventListener('pointermove', event => {
    clear()
    const drawing = shown()
    if (drawing === undefined || event.target.closest('.drawing') !== drawing) return
    const box = drawing.getBoundingClientRect()
    const [left, top, right, bottom, width] = drawing.dataset.frame.split(' ').map(Number)
    const scale = box.width / width
    const x = ((event.clientX - box.left) / scale - left) / (right - left)
    const y = ((event.clientY - box.top) / scale - top) / (bottom - top)
    if (x < -0.02 || x > 1.02 || y < -0.02 || y > 1.02) return
    const far = at => tips.along === 'x' ? Math.abs(at[0] - x) : tips.along === 'y' ? Math.abs(at[1] - y) : Math.hypot((at[0] - x) * (right - left), (at[1] - y) * (bottom - top))
    let best
    for (const at of tips.at) if (best === undefined || far(at) < far(best)) best = at
    if (best === undefined || (tips.along === 'xy' && far(best) > 24)) return
    const px = (left + best[0] * (right - left)) * scale
    const py = (top + best[1] * (bottom - top)) * scale
    tip = document.createElement('div')
    tip.className = 'tip'
    tip.textContent = best[2]
    drawing.append(tip)
    const from = tips.along === 'x' ? px : tips.along === 'y' ? event.clientX - box.left : px
    const over = tips.along === 'x' ? event.clientY - box.top : py
    tip.style.left = Math.max(0, from + 12 + tip.offsetWidth > box.width ? from - 12 - tip.offsetWidth : from + 12) + 'px'
    tip.style.top = Math.max(0, Math.min(over - tip.offsetHeight / 2, box.height - tip.offsetHeight)) + 'px'
    if (tips.along !== 'x') return
    hair = document.createElement('div')
    hair.className = 'hair'
    Object.assign(hair.style, { left: px + 'px', top: top * scale + 'px', width: '1px', height: (bottom - top) * scale + 'px' })
    drawing.append(hair)
  })
}
`
