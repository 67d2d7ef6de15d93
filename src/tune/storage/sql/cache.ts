import type { Distribution } from '../../distribution.js'
import { type FrozenTrial, isFinished } from '../../frozen-trial.js'

/**
 * What is known of a study's trials. Finished ones never change, and ids are committed in their order (the study's lock
 * sees to it), so only those above the largest finished id, and those known not to be finished, need be read again.
 */
export interface TrialCache {
  /** All ids up to here have been seen. */
  readonly since: number
  /** How many there are. */
  readonly count: number
  /** Ids up to `since` of trials that may still change. */
  open(): number[]
  take(trials: readonly FrozenTrial[]): void
  /** All trials by number. */
  list(): FrozenTrial[]
  /** For each name the distribution it was first asked with. */
  readonly distributions: ReadonlyMap<string, Distribution>
}

export function trialCache(): TrialCache {
  const byNumber: FrozenTrial[] = []
  const open = new Set<number>()
  const distributions = new Map<string, Distribution>()
  let count = 0
  let since = -1
  return {
    get since() {
      return since
    },
    get count() {
      return count
    },
    open: () => [...open].filter(id => id <= since),
    take: trials => {
      for (const trial of trials) {
        const before = byNumber[trial.number]
        if (before === undefined) count++
        else if (isFinished(before.state)) continue // an answer that was overtaken
        byNumber[trial.number] = trial
        if (isFinished(trial.state)) {
          since = Math.max(since, trial.id)
          open.delete(trial.id)
        } else open.add(trial.id)
        for (const [name, distribution] of Object.entries(trial.distributions))
          if (!distributions.has(name)) distributions.set(name, distribution)
      }
    },
    // Rows that somebody deleted by hand leave holes.
    list: () => (count === byNumber.length ? byNumber.slice() : byNumber.filter(trial => trial !== undefined)),
    distributions,
  }
}
