import { violation } from '../../constraints.js'
import { type Direction, type FrozenTrial, lastStep } from '../../frozen-trial.js'
import { hypervolumeSubset } from '../../hypervolume.js'
import { losses, nonDominatedRanks, sign } from '../../pareto.js'

/**
 * Parts trials into the good ones and the rest: the best complete trials, then pruned ones that came furthest, then those
 * that violate their constraints least. Running trials belong to the rest (the constant liar).
 * @param trials by number, in which order both parts are
 */
export function splitTrials(
  trials: readonly FrozenTrial[],
  directions: readonly Direction[],
  below: number,
): { readonly good: readonly FrozenTrial[]; readonly rest: readonly FrozenTrial[] } {
  const complete: FrozenTrial[] = []
  const pruned: FrozenTrial[] = []
  const infeasible: { readonly t: FrozenTrial; readonly score: number }[] = []
  for (const t of trials) {
    if (t.state === 'RUNNING') continue
    const score = violation(t)
    if (score > 0) infeasible.push({ t, score })
    else if (t.state === 'PRUNED') pruned.push(t)
    else if (t.state === 'COMPLETE' && t.values !== null) complete.push(t)
  }
  const good = new Set(
    directions.length === 1
      ? smallest(complete, sign(directions[0]!), below)
      : byFronts(complete, directions, Math.min(below, complete.length)).slice(0, below),
  )
  const take = (more: () => readonly FrozenTrial[]) => {
    if (good.size < below) for (const t of more().slice(0, below - good.size)) good.add(t)
  }
  take(() => byProgress(pruned, directions))
  take(() => infeasible.sort((a, b) => a.score - b.score).map(({ t }) => t))
  return { good: trials.filter(t => good.has(t)), rest: trials.filter(t => !good.has(t)) }
}

/** The trials with the least values, of equal ones the first. */
function smallest(trials: readonly FrozenTrial[], sense: 1 | -1, count: number): FrozenTrial[] {
  const chosen: FrozenTrial[] = []
  const scores: number[] = []
  for (const t of trials) {
    const score = sense * t.values![0]!
    if (chosen.length === count && !(score < scores[count - 1]!)) continue
    let at = chosen.length
    while (at > 0 && score < scores[at - 1]!) at--
    chosen.splice(at, 0, t)
    scores.splice(at, 0, score)
    if (chosen.length > count) {
      chosen.pop()
      scores.pop()
    }
  }
  return chosen
}

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
