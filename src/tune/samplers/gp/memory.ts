import type { FrozenTrial } from '../../frozen-trial.js'
import { type Json, stringifyJson } from '../../json.js'
import type { Kernel } from './process.js'

const KEY = 'anneal:gp'
/** What Optuna's storages take in one attribute. */
const MOST = 2045

/** Kernels by what they model, as they stand with a trial; null where that would be too long. */
export function kernelsToJson(kernels: ReadonlyMap<string, Kernel>): Json | null {
  const json = Object.fromEntries(
    [...kernels].map(([name, { inverseSquares, scale, noise }]) => [
      name,
      [...inverseSquares, scale, noise].map(x => Number(x.toPrecision(6))),
    ]),
  )
  return stringifyJson(json).length > MOST ? null : json
}

/** The kernels kept by the last trial that has some, of as many axes. */
export function lastKernels(trials: readonly FrozenTrial[], axes: number): ReadonlyMap<string, Kernel> {
  for (let i = trials.length - 1; i >= 0; i--) {
    const kept = trials[i]!.systemAttrs[KEY]
    if (typeof kept !== 'object' || kept === null || Array.isArray(kept)) continue
    const kernels = new Map<string, Kernel>()
    for (const [name, numbers] of Object.entries(kept)) {
      if (!Array.isArray(numbers) || numbers.length !== axes + 2) continue
      const positive = Float64Array.from(numbers, x =>
        typeof x === 'number' && x > 0 && x < Infinity ? x : Number.NaN,
      )
      if (positive.some(Number.isNaN)) continue
      kernels.set(name, {
        inverseSquares: positive.slice(0, axes),
        scale: positive[axes]!,
        noise: positive[axes + 1]!,
      })
    }
    return kernels
  }
  return new Map()
}
