import { dominates } from '../../pareto.js'

/** Boxes that do not overlap: for each objective lower and upper ends, box after box. */
export interface Boxes {
  readonly count: number
  readonly lower: Float64Array
  readonly upper: Float64Array
}

/**
 * The space below a reference that no point dominates, everything to be minimized, as boxes: Lacour, Klamroth, Fonseca
 * 2017 (algorithm of defining points). Lower ends of the first objective are −∞.
 */
export function nonDominatedBoxes(points: readonly (readonly number[])[], reference: readonly number[]): Boxes {
  const objectives = reference.length
  const inside = points.filter(p => p.every((x, k) => x < reference[k]!))
  const front = inside.filter(
    (p, i) => !inside.some((q, j) => dominates(q, p) || (j < i && q.every((x, k) => x === p[k]))),
  )
  // A local upper bound with the points that define it, one for each objective.
  interface Bound {
    readonly u: readonly number[]
    readonly by: readonly (readonly number[])[]
  }
  const nobody = (k: number) => reference.map((r, j) => (j === k ? r : -Infinity))
  let bounds: Bound[] = [{ u: reference, by: reference.map((_, k) => nobody(k)) }]
  for (const p of front) {
    const next: Bound[] = []
    for (const bound of bounds) {
      if (!p.every((x, k) => x < bound.u[k]!)) {
        next.push(bound)
        continue
      }
      for (let k = 0; k < objectives; k++) {
        const others = bound.by.filter((_, j) => j !== k)
        if (others.every(q => q[k]! < p[k]!))
          next.push({
            u: bound.u.map((x, j) => (j === k ? p[k]! : x)),
            by: bound.by.map((q, j) => (j === k ? p : q)),
          })
      }
    }
    bounds = next
  }
  const lower: number[] = []
  const upper: number[] = []
  for (const { u, by } of bounds) {
    const low = u.map((_, k) => (k === 0 ? -Infinity : Math.max(...by.slice(0, k).map(q => q[k]!))))
    if (low.every((x, k) => x < u[k]!)) {
      lower.push(...low)
      upper.push(...u)
    }
  }
  return { count: lower.length / objectives, lower: Float64Array.from(lower), upper: Float64Array.from(upper) }
}
