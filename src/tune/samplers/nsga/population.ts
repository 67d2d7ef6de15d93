import { violation } from '../../constraints.js'
import type { Direction, FrozenTrial } from '../../frozen-trial.js'
import { dominates, losses, nonDominatedRanks } from '../../pareto.js'

/** One of a population: a complete trial with what it is judged by. */
export interface Individual {
  readonly trial: FrozenTrial
  /** Objectives, each to be minimized. */
  readonly losses: readonly number[]
  readonly violation: number
}

export const individual = (trial: FrozenTrial, directions: readonly Direction[]): Individual => ({
  trial,
  losses: losses(trial.values!, directions),
  violation: violation(trial),
})

/** Deb's rule: feasible beats infeasible, of two infeasible ones the smaller violation, of two feasible ones dominance. */
export function beats(a: Individual, b: Individual): boolean {
  if (a.violation === 0 && b.violation === 0) return dominates(a.losses, b.losses)
  return a.violation < b.violation
}

/** Fronts of a population, best first: feasible ones by dominance, then the others by violation. */
export function fronts(population: readonly Individual[]): Individual[][] {
  const feasible = population.filter(p => p.violation === 0)
  const ranks = nonDominatedRanks(feasible.map(p => p.losses))
  const out: Individual[][] = []
  feasible.forEach((p, i) => {
    out[ranks[i]!] ??= []
    out[ranks[i]!]!.push(p)
  })
  const rest = population.filter(p => p.violation > 0).sort((a, b) => a.violation - b.violation)
  return [...out, ...rest.map(p => [p])]
}

/** The distance of each of a front to its neighbours (Deb et al. 2002): how much room it has for itself. */
export function crowding(front: readonly Individual[]): Map<Individual, number> {
  const distance = new Map(front.map(p => [p, 0]))
  const objectives = front[0]?.losses.length ?? 0
  for (let o = 0; o < objectives; o++) {
    const sorted = [...front].sort((a, b) => a.losses[o]! - b.losses[o]!)
    const [low, high] = [sorted[0]!.losses[o]!, sorted.at(-1)!.losses[o]!]
    const width = high - low
    sorted.forEach((p, i) => {
      const edge = i === 0 || i === sorted.length - 1
      const gap = edge ? Infinity : (sorted[i + 1]!.losses[o]! - sorted[i - 1]!.losses[o]!) / (width || 1)
      distance.set(p, distance.get(p)! + (Number.isNaN(gap) ? 0 : gap))
    })
  }
  return distance
}

/** The `size` that survive: whole fronts, and of the last one those with most room. */
export function survivors(population: readonly Individual[], size: number): Individual[] {
  const chosen: Individual[] = []
  for (const front of fronts(population)) {
    if (chosen.length >= size) break
    if (chosen.length + front.length <= size) chosen.push(...front)
    else {
      const room = crowding(front)
      const sorted = [...front].sort((a, b) => room.get(b)! - room.get(a)! || a.trial.number - b.trial.number)
      chosen.push(...sorted.slice(0, size - chosen.length))
    }
  }
  return chosen
}
