import { ConfigError } from '../../ir/index.js'
import type { LineChart } from '../../report/index.js'
import { isFeasible } from '../constraints.js'
import { hypervolume } from '../hypervolume.js'
import { dominates, losses, sign } from '../pareto.js'
import type { StudyView } from '../samplers/sampler.js'
import { missingTrials, objectiveNames } from './view.js'

/** How much of the space of objectives is covered, trial by trial. */
export interface HypervolumeHistory {
  readonly names: readonly string[]
  /** Up to where it is measured, as the objectives are. */
  readonly reference: readonly number[]
  readonly points: readonly { readonly number: number; readonly value: number }[]
  readonly missing: string | null
}

/**
 * The volume that feasible trials dominate, up to a reference point; trials beyond it add nothing.
 * @param options reference: one number for each objective; default a tenth of the range beyond the worst of each
 * @throws ConfigError for a study with one objective, a reference of another length
 */
export function hypervolumeHistory(
  view: StudyView,
  { reference: given }: { readonly reference?: readonly number[] } = {},
): HypervolumeHistory {
  const { directions } = view
  const names = objectiveNames(view)
  const expected = directions.length < 2 ? 'several objectives' : `${directions.length} numbers`
  if (directions.length < 2 || (given !== undefined && given.length !== directions.length))
    throw new ConfigError({ code: 'hypervolume', where: `study ${view.name}`, expected, received: given ?? names })
  const complete = view.trials.filter(
    trial => trial.state === 'COMPLETE' && (trial.values?.every(Number.isFinite) ?? false),
  )
  const points = complete.map(trial => losses(trial.values!, directions))
  const limit =
    given === undefined
      ? directions.map((_, k) => {
          const all = points.map(p => p[k]!)
          const [low, high] = [Math.min(...all), Math.max(...all)]
          return high + ((high - low) * 0.1 || 1)
        })
      : losses(given, directions)
  let front: (readonly number[])[] = []
  let value = 0
  const history = complete.map((trial, i) => {
    const p = points[i]!
    const covered = front.some(q => dominates(q, p) || q.every((x, k) => x === p[k]))
    if (isFeasible(trial) && !covered && p.every((x, k) => x <= limit[k]!)) {
      front = [...front.filter(q => !dominates(p, q)), p]
      value = hypervolume(front, limit)
    }
    return { number: trial.number, value }
  })
  return {
    names,
    reference: complete.length === 0 && given === undefined ? [] : limit.map((x, k) => sign(directions[k]!) * x),
    points: history,
    missing: missingTrials(view),
  }
}

export const hypervolumeHistoryChart = ({ names, reference, points }: HypervolumeHistory): LineChart => ({
  title: 'Hypervolume',
  xLabel: 'trial',
  yLabel: `volume covered (product of ${names.join(', ')})`,
  series: [{ name: 'hypervolume', points: points.map(p => [p.number, p.value] as const), draw: 'steps', group: 0 }],
  note: `What feasible trials dominate, up to the reference point (${reference.map(x => Number(x.toPrecision(4))).join(', ')}); more is better.`,
})
