import { cholesky, inverse, solveBack, solveRow } from './cholesky.js'
import { minimize } from './lbfgs.js'

/** Points of the unit cube; of a categorical axis the number of the choice. */
export interface Points {
  /** Axis after axis, so that work on all points is one run through memory for each axis. */
  readonly columns: Float64Array
  /** The same numbers, point after point. */
  readonly rows: Float64Array
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

/** Points from rows. */
export const pointsFrom = (rows: readonly ArrayLike<number>[], categorical: Uint8Array): Points =>
  pointsOf(Float64Array.from(rows.flatMap(row => Array.from(row))), categorical)

function pointsOf(rows: Float64Array, categorical: Uint8Array): Points {
  const axes = categorical.length
  const count = rows.length / axes
  const columns = new Float64Array(rows.length)
  for (let d = 0; d < axes; d++) for (let i = 0; i < count; i++) columns[d * count + i] = rows[i * axes + d]!
  return { columns, rows, count, categorical }
}

/** The squared distances, in lengths, of a point (at `offset` of `from`) and the first `count` points. */
function squaredDistances(
  { columns, count: all, categorical }: Points,
  { inverseSquares }: Kernel,
  from: Float64Array,
  offset: number,
  count: number,
  out: Float64Array,
  at: number,
): void {
  for (let i = 0; i < count; i++) out[at + i] = 0
  for (let d = 0; d < categorical.length; d++) {
    const w = inverseSquares[d]!
    const x = from[offset + d]!
    const column = d * all
    if (categorical[d] === 0)
      for (let i = 0; i < count; i++) {
        const difference = x - columns[column + i]!
        out[at + i]! += w * difference * difference
      }
    else for (let i = 0; i < count; i++) if (x !== columns[column + i]!) out[at + i]! += w
  }
}

/** The covariances of a point (at `offset` of `from`) with the first `count` points, into `out` at `at`. */
export function covariances(
  points: Points,
  kernel: Kernel,
  from: Float64Array,
  offset: number,
  count: number,
  out: Float64Array,
  at: number,
): void {
  squaredDistances(points, kernel, from, offset, count, out, at)
  const { scale } = kernel
  for (let i = at; i < at + count; i++) {
    const r2 = out[i]!
    const r = SQRT5 * Math.sqrt(r2)
    out[i] = scale * (1 + r + (5 / 3) * r2) * Math.exp(-r)
  }
}

/** Adds to `out` the gradient of Σ weights[i] · covariance(point, i-th point) by the point's place. */
export function covarianceGradient(
  points: Points,
  kernel: Kernel,
  point: Float64Array,
  weights: Float64Array,
  out: Float64Array,
): void {
  const { columns, count, categorical } = points
  const slopes = new Float64Array(count)
  squaredDistances(points, kernel, point, 0, count, slopes, 0)
  for (let i = 0; i < count; i++) {
    const r = SQRT5 * Math.sqrt(slopes[i]!)
    slopes[i] = weights[i]! * (1 + r) * Math.exp(-r)
  }
  for (let d = 0; d < categorical.length; d++) {
    if (categorical[d] !== 0) continue
    const x = point[d]!
    const column = d * count
    let sum = 0
    for (let i = 0; i < count; i++) sum += slopes[i]! * (x - columns[column + i]!)
    out[d]! += (-5 / 3) * kernel.scale * kernel.inverseSquares[d]! * sum
  }
}

/**
 * A process that has seen values at some points.
 * @returns null where the covariance is not positive definite to machine precision
 */
export function observe(points: Points, values: Float64Array, kernel: Kernel): Process | null {
  const n = points.count
  const l = new Float64Array(n * n)
  for (let i = 0; i < n; i++) {
    covariances(points, kernel, points.rows, i * points.categorical.length, i, l, i * n)
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
  const rows = new Float64Array(points.rows.length + pending.length)
  rows.set(points.rows)
  rows.set(pending, points.rows.length)
  const all = pointsOf(rows, points.categorical)
  const { count } = all
  const out = new Float64Array(count * count)
  for (let i = 0; i < n; i++) out.set(l.subarray(i * n, i * n + i + 1), i * count)
  for (let i = n; i < count; i++) {
    const row = i * count
    covariances(all, kernel, rows, i * axes, i, out, row)
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
  const { columns, count: n, categorical } = points
  const axes = categorical.length
  const l = new Float64Array(n * n)
  const slopes = new Float64Array(n * n)
  const room = new Float64Array(n * n)
  const inverted = new Float64Array(n * n)
  const alpha = new Float64Array(n)
  return (kernel: Kernel, gradient: Float64Array): number => {
    const { inverseSquares, scale, noise } = kernel
    for (let i = 0; i < n; i++) {
      const row = i * n
      squaredDistances(points, kernel, points.rows, i * axes, i, l, row)
      for (let j = row; j < row + i; j++) {
        const r2 = l[j]!
        const r = SQRT5 * Math.sqrt(r2)
        const fall = scale * Math.exp(-r)
        l[j] = (1 + r + (5 / 3) * r2) * fall
        slopes[j] = (-5 / 6) * (1 + r) * fall
      }
      l[row + i] = scale + noise
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
      const row = i * n
      const ai = alpha[i]!
      for (let j = 0; j < i; j++) slopes[row + j]! *= inverted[row + j]! - ai * alpha[j]!
      for (let d = 0; d < axes; d++) {
        const column = d * n
        const x = columns[column + i]!
        let sum = 0
        if (categorical[d] === 0)
          for (let j = 0; j < i; j++) {
            const difference = x - columns[column + j]!
            sum += slopes[row + j]! * difference * difference
          }
        else for (let j = 0; j < i; j++) if (x !== columns[column + j]!) sum += slopes[row + j]!
        gradient[d]! += sum
      }
      trace += inverted[row + i]!
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

/** With more than a few observations, a step of the fit that gains less than this, in nats, is the last one. */
const LEAST_GAIN = 1e-2
/** Without a start, more observations than these are fitted from what an even choice of so many gives. */
const FEW = 128
/** What all steps of a fit may cost: one costs the cube of the observations. */
const WORK = 8e8

/**
 * The kernel with the largest posterior density: likelihood of the values times Optuna's priors, exp(−0.1 (w + 1/w)) for
 * each inverse squared length w, Gamma(2, 1) for the scale, Gamma(1.1, 30) for the noise.
 * @param values standardized: mean 0, variance 1
 */
export function fitProcess(points: Points, values: Float64Array, { start = null, deterministic }: FitOptions): Process {
  const begin = defaultKernel(points.categorical.length)
  const starts =
    start !== null ? [start, begin] : points.count > FEW ? [fitFew(points, values, deterministic), begin] : [begin]
  for (const from of starts) {
    const kernel = climb(points, values, from, deterministic)
    const process = kernel === null ? null : observe(points, values, kernel)
    if (process !== null) return process
  }
  const process = observe(points, values, begin)
  // Cannot be: with noise 1 every covariance is far from singular.
  if (process === null) throw new RangeError('a covariance is not positive definite')
  return process
}

function fitFew(points: Points, values: Float64Array, deterministic: boolean): Kernel {
  const chosen = Array.from({ length: FEW }, (_, k) => Math.floor(((k + 0.5) * points.count) / FEW))
  const some = Float64Array.from(chosen, i => values[i]!)
  const axes = points.categorical.length
  const few = pointsFrom(
    chosen.map(i => points.rows.subarray(i * axes, (i + 1) * axes)),
    points.categorical,
  )
  return fitProcess(few, some, { deterministic }).kernel
}

/** The kernel uphill of a start, in logarithms of its numbers; null where that leads nowhere. */
function climb(points: Points, values: Float64Array, from: Kernel, deterministic: boolean): Kernel | null {
  const axes = points.categorical.length
  const loss = lossOf(points, values)
  const kernelOf = (raw: Float64Array): Kernel => ({
    inverseSquares: raw.subarray(0, axes).map(Math.exp),
    scale: Math.exp(raw[axes]!),
    noise: deterministic ? LEAST_NOISE : Math.exp(raw[axes + 1]!) + LEAST_NOISE,
  })
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
    {
      gradientTolerance: 1e-2,
      leastGain: points.count > FEW ? LEAST_GAIN : 0,
      maxIterations: Math.min(200, Math.max(5, Math.floor(WORK / points.count ** 3))),
    },
  )
  return Number.isFinite(found.value) ? kernelOf(found.x) : null
}
