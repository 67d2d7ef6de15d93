import type { FrozenTrial } from '../frozen-trial.js'
import { solveRow } from '../samplers/gp/cholesky.js'
import { covariances, fitProcess, type Process, pointsFrom } from '../samplers/gp/process.js'
import { type Axis, axesOf } from '../samplers/gp/space.js'
import { type Standardized, standardize } from '../samplers/gp/targets.js'
import type { SearchSpace } from '../samplers/sampler.js'

/** A Gaussian process fitted to trials, in the unit cube of their parameters. */
export interface Surrogate {
  readonly axes: readonly Axis[]
  /** Where the trials lie, in rows. */
  readonly rows: readonly Float64Array[]
  readonly scale: Standardized
  /** Mean and deviation at points in rows, standardized. */
  at(points: Float64Array): { readonly mean: Float64Array; readonly deviation: Float64Array }
}

/** @param space parameters that all of the trials have */
export function surrogateOf(space: SearchSpace, trials: readonly FrozenTrial[], values: readonly number[]): Surrogate {
  const axes = axesOf(space)
  const names = Object.keys(space)
  const rows = trials.map(trial => Float64Array.from(axes, (axis, d) => axis.toUnit(trial.internalParams[names[d]!]!)))
  const categorical = Uint8Array.from(axes, axis => (axis.categorical ? 1 : 0))
  const scale = standardize(values)
  const process = fitProcess(pointsFrom(rows, categorical), scale.values, { deterministic: false })
  return { axes, rows, scale, at: points => posterior(process, points, axes.length) }
}

function posterior({ points: seen, kernel, l, u }: Process, points: Float64Array, axes: number) {
  const n = seen.count
  const count = points.length / axes
  const mean = new Float64Array(count)
  const deviation = new Float64Array(count)
  const v = new Float64Array(n)
  for (let i = 0; i < count; i++) {
    covariances(seen, kernel, points, i * axes, n, v, 0)
    solveRow(l, n, v, 0, 0, n)
    let left = kernel.scale
    for (let k = 0; k < n; k++) {
      mean[i]! += v[k]! * u[k]!
      left -= v[k]! * v[k]!
    }
    deviation[i] = Math.sqrt(Math.max(left, 0))
  }
  return { mean, deviation }
}
