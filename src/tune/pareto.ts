import type { Direction, FrozenTrial } from './frozen-trial.js'

/** 1 where less is better, −1 where more is. */
export const sign = (direction: Direction): 1 | -1 => (direction === 'minimize' ? 1 : -1)

/** Whether `a` is at least as good as `b` in every objective and better in one; all to be minimized. */
export function dominates(a: readonly number[], b: readonly number[]): boolean {
  let better = false
  for (let i = 0; i < a.length; i++) {
    if (a[i]! > b[i]!) return false
    if (a[i]! < b[i]!) better = true
  }
  return better
}

/** A trial's values, each to be minimized. */
export const losses = (values: readonly number[], directions: readonly Direction[]): number[] =>
  values.map((value, i) => sign(directions[i]!) * value)

/** Trials that no other dominates, in their order. */
export function paretoFront(trials: readonly FrozenTrial[], directions: readonly Direction[]): FrozenTrial[] {
  const scored = trials
    .filter(trial => trial.values !== null)
    .map(trial => ({ trial, loss: losses(trial.values!, directions) }))
  return scored.filter(a => !scored.some(b => dominates(b.loss, a.loss))).map(({ trial }) => trial)
}

/**
 * Ranks by non-dominated sorting (Deb et al. 2002): 0 for the Pareto front, 1 for the front of the rest, …
 * @param points losses, each to be minimized
 */
export function nonDominatedRanks(points: readonly (readonly number[])[]): number[] {
  const ranks = new Array<number>(points.length).fill(-1)
  let left = points.map((_, i) => i)
  for (let rank = 0; left.length > 0; rank++) {
    const front = left.filter(i => !left.some(j => dominates(points[j]!, points[i]!)))
    // Points that are not comparable (NaN) end the sorting in one last front.
    const chosen = front.length > 0 ? front : left
    for (const i of chosen) ranks[i] = rank
    left = left.filter(i => ranks[i] === -1)
  }
  return ranks
}
