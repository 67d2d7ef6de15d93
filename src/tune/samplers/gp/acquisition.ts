import { logSumExp } from '../normal.js'
import type { Boxes } from './boxes.js'
import { solveBack, solveRow, solveRows } from './cholesky.js'
import { logEi, logPi, type Slopes } from './improvement.js'
import { covarianceGradient, covariances, type Process } from './process.js'

/**
 * One term of an acquisition: what it makes of v = L⁻¹ k(x) of its processes. Means are products of v with rows, and
 * the variance is what v leaves of the scale, so that nothing else need be known of the point.
 */
export interface Term {
  readonly processes: readonly Process[]
  /** The value for v of each process, each at an offset; adds to `slopes` the gradients by v, where it is given. */
  score(v: readonly Float64Array[], offsets: readonly number[], slopes: readonly Float64Array[] | null): number
}

/** An acquisition function on the unit cube; more is better. */
export interface Acquisition {
  readonly axes: number
  values(points: Float64Array, count: number): Float64Array
  /** The value at a point, its gradient into `out` (0 for categorical axes). */
  gradient(point: Float64Array, out: Float64Array): number
}

/** Added to variances, which come out as 0 where the function is known. */
const LEAST_VARIANCE = 1e-12
const CHUNK = 64

/** The sum of terms. */
export function acquisition(terms: readonly Term[]): Acquisition {
  const axes = terms[0]!.processes[0]!.points.categorical.length
  const all = [...new Set(terms.flatMap(term => term.processes))]
  const sizes = all.map(process => process.points.count)
  const rows = sizes.map(n => new Float64Array(n * CHUNK))
  const slopes = sizes.map(n => new Float64Array(n))
  const indices = terms.map(term => term.processes.map(process => all.indexOf(process)))
  const views = indices.map(list => list.map(p => rows[p]!))
  const slopeViews = indices.map(list => list.map(p => slopes[p]!))
  const offsets = indices.map(list => list.map(() => 0))
  const score = (c: number, withSlopes: boolean): number => {
    let sum = 0
    terms.forEach((term, t) => {
      const list = indices[t]!
      for (let i = 0; i < list.length; i++) offsets[t]![i] = c * sizes[list[i]!]!
      sum += term.score(views[t]!, offsets[t]!, withSlopes ? slopeViews[t]! : null)
    })
    return sum
  }
  return {
    axes,
    values: (points, count) => {
      const out = new Float64Array(count)
      for (let first = 0; first < count; first += CHUNK) {
        const some = Math.min(CHUNK, count - first)
        all.forEach(({ points: seen, kernel, l }, p) => {
          const n = sizes[p]!
          for (let c = 0; c < some; c++) covariances(seen, kernel, points, (first + c) * axes, n, rows[p]!, c * n)
          solveRows(l, n, rows[p]!, some)
        })
        for (let c = 0; c < some; c++) out[first + c] = score(c, false)
      }
      return out
    },
    gradient: (point, out) => {
      out.fill(0)
      all.forEach(({ points: seen, kernel, l }, p) => {
        covariances(seen, kernel, point, 0, sizes[p]!, rows[p]!, 0)
        solveRow(l, sizes[p]!, rows[p]!, 0, 0, sizes[p]!)
        slopes[p]!.fill(0)
      })
      const value = score(0, true)
      all.forEach(({ points: seen, kernel, l }, p) => {
        solveBack(l, sizes[p]!, slopes[p]!)
        covarianceGradient(seen, kernel, point, slopes[p]!, out)
      })
      return value
    },
  }
}

/** What is left of the variance, never below 0. */
function variance(scale: number, v: Float64Array, offset: number, n: number): number {
  let left = scale
  for (let i = 0; i < n; i++) left -= v[offset + i]! * v[offset + i]!
  return left
}

function product(v: Float64Array, offset: number, row: Float64Array, at: number, n: number): number {
  let sum = 0
  for (let i = 0; i < n; i++) sum += v[offset + i]! * row[at + i]!
  return sum
}

/**
 * log of the expected improvement, the mean over some possible pasts: rows `u` of which each stands for values of all
 * points the process knows, with the best of each. One row is the plain log-EI (Ament et al. 2023); draws for pending
 * trials give the batch form, draws for all points the noisy form (Letham et al. 2019).
 */
export function improvementTerm(process: Process, u: Float64Array, best: Float64Array): Term {
  const n = process.points.count
  const draws = best.length
  const logs = new Float64Array(draws)
  const byMean = new Float64Array(draws)
  const byVariance = new Float64Array(draws)
  const one: Slopes = { value: 0, byMean: 0, byVariance: 0 }
  const { scale } = process.kernel
  return {
    processes: [process],
    score: ([v], [offset], slopes) => {
      const left = variance(scale, v!, offset!, n)
      const spread = Math.max(left, 0) + LEAST_VARIANCE
      for (let s = 0; s < draws; s++) {
        logEi(product(v!, offset!, u, s * n, n), spread, best[s]!, one)
        logs[s] = one.value
        byMean[s] = one.byMean
        byVariance[s] = one.byVariance
      }
      const total = draws === 1 ? logs[0]! : logSumExp(logs)
      if (slopes !== null) {
        const out = slopes[0]!
        let spreading = 0
        for (let s = 0; s < draws; s++) {
          const share = Math.exp(logs[s]! - total)
          spreading += share * byVariance[s]!
          const push = share * byMean[s]!
          for (let i = 0; i < n; i++) out[i]! += push * u[s * n + i]!
        }
        if (left > 0) for (let i = 0; i < n; i++) out[i]! -= 2 * spreading * v![offset! + i]!
      }
      return total - Math.log(draws)
    },
  }
}

/** log of the probability that a value is at least `least`; pending points count with their means. */
export function feasibilityTerm(process: Process, least: number): Term {
  const n = process.points.count
  const { kernel, u } = process
  const one: Slopes = { value: 0, byMean: 0, byVariance: 0 }
  return {
    processes: [process],
    score: ([v], [offset], slopes) => {
      const left = variance(kernel.scale, v!, offset!, n)
      logPi(product(v!, offset!, u, 0, u.length), Math.max(left, 0) + LEAST_VARIANCE, least, one)
      if (slopes !== null) {
        const out = slopes[0]!
        for (let i = 0; i < u.length; i++) out[i]! += one.byMean * u[i]!
        if (left > 0) for (let i = 0; i < n; i++) out[i]! -= 2 * one.byVariance * v![offset! + i]!
      }
      return one.value
    },
  }
}

/** Below this an improvement counts as this, so that its logarithm exists. */
const LEAST = 1e-12

/**
 * log of the expected hypervolume improvement (Daulton, Balandat, Bakshy 2020, eq. 1), by fixed normal draws.
 * @param u for each process its rows, one for all draws or one for each
 * @param boxes what is not dominated yet, as losses; one for all draws or one for each
 * @param normals draws × processes
 */
export function hypervolumeTerm(
  processes: readonly Process[],
  u: readonly Float64Array[],
  boxes: readonly Boxes[],
  normals: Float64Array,
): Term {
  const objectives = processes.length
  const draws = normals.length / objectives
  const sizes = processes.map(process => process.points.count)
  const means = new Float64Array(draws * objectives)
  const pushes = new Float64Array(draws * objectives)
  const deviations = new Float64Array(objectives)
  const lefts = new Float64Array(objectives)
  const gains = new Float64Array(objectives)
  const rowsOf = u.map((rows, m) => rows.length / sizes[m]!)
  return {
    processes,
    score: (v, offsets, slopes) => {
      for (let m = 0; m < objectives; m++) {
        const n = sizes[m]!
        lefts[m] = variance(processes[m]!.kernel.scale, v[m]!, offsets[m]!, n)
        deviations[m] = Math.sqrt(Math.max(lefts[m]!, 0) + LEAST_VARIANCE)
        for (let s = 0; s < draws; s++)
          means[s * objectives + m] =
            s < rowsOf[m]! ? product(v[m]!, offsets[m]!, u[m]!, s * n, n) : means[(s - rowsOf[m]!) * objectives + m]!
      }
      pushes.fill(0)
      let total = 0
      for (let s = 0; s < draws; s++) {
        const { count, lower, upper } = boxes[boxes.length === 1 ? 0 : s]!
        const at = s * objectives
        for (let b = 0; b < count; b++) {
          let volume = 1
          let clipped = 0
          for (let m = 0; m < objectives; m++) {
            // How far the draw, as a loss, lies below the box's upper end.
            const end = upper[b * objectives + m]!
            const below = end + means[at + m]! + deviations[m]! * normals[at + m]!
            const most = Math.max(end - lower[b * objectives + m]!, LEAST)
            const gain = Math.min(Math.max(below, LEAST), most)
            if (gain !== below) clipped |= 1 << m
            gains[m] = gain
            volume *= gain
          }
          total += volume
          if (slopes !== null)
            for (let m = 0; m < objectives; m++) if ((clipped & (1 << m)) === 0) pushes[at + m]! += volume / gains[m]!
        }
      }
      if (slopes !== null)
        for (let m = 0; m < objectives; m++) {
          const n = sizes[m]!
          const out = slopes[m]!
          let spreading = 0
          for (let s = 0; s < draws; s++) {
            const push = pushes[s * objectives + m]! / total
            if (push === 0) continue
            spreading += (push * normals[s * objectives + m]!) / (2 * deviations[m]!)
            const row = (s % rowsOf[m]!) * n
            for (let i = 0; i < n; i++) out[i]! += push * u[m]![row + i]!
          }
          if (lefts[m]! > 0) for (let i = 0; i < n; i++) out[i]! -= 2 * spreading * v[m]![offsets[m]! + i]!
        }
      return Math.log(total) - Math.log(draws)
    },
  }
}
