import { type LineChart, type Report, type Section, type SurfaceChart, short, type Table } from '../../report/index.js'
import type { ProblemResult, SamplerComparison, SamplerResult } from './record.js'

const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}
const finals = ({ best }: SamplerResult): number[] => best.flatMap(run => run.at(-1) ?? [])

/** After how many trials, in the median, a sampler was as good as random search at its end; null where it never was. */
function trialsToRandom(sampler: SamplerResult, problem: ProblemResult): number | null {
  const random = problem.samplers.find(({ name }) => name === 'random')
  const ends = random === undefined ? [] : finals(random)
  if (ends.length === 0) return null
  const goal = median(ends)
  const needed = sampler.best.map(run => {
    const at = run.findIndex(value => value !== null && value <= goal)
    return at < 0 ? Infinity : at + 1
  })
  const typical = median(needed)
  return Number.isFinite(typical) ? Math.ceil(typical) : null
}

/** What each sampler had reached at the end of its budget. */
export function samplerTable(comparison: SamplerComparison): Table {
  const right = (title: string) => ({ title, align: 'right' as const })
  return {
    columns: [
      { title: 'Problem' },
      { title: 'Sampler' },
      right('Median'),
      right('Best'),
      right('Worst'),
      right('Trials to random’s end'),
    ],
    rows: comparison.problems.flatMap(problem =>
      problem.samplers.map(sampler => {
        const ends = finals(sampler)
        const numbers =
          ends.length === 0 ? ['—', '—', '—'] : [median(ends), Math.min(...ends), Math.max(...ends)].map(short)
        return [
          problem.name,
          sampler.name,
          ...numbers,
          sampler.name === 'random' ? '' : String(trialsToRandom(sampler, problem) ?? 'never'),
        ]
      }),
    ),
    caption: `The best value after ${comparison.trials} trials, over ${comparison.seeds.length} ${comparison.seeds.length === 1 ? 'seed' : 'seeds'}; less is better. Last column: after how many trials (median) a sampler was as good as random search at its end.`,
  }
}

function curves(problem: ProblemResult): LineChart {
  const { least } = problem
  const shown = (value: number) => (least === null ? value : Math.max(value - least, 1e-6))
  return {
    title: 'The best so far',
    xLabel: 'trial',
    yLabel: least === null ? problem.valueLabel : `${problem.valueLabel} above the least there is`,
    yLog: least !== null,
    series: problem.samplers.map((sampler, group) => {
      const at = (sampler.best[0] ?? []).flatMap((_, i) => {
        const values = sampler.best.flatMap(run => run[i] ?? [])
        return values.length < sampler.best.length || values.length === 0 ? [] : [{ i, values: values.map(shown) }]
      })
      return {
        name: sampler.name,
        group,
        points: at.map(({ i, values }) => [i + 1, median(values)] as const),
        band: at.map(({ i, values }) => [i + 1, Math.min(...values), Math.max(...values)] as const),
      }
    }),
    note: 'Lines: medians over the seeds; bands: from the best to the worst seed.',
  }
}

function maps({ plane, parameters, samplers, valueLabel }: ProblemResult): SurfaceChart[] {
  if (plane === null) return []
  return samplers.map(({ name, what, places }) => ({
    kind: 'surface',
    title: `${name}: ${what}`,
    xLabel: parameters[0]!,
    yLabel: parameters[1]!,
    valueLabel,
    ...plane,
    log: true,
    points: places.map(([x, y], i) => ({ x: x!, y: y!, label: `trial ${i}` })),
  }))
}

/** The comparison as a page. */
export const samplersReport = (comparison: SamplerComparison): Report => ({
  title: 'Grid, random and Bayesian search on the same budget',
  lead: `Each sampler had ${comparison.trials} trials on each problem, ${comparison.seeds.length} times with other seeds.`,
  sections: [
    {
      heading: 'At the end of the budget',
      text: [
        'A grid spends its trials before it has seen anything, and gives each parameter only a few values. Random search gives each parameter as many values as there are trials. Bayesian search lets the trials so far say where the next one is worth most.',
      ],
      table: samplerTable(comparison),
    },
    ...comparison.problems.map((problem): Section => {
      const panels = maps(problem)
      return {
        heading: problem.name,
        text: [
          `${problem.what[0]!.toUpperCase()}${problem.what.slice(1)}. Parameters: ${problem.parameters.join(', ')}.`,
        ],
        charts: [
          curves(problem),
          ...(panels.length === 0
            ? []
            : [
                {
                  kind: 'panels' as const,
                  title: 'Where they looked',
                  note: 'Dots: the trials of the first seed. Dark ground is low, which is good.',
                  panels,
                },
              ]),
        ],
      }
    }),
  ],
})
