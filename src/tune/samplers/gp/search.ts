import type { CounterRandom } from '../../../ir/index.js'
import type { Acquisition } from './acquisition.js'
import { evenPoints } from './even.js'
import { minimize } from './lbfgs.js'
import type { Axis } from './space.js'

/** Products that trying candidates may cost: 2048 candidates for up to some 120 observations, 256 from 350 on. */
const CANDIDATE_WORK = 1.6e7
const MOST_CANDIDATES = 2048
const LEAST_CANDIDATES = 256
const STARTS = 10
/** Axes with at most this many places, and categorical ones, are tried out. */
const TRIED_OUT = 16

/**
 * The place with the largest acquisition: evenly spread candidates, of which the best and some more (the better the
 * likelier) are starts of local searches together with those given; a search alternates between the continuous axes
 * (by gradient, each in units of its length) and the others (one by one).
 * @param lengths of the kernel's axes
 * @param observations how many the model has: more make a candidate dearer
 */
export function search(
  target: Acquisition,
  axes: readonly Axis[],
  lengths: Float64Array,
  given: readonly Float64Array[],
  observations: number,
  random: CounterRandom,
): Float64Array {
  const dimension = axes.length
  const room = Math.floor(CANDIDATE_WORK / (0.5 * observations * observations + 1))
  const count = Math.max(LEAST_CANDIDATES, Math.min(MOST_CANDIDATES, room))
  const candidates = evenPoints(count, dimension, random).map((u, i) => axes[i % dimension]!.draw(u))
  const values = target.values(candidates, count)
  const at = (i: number) => candidates.slice(i * dimension, (i + 1) * dimension)
  const starts = [...chooseStarts(values, STARTS - given.length, random).map(at), ...given]
  let best = starts[0]!
  let most = -Infinity
  for (const start of starts) {
    const found = climb(target, axes, lengths, start)
    if (found.value > most) [best, most] = [found.point, found.value]
  }
  return best
}

/** The best candidate, and others drawn without replacement with probabilities as their acquisition. */
function chooseStarts(values: Float64Array, wanted: number, random: CounterRandom): number[] {
  let best = 0
  for (let i = 1; i < values.length; i++) if (values[i]! > values[best]!) best = i
  // The largest of logarithms with Gumbel noise are such a draw (Efraimidis & Spirakis 2006).
  const keys: { i: number; key: number }[] = []
  for (let i = 0; i < values.length; i++) {
    if (i === best || !(values[i]! - values[best]! > -700)) continue
    const u = (random.bits(1000 + i) + 0.5) / 2 ** 32
    keys.push({ i, key: values[i]! - Math.log(-Math.log(u)) })
  }
  keys.sort((a, b) => b.key - a.key)
  return [best, ...keys.slice(0, wanted - 1).map(({ i }) => i)]
}

/** A local maximum near a start. */
function climb(
  target: Acquisition,
  axes: readonly Axis[],
  lengths: Float64Array,
  start: Float64Array,
): { readonly point: Float64Array; readonly value: number } {
  const point = start.slice()
  const continuous = axes.flatMap((axis, d) => (axis.count === Infinity ? [d] : []))
  const others = axes.flatMap((axis, d) => (axis.count === Infinity ? [] : [d]))
  const gradient = new Float64Array(axes.length)
  const upper = Float64Array.from(continuous, d => 1 / lengths[d]!)
  const lower = new Float64Array(continuous.length)
  for (const d of continuous) point[d] = Math.min(Math.max(point[d]!, 0), 1)
  let value = target.values(point, 1)[0]!
  for (let round = 0; round < 100; round++) {
    if (continuous.length > 0) {
      const trial = point.slice()
      const found = minimize(
        (z, slope) => {
          for (let k = 0; k < continuous.length; k++) trial[continuous[k]!] = z[k]! * lengths[continuous[k]!]!
          const loss = -target.gradient(trial, gradient)
          for (let k = 0; k < continuous.length; k++) slope[k] = -gradient[continuous[k]!]! * lengths[continuous[k]!]!
          return Number.isNaN(loss) ? Infinity : loss
        },
        Float64Array.from(continuous, d => point[d]! / lengths[d]!),
        { lower, upper, gradientTolerance: 1e-2, maxIterations: 200 },
      )
      if (-found.value > value) {
        value = -found.value
        continuous.forEach((d, k) => {
          point[d] = Math.min(Math.max(found.x[k]! * lengths[d]!, 0), 1)
        })
      }
    }
    let moved = false
    for (const d of others) {
      const better = tryAxis(target, axes[d]!, point, d, value)
      if (better === null) continue
      point[d] = better.place
      value = better.value
      moved = true
    }
    if (!moved) break
  }
  return { point, value }
}

/** A better place on one axis that is not continuous: all are tried, or steps that halve. */
function tryAxis(
  target: Acquisition,
  axis: Axis,
  point: Float64Array,
  d: number,
  value: number,
): { readonly place: number; readonly value: number } | null {
  const valuesAt = (indices: readonly number[]): Float64Array => {
    const points = new Float64Array(indices.length * point.length)
    indices.forEach((index, k) => {
      points.set(point, k * point.length)
      points[k * point.length + d] = axis.place(index)
    })
    return target.values(points, indices.length)
  }
  const here = axis.indexOf(point[d]!)
  let best = here
  let most = value
  const take = (indices: readonly number[]): boolean => {
    const values = valuesAt(indices)
    let better = false
    indices.forEach((index, k) => {
      if (values[k]! > most) {
        best = index
        most = values[k]!
        better = true
      }
    })
    return better
  }
  if (axis.categorical || axis.count <= TRIED_OUT)
    take(Array.from({ length: axis.count }, (_, i) => i).filter(i => i !== here))
  else
    for (let step = 2 ** Math.floor(Math.log2(axis.count / 2)); step >= 1; step /= 2)
      while (take([best - step, best + step].filter(i => i >= 0 && i < axis.count)));
  return best === here ? null : { place: axis.place(best), value: most }
}
