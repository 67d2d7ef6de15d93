export interface MinimizeOptions {
  /** Bounds of each variable; default none. */
  readonly lower?: Float64Array
  readonly upper?: Float64Array
  /** Ends where no component of the projected gradient is larger. */
  readonly gradientTolerance: number
  /** Ends where a step improves by less than this share of the value (of 1, where the value is less). Default 2.2e-9. */
  readonly valueTolerance?: number
  /** Ends where a step improves by less than this. Default 0. */
  readonly leastGain?: number
  readonly maxIterations?: number
}

export interface Minimum {
  readonly x: Float64Array
  readonly value: number
  readonly iterations: number
}

/** Pairs of steps and changes of the gradient that are remembered. */
const MEMORY = 10

const dot = (a: Float64Array, b: Float64Array): number => {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!
  return sum
}

/**
 * L-BFGS within bounds: the quasi-Newton direction of the variables that are free to move (two-loop recursion; Nocedal
 * 1980), and a search along it, projected onto the bounds, for enough descent (Bertsekas 1982).
 * @param f the value at x; writes the gradient. Where it is not finite the search steps back
 */
export function minimize(
  f: (x: Float64Array, gradient: Float64Array) => number,
  start: Float64Array,
  { lower, upper, gradientTolerance, valueTolerance = 2.2e-9, leastGain = 0, maxIterations = 200 }: MinimizeOptions,
): Minimum {
  const n = start.length
  const clip = (x: number, i: number): number => Math.min(Math.max(x, lower?.[i] ?? -Infinity), upper?.[i] ?? Infinity)
  let x = start.map(clip)
  let gradient = new Float64Array(n)
  let value = f(x, gradient)
  const steps: Float64Array[] = []
  const changes: Float64Array[] = []
  const alphas = new Float64Array(MEMORY)
  let nextX = new Float64Array(n)
  let nextGradient = new Float64Array(n)
  const direction = new Float64Array(n)
  const free = new Uint8Array(n)

  /** Marks the variables that may move, and says how large the projected gradient is. */
  const project = (): number => {
    let largest = 0
    for (let i = 0; i < n; i++) {
      const g = gradient[i]!
      free[i] = (x[i] === lower?.[i] && g > 0) || (x[i] === upper?.[i] && g < 0) ? 0 : 1
      largest = Math.max(largest, Math.abs(clip(x[i]! - g, i) - x[i]!))
    }
    return largest
  }
  const aim = (): void => {
    for (let i = 0; i < n; i++) direction[i] = free[i] === 1 ? -gradient[i]! : 0
    for (let k = steps.length - 1; k >= 0; k--) {
      const [s, y] = [steps[k]!, changes[k]!]
      const alpha = dot(s, direction) / dot(s, y)
      alphas[k] = alpha
      for (let i = 0; i < n; i++) direction[i]! -= alpha * y[i]!
    }
    const last = steps.length - 1
    if (last >= 0) {
      const scale = dot(steps[last]!, changes[last]!) / dot(changes[last]!, changes[last]!)
      for (let i = 0; i < n; i++) direction[i]! *= scale
    }
    for (let k = 0; k < steps.length; k++) {
      const [s, y] = [steps[k]!, changes[k]!]
      const beta = dot(y, direction) / dot(s, y)
      for (let i = 0; i < n; i++) direction[i]! += (alphas[k]! - beta) * s[i]!
    }
    for (let i = 0; i < n; i++) if (free[i] === 0) direction[i] = 0
  }

  let iterations = 0
  while (iterations < maxIterations && Number.isFinite(value) && project() > gradientTolerance) {
    aim()
    let slope = dot(gradient, direction)
    if (!(slope < 0)) {
      steps.length = 0
      changes.length = 0
      aim()
      slope = dot(gradient, direction)
      if (!(slope < 0)) break
    }
    let t = steps.length === 0 ? Math.min(1, 1 / Math.sqrt(dot(direction, direction))) : 1
    let nextValue = Infinity
    let found = false
    for (let tries = 0; tries < 20; tries++) {
      let descent = 0
      for (let i = 0; i < n; i++) {
        nextX[i] = clip(x[i]! + t * direction[i]!, i)
        descent += gradient[i]! * (nextX[i]! - x[i]!)
      }
      nextValue = f(nextX, nextGradient)
      if (nextValue <= value + 1e-4 * descent && Number.isFinite(nextValue)) {
        found = true
        break
      }
      // The minimum of the parabola through both values and the slope, within a tenth and a half of the step.
      const best = Number.isFinite(nextValue) ? (-slope * t * t) / (2 * (nextValue - value - slope * t)) : 0
      t = Math.min(Math.max(best, 0.1 * t), 0.5 * t)
    }
    if (!found) {
      if (steps.length === 0) break
      steps.length = 0
      changes.length = 0
      continue
    }
    iterations++
    const s = nextX.map((xi, i) => xi - x[i]!)
    const y = nextGradient.map((gi, i) => gi - gradient[i]!)
    if (dot(s, y) > 1e-10 * dot(y, y)) {
      if (steps.length === MEMORY) {
        steps.shift()
        changes.shift()
      }
      steps.push(s)
      changes.push(y)
    }
    const gained = value - nextValue
    const size = Math.max(Math.abs(value), Math.abs(nextValue), 1)
    ;[x, nextX] = [nextX, x]
    ;[gradient, nextGradient] = [nextGradient, gradient]
    value = nextValue
    if (gained <= Math.max(valueTolerance * size, leastGain)) break
  }
  return { x, value, iterations }
}
