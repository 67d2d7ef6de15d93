import type { Direction, FrozenTrial } from '../frozen-trial.js'
import { losses, nonDominatedRanks } from '../pareto.js'

/** System attribute with what a trial reported for all objectives: for each step (as text) its values. */
export const REPORTS = 'anneal:reports'

/** What a trial reported at a step for all objectives; null where it reported nothing then, or one number. */
export function vectorAt(trial: FrozenTrial, step: number): readonly number[] | null {
  // A trial tried again has the attribute of the one it repeats, until it reports itself.
  if (!trial.intermediateValues.has(step)) return null
  const all = trial.systemAttrs[REPORTS]
  if (typeof all !== 'object' || all === null || Array.isArray(all)) return null
  const values = (all as Readonly<Record<string, unknown>>)[`${step}`]
  return Array.isArray(values) && values.every(value => typeof value === 'number') ? values : null
}

/** What a trial reported at a step for all objectives, each to be minimized; null as `vectorAt`. */
export function lossesAt(trial: FrozenTrial, step: number, directions: readonly Direction[]): readonly number[] | null {
  const values = vectorAt(trial, step)
  return values === null || values.length !== directions.length ? null : losses(values, directions)
}

/**
 * For each point how many stand before it: points of an earlier front do (non-dominated sorting), and within a front
 * those with more room around them (crowding distance; Deb et al. 2002). Points that are equal in both share a place.
 * @param points losses, each to be minimized, none NaN
 */
export function rankOrder(points: readonly (readonly number[])[]): number[] {
  const ranks = nonDominatedRanks(points)
  const room = crowding(points, ranks)
  const before = (a: number, b: number) => ranks[a]! - ranks[b]! || (room[a] === room[b] ? 0 : room[b]! - room[a]!)
  const order = points.map((_, i) => i).sort(before)
  const places = new Array<number>(points.length).fill(0)
  for (let k = 1; k < order.length; k++)
    places[order[k]!] = before(order[k - 1]!, order[k]!) === 0 ? places[order[k - 1]!]! : k
  return places
}

/** The crowding distance of each point within its front, from the nearest other values on both sides. */
function crowding(points: readonly (readonly number[])[], ranks: readonly number[]): number[] {
  const room = new Array<number>(points.length).fill(0)
  for (let rank = 0; rank <= Math.max(...ranks); rank++) {
    const front = points.map((_, i) => i).filter(i => ranks[i] === rank)
    for (let k = 0; k < points[0]!.length; k++) {
      const values = [...new Set(front.map(i => points[i]![k]!))].sort((a, b) => a - b)
      const range = values.at(-1)! - values[0]!
      const places = new Map(values.map((value, at) => [value, at]))
      for (const i of front) {
        const at = places.get(points[i]![k]!)!
        if (at === 0 || at === values.length - 1) room[i] = Infinity
        else if (Number.isFinite(range)) room[i]! += (values[at + 1]! - values[at - 1]!) / range
      }
    }
  }
  return room
}

/** The least number that is not NaN; NaN where there is none. */
export const least = (values: Iterable<number>): number => {
  let best = Number.NaN
  for (const value of values) if (!(value >= best) && !Number.isNaN(value)) best = value
  return best
}
