import { type Distribution, sameChoice } from '../distribution.js'
import type { FrozenTrial } from '../frozen-trial.js'
import type { SearchSpace } from './sampler.js'

const counts = (trial: FrozenTrial): boolean => trial.state === 'COMPLETE' || trial.state === 'PRUNED'

const same = (a: Distribution, b: Distribution): boolean => {
  if (a === b) return true
  if (a.type === 'categorical')
    return (
      b.type === 'categorical' &&
      a.choices.length === b.choices.length &&
      a.choices.every((choice, i) => sameChoice(choice, b.choices[i]!))
    )
  if (b.type === 'categorical') return false
  return a.type === b.type && a.low === b.low && a.high === b.high && a.log === b.log && a.step === b.step
}

/**
 * The parameters that every trial that has ended (complete or pruned; with `pruned: false` complete) was given, each with
 * the same distribution, in the order of their names; Optuna's intersection search space.
 */
export function intersectionSpace(
  trials: readonly FrozenTrial[],
  { pruned = true }: { readonly pruned?: boolean } = {},
): SearchSpace {
  let space: Map<string, Distribution> | null = null
  // From the newest: what it asked for is the distribution that counts.
  for (let i = trials.length - 1; i >= 0; i--) {
    const trial = trials[i]!
    if (!counts(trial) || (!pruned && trial.state === 'PRUNED')) continue
    if (space === null) space = new Map(Object.entries(trial.distributions))
    else
      for (const [name, d] of space) {
        const other = trial.distributions[name]
        if (other === undefined || !same(d, other)) space.delete(name)
      }
    if (space.size === 0) return {}
  }
  return Object.fromEntries([...(space ?? [])].sort(([a], [b]) => (a < b ? -1 : 1)))
}

/**
 * The parameters that any of the trials was given, in the order of their names; not those that were given with different
 * distributions.
 */
export function unionSpace(trials: readonly FrozenTrial[]): SearchSpace {
  const space = new Map<string, Distribution | null>()
  for (const { distributions } of trials)
    for (const [name, d] of Object.entries(distributions)) {
      const known = space.get(name)
      if (known === undefined) space.set(name, d)
      else if (known !== null && !same(known, d)) space.set(name, null)
    }
  const one = [...space].flatMap(([name, d]) => (d === null ? [] : [[name, d] as const]))
  return Object.fromEntries(one.sort(([a], [b]) => (a < b ? -1 : 1)))
}

/** Parameters parted into groups such that a trial was given all of a group or none of it; for conditional spaces. */
export function groupSpaces(trials: readonly FrozenTrial[]): readonly SearchSpace[] {
  const distributions = new Map<string, Distribution>()
  let groups: Set<string>[] = []
  const seen = new Set<string>()
  for (const trial of trials) {
    if (!counts(trial)) continue
    const names = Object.keys(trial.distributions)
    const key = names.join('\n')
    for (const name of names) distributions.set(name, trial.distributions[name]!)
    if (seen.has(key)) continue
    seen.add(key)
    const rest = new Set(names)
    const next: Set<string>[] = []
    for (const group of groups) {
      const inside = new Set([...group].filter(name => rest.has(name)))
      const outside = new Set([...group].filter(name => !inside.has(name)))
      for (const name of inside) rest.delete(name)
      for (const part of [inside, outside]) if (part.size > 0) next.push(part)
    }
    if (rest.size > 0) next.push(rest)
    groups = next
  }
  return groups.map(group =>
    Object.fromEntries([...group].sort().map(name => [name, distributions.get(name)!] as const)),
  )
}

/** The parameters of the first trial that ended, in the order of their names. */
export function firstSpace(trials: readonly FrozenTrial[]): SearchSpace {
  const first = trials.find(counts)
  return Object.fromEntries(Object.entries(first?.distributions ?? {}).sort(([a], [b]) => (a < b ? -1 : 1)))
}
