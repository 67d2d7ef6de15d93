import { cholesky, inverse, solveBack, solveRow } from './cholesky.js'
import { minimize } from './lbfgs.js'

/** Points of the unit cube in rows; of a categorical axis the number of the choice. */
export interface Points {
  readonly x: Float64Array
  readonly count: number
  /** For each axis 1 where it is categorical: two points differ by 1 in it or not at all. */
  readonly categorical: Uint8Array
}

/** What is fitted: Matérn 5/2 with a length for each axis. */
export interface Kernel {
  /** For each axis 1 / length². */
  readonly inverseSquares: Float64Array
  /** Variance of the function. */
  readonly scale: number
  /** Variance of the noise. */
  readonly noise: number
}

/** A Gaussian process that has seen its observations. */
export interface Process {
  readonly points: Points
  readonly kernel: Kernel
  /** L of the observations' covariance, noise included. */
  readonly l: Float64Array
  /** L⁻¹ of the observed values. */
  readonly u: Float64Array
}

/** Noise never falls below this: values are standardized. */
export const LEAST_NOISE = 1e-6

const SQRT5 = Math.sqrt(5)

export const defaultKernel = (axes: number): Kernel => ({
  inverseSquares: new Float64Array(axes).fill(1),
  scale: 1,
  noise: 1,
})

/** The covariances of a point of `from` (at `offset`) with the first `count` points, into `out` at `at`. */
export function covariances(
  { x, categorical }: Points,
  { inverseSquares, scale }: Kernel,
  from: Float64Array,
  offset: number,
  count: number,
  out: Float64Array,
  at: number,
): void {
  const axes = categorical.length
  for (let i = 0, row = 0; i < count; i++, row += axes) {
    let r2 = 0
    for (let d = 0; d < axes; d++) {
      const difference = from[offset + d]! - x[row + d]!
      r2 +=
        categorical[d] === 0 ? inverseSquares[d]! * difference * difference : difference === 0 ? 0 : inverseSquares[d]!
    }
    const r = SQRT5 * Math.sqrt(r2)
    out[at + i] = scale * (1 + r + (5 / 3) * r2) * Math.exp(-r)
  }
}

/** Adds to `out` the gradient of Σ weight[i] · covariance(point, i-th point) by the point's place. */
export function covarianceGradient(
  { x, count, categorical }: Points,
  { inverseSquares, scale }: Kernel,
  point: Float64Array,
  weights: Float64Array,
  out: Float64Array,
): void {
  const axes = categorical.length
  for (let i = 0, row = 0; i < count; i++, row += axes) {
    let r2 = 0
    for (let d = 0; d < axes; d++) {
      const difference = point[d]! - x[row + d]!
      r2 +=
        categorical[d] === 0 ? inverseSquares[d]! * difference * difference : difference === 0 ? 0 : inverseSquares[d]!
    }
    const r = SQRT5 * Math.sqrt(r2)
    const slope = weights[i]! * scale * (-5 / 3) * (1 + r) * Math.exp(-r)
    for (let d = 0; d < axes; d++)
      if (categorical[d] === 0) out[d]! += slope * inverseSquares[d]! * (point[d]! - x[row + d]!)
  }
}

/**
 * A process that has seen values at some points.
 * @returns null where the covariance is not positive definite to machine precision
 */
export function observe(points: Points, values: Float64Array, kernel: Kernel): Process | null {
  const n = points.count
  const l = new Float64Array(n * n)
  const axes = points.categorical.length
  for (let i = 0; i < n; i++) {
    covariances(points, kernel, points.x, i * axes, i, l, i * n)
    l[i * n + i] = kernel.scale + kernel.noise
  }
  if (!cholesky(l, n)) return null
  const u = values.slice()
  solveRow(l, n, u, 0, 0, n)
  return { points, kernel, l, u }
}

/**
 * A process with points added whose values are not known yet: `u` stays as long as the observations are, and any
 * numbers put behind it, standard normal ones for draws of the posterior, stand for values there.
 */
export function withPending(process: Process, pending: Float64Array): Process {
  const { points, kernel, l } = process
  const axes = points.categorical.length
  const n = points.count
  const count = n + pending.length / axes
  const x = new Float64Array(count * axes)
  x.set(points.x)
  x.set(pending, n * axes)
  const all = { ...points, x, count }
  const out = new Float64Array(count * count)
  for (let i = 0; i < n; i++) out.set(l.subarray(i * n, i * n + i + 1), i * count)
  for (let i = n; i < count; i++) {
    const row = i * count
    covariances(all, kernel, x, i * axes, i, out, row)
    solveRow(out, count, out, row, 0, i)
    // The function itself is meant, not a noisy value of it; a little more keeps equal points apart.
    let left = kernel.scale * (1 + 1e-6)
    for (let k = 0; k < i; k++) left -= out[row + k]! * out[row + k]!
    out[row + i] = Math.sqrt(Math.max(left, 1e-6 * kernel.scale))
  }
  return { points: all, kernel, l: out, u: process.u }
}

/** What `fitProcess` maximizes, for tests and for the curious: log likelihood (without its constant) and prior. */
export function logPosterior(points: Points, values: Float64Array, kernel: Kernel, gradient?: Float64Array): number {
  const axes = points.categorical.length
  return -lossOf(points, values)(kernel, gradient ?? new Float64Array(axes + 2))
}

/** The loss of a kernel, and its gradient by the logarithms of inverse squares, scale and noise. */
function lossOf(points: Points, values: Float64Array) {
  const { x, count: n, categorical } = points
  const axes = categorical.length
  const l = new Float64Array(n * n)
  const slopes = new Float64Array(n * n)
  const room = new Float64Array(n * n)
  const inverted = new Float64Array(n * n)
  const alpha = new Float64Array(n)
  return ({ inverseSquares, scale, noise }: Kernel, gradient: Float64Array): number => {
    for (let i = 0; i < n; i++) {
      const a = i * axes
      for (let j = 0, b = 0; j < i; j++, b += axes) {
        let r2 = 0
        for (let d = 0; d < axes; d++) {
          const difference = x[a + d]! - x[b + d]!
          r2 +=
            categorical[d] === 0
              ? inverseSquares[d]! * difference * difference
              : difference === 0
                ? 0
                : inverseSquares[d]!
        }
        const r = SQRT5 * Math.sqrt(r2)
        const fall = scale * Math.exp(-r)
        l[i * n + j] = (1 + r + (5 / 3) * r2) * fall
        slopes[i * n + j] = (-5 / 6) * (1 + r) * fall
      }
      l[i * n + i] = scale + noise
    }
    if (!cholesky(l, n)) return Infinity
    alpha.set(values)
    solveRow(l, n, alpha, 0, 0, n)
    let loss = 0
    for (let i = 0; i < n; i++) loss += Math.log(l[i * n + i]!) + 0.5 * alpha[i]! * alpha[i]!
    solveBack(l, n, alpha)
    inverse(l, n, inverted, room)
    gradient.fill(0)
    let trace = 0
    let alphaY = 0
    let alphaAlpha = 0
    for (let i = 0; i < n; i++) {
      const a = i * axes
      const ai = alpha[i]!
      for (let j = 0, b = 0; j < i; j++, b += axes) {
        const weight = (inverted[i * n + j]! - ai * alpha[j]!) * slopes[i * n + j]!
        for (let d = 0; d < axes; d++) {
          const difference = x[a + d]! - x[b + d]!
          gradient[d]! += categorical[d] === 0 ? weight * difference * difference : difference === 0 ? 0 : weight
        }
      }
      trace += inverted[i * n + i]!
      alphaY += ai * values[i]!
      alphaAlpha += ai * ai
    }
    for (let d = 0; d < axes; d++) {
      const w = inverseSquares[d]!
      loss += 0.1 / w + 0.1 * w
      gradient[d] = gradient[d]! * w - 0.1 / w + 0.1 * w
    }
    // Gamma(2, 1) for the scale, Gamma(1.1, 30) for the noise.
    loss += scale - Math.log(scale) + 30 * noise - 0.1 * Math.log(noise)
    gradient[axes] = 0.5 * (n - noise * trace - alphaY + noise * alphaAlpha) + scale - 1
    gradient[axes + 1] = (0.5 * (trace - alphaAlpha) + 30 - 0.1 / noise) * noise
    return loss
  }
}

export interface FitOptions {
  /** Where the search begins; default 1 for all. */
  readonly start?: Kernel | null
  /** The noise stays at its least. */
  readonly deterministic: boolean
}

/**
 * The kernel with the largest posterior density: likelihood of the values times Optuna's priors, exp(−0.1 (w + 1/w)) for
 * each inverse squared length w, Gamma(2, 1) for the scale, Gamma(1.1, 30) for the noise.
 * @param values standardized: mean 0, variance 1
 */
export function fitProcess(points: Points, values: Float64Array, { start, deterministic }: FitOptions): Process {
  const axes = points.categorical.length
  const loss = lossOf(points, values)
  const kernelOf = (raw: Float64Array): Kernel => ({
    inverseSquares: raw.subarray(0, axes).map(Math.exp),
    scale: Math.exp(raw[axes]!),
    noise: deterministic ? LEAST_NOISE : Math.exp(raw[axes + 1]!) + LEAST_NOISE,
  })
  const begin = defaultKernel(axes)
  for (const from of start === undefined || start === null ? [begin] : [start, begin]) {
    const raw = new Float64Array(axes + 2)
    raw.set(from.inverseSquares.map(Math.log))
    raw[axes] = Math.log(from.scale)
    raw[axes + 1] = Math.log(Math.max(from.noise - 0.99 * LEAST_NOISE, 0.01 * LEAST_NOISE))
    const found = minimize(
      (x, gradient) => {
        const kernel = kernelOf(x)
        const value = loss(kernel, gradient)
        // By the logarithm of what exceeds the least.
        gradient[axes + 1] = deterministic ? 0 : gradient[axes + 1]! * (1 - LEAST_NOISE / kernel.noise)
        return Number.isNaN(value) ? Infinity : value
      },
      raw,
      { gradientTolerance: 1e-2 },
    )
    const process = Number.isFinite(found.value) ? observe(points, values, kernelOf(found.x)) : null
    if (process !== null) return process
  }
  const process = observe(points, values, begin)
  if (process === null) throw new RangeError('a covariance with noise 1 is positive definite')
  return process
}
