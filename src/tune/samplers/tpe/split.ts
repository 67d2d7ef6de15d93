import { violation } from '../../constraints.js'
import { type Direction, type FrozenTrial, lastStep } from '../../frozen-trial.js'
import { hypervolumeSubset } from '../../hypervolume.js'
import { losses, nonDominatedRanks, sign } from '../../pareto.js'

/**
 * Parts trials into the good ones and the rest: the best complete trials, then pruned ones that came furthest, then those
 * that violate their constraints least. Running trials belong to the rest (the constant liar).
 * @returns both by number
 */
export function splitTrials(
  trials: readonly FrozenTrial[],
  directions: readonly Direction[],
  below: number,
): { readonly good: readonly FrozenTrial[]; readonly rest: readonly FrozenTrial[] } {
  const running = trials.filter(t => t.state === 'RUNNING')
  const ended = trials.filter(t => t.state !== 'RUNNING')
  const feasible = ended.filter(t => violation(t) === 0)
  const complete = feasible.filter(t => t.state === 'COMPLETE' && t.values !== null)
  const pruned = feasible.filter(t => t.state === 'PRUNED')
  const infeasible = ended.filter(t => violation(t) > 0).sort((a, b) => violation(a) - violation(b))
  const ranked =
    directions.length === 1
      ? stable(complete, t => sign(directions[0]!) * t.values![0]!)
      : byFronts(complete, directions, Math.min(below, complete.length))
  const order = [...ranked, ...byProgress(pruned, directions), ...infeasible]
  const byNumber = (a: FrozenTrial, b: FrozenTrial) => a.number - b.number
  return { good: order.slice(0, below).sort(byNumber), rest: [...order.slice(below), ...running].sort(byNumber) }
}

const stable = (trials: readonly FrozenTrial[], score: (t: FrozenTrial) => number): FrozenTrial[] =>
  trials
    .map(t => ({ t, s: score(t) }))
    .sort((a, b) => a.s - b.s || a.t.number - b.t.number)
    .map(({ t }) => t)

/** Pruned trials: those that came further first, among equals the better report. */
function byProgress(trials: readonly FrozenTrial[], directions: readonly Direction[]): FrozenTrial[] {
  const scored = trials.map(t => {
    const step = lastStep(t)
    const value = step === null ? 0 : sign(directions[0]!) * t.intermediateValues.get(step)!
    return { t, step: step ?? -1, value: Number.isNaN(value) ? Infinity : value }
  })
  return scored.sort((a, b) => b.step - a.step || a.value - b.value || a.t.number - b.t.number).map(({ t }) => t)
}

/** Trials by fronts; the front that is only partly among the first `below` is led by those that add most hypervolume. */
function byFronts(trials: readonly FrozenTrial[], directions: readonly Direction[], below: number): FrozenTrial[] {
  const points = trials.map(t => losses(t.values!, directions))
  const ranks = nonDominatedRanks(points)
  const order: number[] = []
  for (let rank = 0; order.length < trials.length; rank++) {
    const front = ranks.flatMap((r, i) => (r === rank ? [i] : []))
    const room = below - order.length
    if (room > 0 && room < front.length) {
      const worst = directions.map((_, o) => Math.max(...front.map(i => points[i]![o]!)))
      const reference = worst.map(w => Math.max(1.1 * w, 0.9 * w) || 1e-12)
      const chosen = hypervolumeSubset(
        front.map(i => points[i]!),
        room,
        reference,
      ).map(k => front[k]!)
      const picked = new Set(chosen)
      order.push(...chosen, ...front.filter(i => !picked.has(i)))
    } else order.push(...front)
  }
  return order.map(i => trials[i]!)
}
