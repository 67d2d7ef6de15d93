import type { FrozenTrial } from './frozen-trial.js'

export const CONSTRAINTS = 'constraints'

/** A trial's constraints by name, each kept where it is at most 0; both of Optuna's forms (a list, and one key each). */
export function constraintsOf(trial: Pick<FrozenTrial, 'systemAttrs'>): ReadonlyMap<string, number> {
  const found = new Map<string, number>()
  const list = trial.systemAttrs[CONSTRAINTS]
  if (Array.isArray(list))
    for (const [i, value] of list.entries()) if (typeof value === 'number') found.set(`${i}`, value)
  for (const [key, value] of Object.entries(trial.systemAttrs))
    if (key.startsWith(`${CONSTRAINTS}:`) && typeof value === 'number')
      found.set(key.slice(CONSTRAINTS.length + 1), value)
  return found
}

/** How far a trial is from keeping its constraints: the sum of what exceeds 0; 0 for those that keep all or have none. */
export function violation(trial: Pick<FrozenTrial, 'systemAttrs'>): number {
  // Asked of every trial again and again, most of which have none.
  let some = false
  for (const key in trial.systemAttrs) if (key.startsWith(CONSTRAINTS)) some = true
  if (!some) return 0
  return [...constraintsOf(trial).values()].reduce((sum, value) => sum + Math.max(0, value), 0)
}

/** Whether a trial keeps its constraints; one whose constraints could not be computed (null) does not. */
export const isFeasible = (trial: Pick<FrozenTrial, 'systemAttrs'>): boolean =>
  trial.systemAttrs[CONSTRAINTS] !== null && violation(trial) === 0
