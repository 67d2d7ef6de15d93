import type { BarChart, HistogramChart, Report, Section, Table } from '../../report/index.js'
import { accuracyPanels, lossPanels, scheduleCharts } from './curves.js'
import { descentCharts, landscapeCharts } from './maps.js'
import type { Comparison, Scores, Variant } from './record.js'
import { spreadOf } from './spread.js'
import { summaryOf } from './verdict.js'

const titles = {
  regularizers: 'Regularizers side by side',
  optimizers: 'Optimizers side by side',
  schedules: 'Learning-rate schedules side by side',
}
const percent = (values: readonly number[]): string => {
  const { mean, deviation } = spreadOf(values)
  const middle = (100 * mean).toFixed(1).replace('-', '−')
  return values.length === 1 ? middle : `${middle} ± ${(100 * deviation).toFixed(1)}`
}
const scores = (variant: Variant, of: keyof Scores): number[] => variant.runs.map(run => run.final[of])
const gaps = (variant: Variant): number[] =>
  variant.runs.map(({ final }) => final.trainingAccuracy - final.validationAccuracy)

/** One row a variant: means over the seeds with standard deviations, and the verdict in words. */
export function comparisonTable({ kind, variants, seeds, data }: Comparison, { verdict = true } = {}): Table {
  const right = (title: string) => ({ title, align: 'right' as const })
  const loss = (v: Variant) => {
    const { mean } = spreadOf(scores(v, 'trainingLoss'))
    return Number.isFinite(mean) ? Number(mean.toPrecision(2)).toString() : '—'
  }
  const optimizers = kind === 'optimizers'
  return {
    columns: [
      { title: kind === 'regularizers' ? 'Regularizer' : kind === 'optimizers' ? 'Optimizer' : 'Schedule' },
      { title: 'Settings' },
      ...(kind === 'regularizers'
        ? []
        : [right(optimizers ? 'Learning rate' : 'Highest rate'), right('Training loss')]),
      right('Training %'),
      right('Validation %'),
      right('Gap'),
      right('Test %'),
      ...(verdict ? [{ title: 'In words' }] : []),
    ],
    rows: variants.map(v => [
      v.name,
      v.what,
      ...(kind === 'regularizers' ? [] : [String(v.learningRate), loss(v)]),
      percent(scores(v, 'trainingAccuracy')),
      percent(scores(v, 'validationAccuracy')),
      percent(gaps(v)),
      percent(scores(v, 'testAccuracy')),
      ...(verdict ? [v.verdict.text] : []),
    ]),
    caption: `${seeds.length === 1 ? 'One seed' : `Mean ± standard deviation over ${seeds.length} seeds`}, each with other first weights and other ${data.training.toLocaleString('en-US')} training digits, the same for all variants. Everything is measured as the network predicts: dropout off, penalties left out. Gap: training minus validation accuracy, in points. The ${data.validation.toLocaleString('en-US')} validation digits serve early stopping and the choice of settings; the ${data.test.toLocaleString('en-US')} test digits nothing but the test. Clear: zero lies outside the 95 % interval of the paired difference.`,
  }
}

const wrongWords = (wrong: number): string =>
  wrong === 0 ? '' : `, ${Number((100 * wrong).toPrecision(3))} % of them mislabelled on purpose`

/** A comparison as a report: text, tables and charts. */
export function compareReport(comparison: Comparison): Report {
  const { kind, variants, data, network, epochs, batchSize, seeds } = comparison
  return {
    title: titles[kind],
    lead: `A ${network} network, trained for ${epochs} epochs in batches of ${batchSize} on ${data.training.toLocaleString('en-US')} digits${wrongWords(data.wrong)}, ${seeds.length === 1 ? 'once' : `${seeds.length} times`} for each variant. ${data.description}`,
    sections: [
      {
        heading: 'What came out',
        text: summaryOf(kind, variants),
        table: comparisonTable(comparison),
        charts: [gapChart(comparison), testChart(comparison)],
      },
      ...(kind === 'schedules' ? [schedulesSection(comparison)] : []),
      curvesSection(comparison),
      ...mapSections(comparison),
      weightsSection(comparison),
    ],
  }
}

const ranges = (of: readonly (readonly number[])[]) =>
  of.map(values => {
    const { low, high } = spreadOf(values)
    return [low, high] as const
  })
const means = (of: readonly (readonly number[])[]) => of.map(values => spreadOf(values).mean)

function gapChart({ variants }: Comparison): BarChart {
  const [training, validation] = [
    variants.map(v => scores(v, 'trainingAccuracy')),
    variants.map(v => scores(v, 'validationAccuracy')),
  ]
  return {
    kind: 'bars',
    mark: 'dot',
    title: 'The gap: training and validation accuracy',
    valueLabel: 'share right',
    note: 'Dots: means over the seeds, whiskers: lowest to highest. The longer the bar between them, the more was learned by heart.',
    categories: variants.map(v => v.name),
    series: [
      { name: 'training', values: means(training), ranges: ranges(training), group: 0 },
      { name: 'validation', values: means(validation), ranges: ranges(validation), group: 1 },
    ],
  }
}

function testChart({ variants, baseline }: Comparison): BarChart {
  const test = variants.map(v => scores(v, 'testAccuracy'))
  const base = means(test)[0]!
  return {
    kind: 'bars',
    mark: 'dot',
    title: 'Accuracy on test digits',
    valueLabel: 'share right',
    note: 'What counts in the end. Dots: means over the seeds, whiskers: lowest to highest.',
    categories: variants.map(v => v.name),
    series: [{ name: 'test', values: means(test), ranges: ranges(test), group: 2 }],
    ...(Number.isFinite(base) ? { reference: { value: base, label: baseline } } : {}),
  }
}

const schedulesSection = (comparison: Comparison): Section => ({
  heading: 'The rate, and the loss under it',
  text: [
    'Left the learning rate at each update, right what the training loss does meanwhile. A high rate makes the loss jump about; as the rate falls it settles.',
  ],
  charts: scheduleCharts(comparison),
})

const curvesSection = (comparison: Comparison): Section => ({
  heading: 'Epoch by epoch',
  charts: [accuracyPanels(comparison), lossPanels(comparison)],
})

function mapSections({ descents = [], landscapes = [] }: Comparison): Section[] {
  const sections: Section[] = []
  if (descents.length > 0)
    sections.push({
      heading: 'On surfaces of two variables',
      text: [
        `Each optimizer walks ${descents[0]!.steps} steps from the same start (ring) toward the minimum (star), at the best of ten learning rates from 0.0001 to 3: the rates that suit a network would say nothing here. A dot marks where it ended.`,
      ],
      charts: descents.flatMap(descentCharts),
    })
  if (landscapes.length > 0)
    sections.push({
      heading: 'On the loss of the network itself',
      text: [
        'A network has tens of thousands of weights; a picture shows a plane through them. In the plane of the two principal directions of the paths one sees where the optimizers went. Along two random directions, each unit’s scaled to the length of its weights (filter normalization), one sees how flat the ground is around the end, but hardly the path: a random plane lies nearly at right angles to it.',
      ],
      charts: landscapeCharts(landscapes),
    })
  return sections
}

function weightsSection({ variants }: Comparison): Section {
  const chart: HistogramChart = {
    kind: 'histogram',
    layout: 'ridges',
    title: 'How the weights are spread',
    xLabel: 'weight',
    yLabel: 'share of all kernels’ weights, each ridge to its own peak',
    note: 'First seed. What lies beyond the ends of the axis is in the outermost bins. At the right the share of weights smaller than 0.001.',
    edges: variants[0]!.weights.edges,
    series: variants.map(({ name, weights }) => ({
      name,
      shares: weights.shares,
      remark: `${(100 * weights.nearZero).toFixed(weights.nearZero < 0.1 ? 1 : 0)} % ≈ 0`,
    })),
  }
  return {
    heading: 'Weights',
    text: [
      'Penalties draw weights toward zero, L1 all the way: most of its weights are as good as gone. Noise and changed targets leave their mark less directly.',
    ].slice(0, variants.some(v => v.family === 'penalty') ? 1 : 0),
    charts: [chart],
  }
}
