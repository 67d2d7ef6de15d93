import { dominates } from './pareto.js'

/**
 * The volume of what some points dominate, up to a reference point; everything is to be minimized, points beyond the
 * reference count nothing. Two objectives by sweeping, more by exclusive volumes (WFG; While, Bradstreet, Barone 2012).
 */
export function hypervolume(points: readonly (readonly number[])[], reference: readonly number[]): number {
  const inside = points.filter(p => p.every((x, i) => x < reference[i]!))
  if (inside.length === 0) return 0
  if (inside.some(p => p.includes(-Infinity)) || reference.includes(Infinity)) return Infinity
  return volume(front(inside), reference)
}

const front = (points: readonly (readonly number[])[]): (readonly number[])[] => {
  const unique = [...new Map(points.map(p => [p.join(), p])).values()]
  return unique.filter(a => !unique.some(b => dominates(b, a)))
}

function volume(points: readonly (readonly number[])[], reference: readonly number[]): number {
  if (points.length === 0) return 0
  if (points.length === 1) return box(points[0]!, reference)
  if (reference.length === 1) return reference[0]! - Math.min(...points.map(p => p[0]!))
  const sorted = [...points].sort((a, b) => a[0]! - b[0]!)
  if (reference.length === 2) {
    let sum = 0
    let top = reference[1]!
    for (const [x, y] of sorted as [number, number][]) {
      if (y >= top) continue
      sum += (reference[0]! - x) * (top - y)
      top = y
    }
    return sum
  }
  // Each point adds its box less what the later points already cover of it.
  let sum = 0
  for (let i = 0; i < sorted.length; i++) {
    const p = sorted[i]!
    const limited = sorted.slice(i + 1).map(q => q.map((x, k) => Math.max(x, p[k]!)))
    sum += box(p, reference) - volume(front(limited), reference)
  }
  return sum
}

const box = (p: readonly number[], reference: readonly number[]): number =>
  p.reduce((product, x, i) => product * (reference[i]! - x), 1)

/**
 * `size` points that together have a large hypervolume, greedily: each time the one that adds most (at least 1 − 1/e of
 * the best; Guerreiro, Fonseca, Paquete 2016).
 * @returns their indices
 */
export function hypervolumeSubset(
  points: readonly (readonly number[])[],
  size: number,
  reference: readonly number[],
): number[] {
  const left = new Set(points.map((_, i) => i))
  const chosen: number[] = []
  // What a point adds never grows: an old gain bounds the new one.
  const bounds = points.map(p => hypervolume([p], reference))
  let covered = 0
  while (chosen.length < size && left.size > 0) {
    let best = -1
    let most = -Infinity
    const order = [...left].sort((a, b) => bounds[b]! - bounds[a]!)
    for (const i of order) {
      if (bounds[i]! <= most) break
      const gain = hypervolume([...chosen.map(k => points[k]!), points[i]!], reference) - covered
      bounds[i] = Number.isNaN(gain) ? 0 : gain
      if (bounds[i]! > most) [best, most] = [i, bounds[i]!]
    }
    if (best < 0) best = order[0]!
    left.delete(best)
    chosen.push(best)
    covered = hypervolume(
      chosen.map(k => points[k]!),
      reference,
    )
  }
  return chosen
}
