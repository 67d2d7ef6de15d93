import { ConfigError } from '../../ir/index.js'
import { type Choice, categoricalDistribution, type ParamValue, sameChoice } from '../distribution.js'
import { type FrozenTrial, isFinished } from '../frozen-trial.js'
import type { Json } from '../json.js'
import { freshSeed, type Sampler, type SamplerContext } from './sampler.js'

const GRID_ID = 'grid_id'
const SEARCH_SPACE = 'search_space'

/**
 * Every combination of the values given, each once, in an order drawn by seed; then the study stops. Workers that share a
 * study share the grid, and one that is interrupted goes on: which points are taken stands with the trials, in Optuna's
 * form (its GridSampler may work on the same grid).
 * @param values for each parameter its values: `{ lr: [0.01, 0.1], units: [16, 32] }`
 * @throws ConfigError for an empty grid; from `suggest` for a parameter that is not in the grid
 */
export function grid(values: Readonly<Record<string, readonly Choice[]>>, { seed = freshSeed() } = {}): Sampler {
  const names = Object.keys(values ?? {}).sort()
  for (const name of names) categoricalDistribution(values[name]!, `samplers.grid(${name})`)
  if (names.length === 0)
    throw new ConfigError({
      code: 'empty-grid',
      where: 'samplers.grid',
      expected: 'a parameter with values',
      received: values,
    })
  const size = names.reduce((product, name) => product * values[name]!.length, 1)
  const point = (id: number): Record<string, ParamValue> => {
    const out: Record<string, ParamValue> = {}
    // As itertools.product counts: the last name changes fastest.
    let rest = id
    for (let i = names.length - 1; i >= 0; i--) {
      const list = values[names[i]!]!
      out[names[i]!] = list[rest % list.length]!
      rest = Math.floor(rest / list.length)
    }
    return out
  }
  const same = (space: Json | undefined): boolean =>
    typeof space === 'object' &&
    space !== null &&
    !Array.isArray(space) &&
    Object.keys(space).length === names.length &&
    names.every(name => {
      const list = (space as Readonly<Record<string, Json>>)[name]
      return (
        Array.isArray(list) &&
        list.length === values[name]!.length &&
        list.every((value, i) => sameChoice(value as Choice, values[name]![i]!))
      )
    })
  /** Points of this grid that trials have, the running ones too. */
  const taken = (trials: readonly FrozenTrial[], counts: (trial: FrozenTrial) => boolean): Set<number> =>
    new Set(
      trials
        .filter(trial => counts(trial) && same(trial.systemAttrs[SEARCH_SPACE]))
        .map(trial => Number(trial.systemAttrs[GRID_ID])),
    )
  return {
    name: 'grid',
    seed,
    searchSpace: () => Object.fromEntries(names.map(name => [name, categoricalDistribution(values[name]!)])),
    sample: async context => {
      if (context.trial.systemAttrs.fixed_params !== undefined) return {}
      const id = choose(
        context,
        size,
        taken(context.study.trials, trial => trial.state !== 'WAITING'),
        taken(context.study.trials, trial => isFinished(trial.state)),
      )
      await context.setTrialSystemAttr(SEARCH_SPACE, Object.fromEntries(names.map(name => [name, [...values[name]!]])))
      await context.setTrialSystemAttr(GRID_ID, id)
      return point(id)
    },
    sampleIndependent: (_context, name, distribution) => {
      throw new ConfigError({
        code: 'not-in-grid',
        where: `parameter ${name}`,
        expected: names.includes(name)
          ? `a distribution that holds the grid's values ${values[name]!.join(', ')}`
          : `one of the grid's parameters ${names.join(', ')}`,
        received: names.includes(name) ? distribution : name,
      })
    },
    afterTrial: (context, _state, _values, stop) => {
      const done = taken(context.study.trials, trial => isFinished(trial.state) || trial.id === context.trial.id)
      if (done.size >= size) stop()
    },
  }
}

/** The next point: one nobody has, else one nobody has finished, else any. */
function choose(
  context: SamplerContext,
  size: number,
  taken: ReadonlySet<number>,
  finished: ReadonlySet<number>,
): number {
  const random = context.random('point')
  for (const used of [taken, finished]) {
    if (used.size >= size) continue
    // The k-th of those that are left, without listing a grid that may be huge.
    let k = random.below(0, size - used.size)
    for (const id of [...used].filter(id => id >= 0 && id < size).sort((a, b) => a - b)) if (id <= k) k++
    return Math.min(k, size - 1)
  }
  return random.below(1, size)
}
