import type { LineChart } from '../../report/index.js'
import type { StudyView } from '../samplers/sampler.js'
import { valueAxis } from './value-axis.js'
import { type MeasureOptions, measureOf, missingTrials } from './view.js'

/** For each study the share of complete trials with at most a value. */
export interface Edf {
  readonly name: string
  readonly direction: 'minimize' | 'maximize'
  readonly studies: readonly {
    readonly name: string
    readonly count: number
    /** Values in ascending order, each with the share of trials up to it. */
    readonly points: readonly (readonly [value: number, share: number])[]
  }[]
  readonly missing: string | null
}

/** The empirical distribution of values, of one study or of several to compare. */
export function edf(views: StudyView | readonly StudyView[], options: MeasureOptions = {}): Edf {
  const list = 'directions' in views ? [views] : views
  const measures = list.map(view => measureOf(view, options))
  const first = measures[0]
  return {
    name: first?.name ?? 'objective value',
    direction: first?.direction ?? 'minimize',
    studies: measures.map(({ trials }, i) => {
      const sorted = trials.map(({ value }) => value).sort((a, b) => a - b)
      const points = new Map(sorted.map((value, k) => [value, (k + 1) / sorted.length]))
      return { name: list[i]!.name, count: sorted.length, points: [...points] }
    }),
    missing:
      list.length === 0
        ? 'There are no studies.'
        : list.every(view => missingTrials(view) !== null)
          ? missingTrials(list[0]!)
          : null,
  }
}

export function edfChart({ name, direction, studies }: Edf): LineChart {
  const all = studies.flatMap(({ points }) => points.map(([value]) => value))
  const { yLog = false, yRange } = valueAxis(all, direction)
  const [low, high] = yRange ?? [Math.min(...all), Math.max(...all)]
  return {
    title: 'Share of trials up to a value',
    xLabel: `${name} (${direction === 'minimize' ? 'less' : 'more'} is better)`,
    yLabel: 'share of complete trials',
    xLog: yLog,
    yRange: [0, 1],
    series: studies
      .filter(({ points }) => points.length > 0)
      .map((study, group) => {
        const inside = study.points.filter(([value]) => value >= low && value <= high)
        const before = study.points.filter(([value]) => value < low).at(-1)?.[1] ?? 0
        const start = inside[0] !== undefined && inside[0][0] === low ? [] : [[low, before] as const]
        const end = inside.at(-1)?.[1] ?? before
        return {
          name: studies.length === 1 ? study.name : `${study.name} (${study.count})`,
          points: [...start, ...inside, ...(inside.at(-1)?.[0] === high ? [] : [[high, end] as const])],
          draw: 'steps' as const,
          group,
        }
      }),
    note:
      direction === 'minimize'
        ? 'The farther to the left a curve, the better.'
        : 'The farther to the right a curve, the better.',
  }
}
