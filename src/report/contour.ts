/** A closed ring of points in the grid's own coordinates: column and row. */
export type Ring = readonly (readonly [column: number, row: number])[]

/**
 * The regions where a grid of values is at least `level`, as closed rings (holes among them: fill by the even-odd
 * rule). Marching squares with linear interpolation; the grid's border closes regions that reach it.
 */
export function regionsAbove(values: readonly (readonly number[])[], level: number): Ring[] {
  const rows = values.length
  const columns = values[0]?.length ?? 0
  const at = (c: number, r: number): number =>
    c < 0 || r < 0 || c >= columns || r >= rows ? Number.NEGATIVE_INFINITY : values[r]![c]!
  const within = (v: number, most: number) => Math.min(Math.max(v, 0), most)
  // Where the level is crossed between two neighbours; beyond the border there is nothing, so it is crossed on it.
  const crossing = (c0: number, r0: number, c1: number, r1: number): readonly [number, number] => {
    const [a, b] = [at(c0, r0), at(c1, r1)]
    const t = a === Number.NEGATIVE_INFINITY ? 1 : b === Number.NEGATIVE_INFINITY ? 0 : (level - a) / (b - a)
    return [within(c0 + t * (c1 - c0), columns - 1), within(r0 + t * (r1 - r0), rows - 1)]
  }
  // Edges are named by their upper or left end; each segment keeps the high ground on its left, so ends meet starts.
  const next = new Map<string, string>()
  const points = new Map<string, readonly [number, number]>()
  for (let r = -1; r < rows; r++)
    for (let c = -1; c < columns; c++) {
      const corners = [at(c, r), at(c + 1, r), at(c + 1, r + 1), at(c, r + 1)]
      const code = corners.reduce((sum, v, i) => sum | (v >= level ? 1 << i : 0), 0)
      if (code === 0 || code === 15) continue
      const middle = corners.every(Number.isFinite) && corners.reduce((a, b) => a + b, 0) / 4 >= level
      const edges = [`h${c},${r}`, `v${c + 1},${r}`, `h${c},${r + 1}`, `v${c},${r}`] as const
      const ends = [
        [c, r, c + 1, r],
        [c + 1, r, c + 1, r + 1],
        [c, r + 1, c + 1, r + 1],
        [c, r, c, r + 1],
      ] as const
      for (const [from, to] of segmentsOf(code, middle)) {
        next.set(edges[from]!, edges[to]!)
        for (const edge of [from, to]) points.set(edges[edge]!, crossing(...ends[edge]!))
      }
    }
  const rings: Ring[] = []
  for (let start = next.keys().next(); !start.done; start = next.keys().next()) {
    const ring: (readonly [number, number])[] = []
    for (let edge: string | undefined = start.value; edge !== undefined; ) {
      ring.push(points.get(edge)!)
      const following: string | undefined = next.get(edge)
      next.delete(edge)
      edge = following
    }
    if (ring.length > 2) rings.push(ring)
  }
  return rings
}

/** From edge to edge (top 0, right 1, bottom 2, left 3), by which corners are high (top left 1, then clockwise 2, 4, 8). */
function segmentsOf(code: number, middle: boolean): readonly (readonly [number, number])[] {
  // Two corners across: joined where the middle is high, apart where it is low.
  if (code === 5) return middle ? [...single[13]!, ...single[7]!] : [...single[1]!, ...single[4]!]
  if (code === 10) return middle ? [...single[14]!, ...single[11]!] : [...single[2]!, ...single[8]!]
  return single[code]!
}
const single: Readonly<Record<number, readonly (readonly [number, number])[]>> = {
  1: [[0, 3]],
  2: [[1, 0]],
  3: [[1, 3]],
  4: [[2, 1]],
  6: [[2, 0]],
  7: [[2, 3]],
  8: [[3, 2]],
  9: [[0, 2]],
  11: [[1, 2]],
  12: [[3, 1]],
  13: [[0, 1]],
  14: [[3, 0]],
}
