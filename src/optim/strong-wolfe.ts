/** A point on the line of a search: its place, loss, slope along the line, and whole gradient. */
export interface LinePoint {
  readonly t: number
  readonly loss: number
  readonly slope: number
  readonly gradient: Float32Array
}

export interface StrongWolfeOptions {
  /** Where the search starts, at t = 0. */
  readonly start: LinePoint
  /** The first step tried. */
  readonly t: number
  /** Largest element of the direction, without its sign: brackets shorter than toleranceChange by it are not searched. */
  readonly extent: number
  readonly toleranceChange: number
  /** Points looked at after the first, at most. */
  readonly most: number
  readonly at: (t: number) => Promise<LinePoint>
}

/** Sufficient decrease, and how much flatter the line must become (Nocedal & Wright 2006, section 3.1). */
const [decrease, curvature] = [1e-4, 0.9]

/**
 * A step that fulfils the strong Wolfe conditions, f(t) ≤ f(0) + 10⁻⁴·t·f'(0) and |f'(t)| ≤ 0.9·|f'(0)|, by bracketing
 * and cubic interpolation as in PyTorch's LBFGS (after minFunc); else the lowest point seen of the last bracket. Losses
 * that are not finite count as too far.
 */
export async function strongWolfe(o: StrongWolfeOptions): Promise<{ point: LinePoint; evaluations: number }> {
  const { start, toleranceChange, most, at } = o
  const tooHigh = (p: LinePoint) => !(p.loss <= start.loss + decrease * p.t * start.slope) // true for NaN
  let now = await at(o.t)
  let looked = 0
  let previous = start
  let bracket: [LinePoint, LinePoint] | null = null
  while (looked < most) {
    if (tooHigh(now) || (looked > 1 && now.loss >= previous.loss)) {
      bracket = [previous, now]
      break
    }
    if (Math.abs(now.slope) <= -curvature * start.slope) return { point: now, evaluations: looked + 1 }
    if (now.slope >= 0) {
      bracket = [previous, now]
      break
    }
    const t = minimumOfCubic(previous, now, now.t + 0.01 * (now.t - previous.t), now.t * 10)
    previous = now
    now = await at(t)
    looked++
  }
  let [low, high] = inOrder(bracket ?? [start, now])
  let slow = false
  while (bracket !== null && looked < most) {
    const [left, right] = low.t < high.t ? [low.t, high.t] : [high.t, low.t]
    if ((right - left) * o.extent < toleranceChange) break
    let t = minimumOfCubic(low, high, left, right)
    const margin = 0.1 * (right - left)
    if (Math.min(right - t, t - left) < margin) {
      // Close to an end, and the time before too: a tenth away from it.
      if (slow || t >= right || t <= left) {
        t = Math.abs(t - right) < Math.abs(t - left) ? right - margin : left + margin
        slow = false
      } else slow = true
    } else slow = false
    now = await at(t)
    looked++
    if (tooHigh(now) || now.loss >= low.loss) [low, high] = inOrder([low, now])
    else {
      if (Math.abs(now.slope) <= -curvature * start.slope) return { point: now, evaluations: looked + 1 }
      if (now.slope * (high.t - low.t) >= 0) high = low
      low = now
    }
  }
  return { point: low, evaluations: looked + 1 }
}

const inOrder = ([a, b]: readonly [LinePoint, LinePoint]): [LinePoint, LinePoint] =>
  b.loss < a.loss || Number.isNaN(a.loss) ? [b, a] : [a, b]

/** Where the cubic through two points with their slopes is lowest, within bounds; their middle where there is none. */
function minimumOfCubic(a: LinePoint, b: LinePoint, least: number, most: number): number {
  const [left, right] = a.t <= b.t ? [a, b] : [b, a]
  const d1 = left.slope + right.slope - (3 * (left.loss - right.loss)) / (left.t - right.t)
  const square = d1 * d1 - left.slope * right.slope
  if (!(square >= 0)) return (least + most) / 2
  const d2 = Math.sqrt(square)
  const t = right.t - (right.t - left.t) * ((right.slope + d2 - d1) / (right.slope - left.slope + 2 * d2))
  return Number.isFinite(t) ? Math.min(Math.max(t, least), most) : (least + most) / 2
}
