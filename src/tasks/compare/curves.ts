import type { LineChart, Panels, Series } from '../../report/index.js'
import type { Comparison, Curve, Variant } from './record.js'
import { spreadOf } from './spread.js'

/** Mean and range over the seeds at each epoch from `from` on; runs that ended early go on at what they kept. */
function seriesOf(variant: Variant, curve: Curve, epochs: number, from = 1): Pick<Series, 'points' | 'band'> {
  const points: [number, number][] = []
  const band: [number, number, number][] = []
  const longest = Math.max(...variant.runs.map(run => run.curves[curve].length - 1))
  const stopped = variant.runs.every(run => run.reason !== 'diverged')
  for (let epoch = from; epoch <= (stopped ? epochs : longest); epoch++) {
    const values = variant.runs.map(({ curves, final }) => curves[curve][epoch] ?? final[curve]).filter(Number.isFinite)
    if (values.length === 0) continue
    const { mean, low, high } = spreadOf(values)
    points.push([epoch, mean])
    band.push([epoch, low, high])
  }
  return variant.runs.length > 1 ? { points, band } : { points }
}

const panelNote = ({ baseline, seeds, kind }: Comparison, what: string): string =>
  `${seeds.length > 1 ? 'Lines: means over the seeds; bands: lowest to highest. ' : ''}Grey: ${what} of ${baseline}, to compare with.${kind === 'regularizers' ? ' Where training stopped early the lines go on at what it kept.' : ''}`

const lowest = (charts: readonly LineChart[]): number =>
  Math.min(...charts.flatMap(chart => chart.series.flatMap(s => s.points.map(([, y]) => y))).filter(y => y > 0))
const highest = (charts: readonly LineChart[]): number =>
  Math.max(...charts.flatMap(chart => chart.series.flatMap(s => s.points.map(([, y]) => y))))

/** Training and validation accuracy of each variant, on the same axes. */
export function accuracyPanels(comparison: Comparison): Panels {
  const panels = variantPanels(comparison, 'Accuracy', 'share right')
  // Whole tenths below the lowest end: beginnings may lie below, they say less.
  const ends = comparison.variants.flatMap(v => v.runs.map(run => run.final.validationAccuracy)).filter(Number.isFinite)
  const low = Math.max(Math.floor(10 * Math.min(0.9, ...ends) - 0.5) / 10, 0)
  return {
    kind: 'panels',
    title: 'Accuracy',
    note: panelNote(comparison, 'validation accuracy'),
    panels: panels.map(panel => ({ ...panel, yRange: [low, 1] })),
  }
}

/** Training and validation loss of each variant, on the same axes; logarithmic, since training losses go toward zero. */
export function lossPanels(comparison: Comparison): Panels {
  const panels = variantPanels(comparison, 'Loss', 'crossentropy (nats)')
  const low = Math.max(10 ** Math.floor(Math.log10(lowest(panels))), 1e-4)
  const high = Math.min(10 ** Math.ceil(Math.log10(highest(panels))), 10)
  return {
    kind: 'panels',
    title: 'Loss, penalties left out',
    note: panelNote(comparison, 'validation loss'),
    panels: panels.map(panel => ({ ...panel, yLog: true, yRange: [low, high] })),
  }
}

function variantPanels(comparison: Comparison, what: 'Accuracy' | 'Loss', yLabel: string): LineChart[] {
  const { variants, epochs } = comparison
  const base = variants[0]!
  return variants.map((variant, i) => ({
    title: variant.name,
    xLabel: 'epoch',
    yLabel,
    series: [
      ...(i === 0 ? [] : [{ name: base.name, ...seriesOf(base, `validation${what}`, epochs), muted: true }]),
      { name: 'training', ...seriesOf(variant, `training${what}`, epochs), group: i },
      { name: 'validation', ...seriesOf(variant, `validation${what}`, epochs), group: i, dashed: true },
    ].map(({ muted, ...series }: Series) => (muted ? { name: series.name, points: series.points, muted } : series)),
  }))
}

/** For each family of schedules its rates, and beside them the training loss. */
export function scheduleCharts({ variants, epochs, baseline }: Comparison): LineChart[] {
  const base = variants[0]!
  const families = [...new Set(variants.slice(1).map(v => v.family))]
  const names: Readonly<Record<string, string>> = { decay: 'Decays', warmup: 'With warmup', cycles: 'In cycles' }
  return (families.length === 0 ? [base.family] : families).flatMap(family => {
    const own = families.length === 0 ? [base] : variants.filter(v => v.family === family)
    const title = names[family] ?? baseline
    return [
      {
        title: `${title}: learning rate`,
        xLabel: 'update',
        yLabel: 'learning rate',
        series: own.map((v, group) => ({ name: v.name, points: v.rates, group })),
      },
      {
        title: `${title}: training loss`,
        xLabel: 'epoch',
        yLabel: 'crossentropy (nats), logarithmic',
        yLog: true,
        note: `Means over the seeds; bands: lowest to highest. Grey: ${baseline}.`,
        series: [
          ...(families.length === 0
            ? []
            : [{ name: base.name, points: seriesOf(base, 'trainingLoss', epochs).points, muted: true }]),
          ...own.map((v, group) => ({ name: v.name, ...seriesOf(v, 'trainingLoss', epochs), group })),
        ],
      },
    ]
  })
}
