import type { CounterRandom } from '../../../ir/index.js'
import { type Distribution, snap } from '../../distribution.js'
import { cdf, logMass, truncatedQuantile } from '../normal.js'
import type { SearchSpace } from '../sampler.js'

/** One parameter of a mixture: kernels of a truncated normal distribution, or of weights for choices. */
type Kernels =
  | {
      readonly kind: 'normal'
      readonly d: Exclude<Distribution, { type: 'categorical' }>
      /** Centres and widths, in logarithms where the parameter is one of `log`. */
      readonly mu: Float64Array
      readonly sigma: Float64Array
      /** Bounds in the same units, half a step beyond the outermost values of a grid. */
      readonly low: number
      readonly high: number
      /** −log of width and of the mass within the bounds, for each kernel. */
      readonly norm: Float64Array
      /** Centres of the observations, the least first, and which kernels they are of. */
      readonly sorted: Float64Array
      readonly order: Uint32Array
    }
  | {
      readonly kind: 'choice'
      /** For each kernel, the probability of each choice. */
      readonly weights: Float64Array
      readonly logWeights: Float64Array
      readonly choices: number
    }

export interface ParzenOptions {
  /** Weight of the kernel that covers everything. */
  readonly priorWeight: number
  /** Keep kernels from getting too narrow while there are few. */
  readonly magicClip: boolean
  /** Let the bounds count as neighbours of the outermost observations. */
  readonly endpoints: boolean
}

/** A mixture over several parameters together: one kernel for each observation, and one that covers everything. */
export interface Parzen {
  readonly names: readonly string[]
  readonly kernels: readonly Kernels[]
  readonly weights: MixtureWeights
}

/** Of each kernel its share and the logarithm of that; the last one is the kernel that covers everything. */
export interface MixtureWeights {
  readonly shares: Float64Array
  readonly logs: Float64Array
}

/** @param weights of the observations */
export function mixtureWeights(weights: ArrayLike<number>, priorWeight: number): MixtureWeights {
  const count = weights.length
  const shares = new Float64Array(count + 1)
  shares.set(weights)
  shares[count] = count === 0 ? 1 : priorWeight
  let total = 0
  for (let k = 0; k <= count; k++) total += shares[k]!
  for (let k = 0; k <= count; k++) shares[k]! /= total
  return { shares, logs: shares.map(Math.log) }
}

/** A thousand kernels this far (e^-44) below the largest are less than a double's last digit. */
const NEGLIGIBLE = -44
const HALF_LOG_2PI = 0.5 * Math.log(2 * Math.PI)

/**
 * The Parzen estimator of TPE (Bergstra et al. 2011; multivariate: Falkner et al. 2018; widths as in Optuna).
 * @param observations for each parameter of the space, in its order, its internal values, oldest first
 */
export function parzen(
  space: SearchSpace,
  observations: readonly Float64Array[],
  weights: MixtureWeights,
  options: ParzenOptions,
): Parzen {
  const names = Object.keys(space)
  const kernels = names.map((name, p) => {
    const d = space[name]!
    return d.type === 'categorical'
      ? choiceKernels(d.choices.length, observations[p]!, options)
      : normalKernels(d, observations[p]!, options)
  })
  return { names, kernels, weights }
}

function choiceKernels(choices: number, observed: Float64Array, { priorWeight }: ParzenOptions): Kernels {
  const count = observed.length
  const weights = new Float64Array((count + 1) * choices)
  const share = count === 0 ? 1 : priorWeight / (count + 1)
  for (let k = 0; k <= count; k++) {
    const row = k * choices
    const observedHere = k < count
    const total = share * choices + (observedHere ? 1 : 0)
    for (let c = 0; c < choices; c++)
      weights[row + c] = total === 0 ? 1 / choices : (share + (observedHere && observed[k] === c ? 1 : 0)) / total
  }
  return { kind: 'choice', weights, logWeights: weights.map(Math.log), choices }
}

function normalKernels(
  d: Exclude<Distribution, { type: 'categorical' }>,
  observed: Float64Array,
  { magicClip, endpoints }: ParzenOptions,
): Kernels {
  const half = d.step === null ? 0 : d.step / 2
  const low = d.log ? Math.log(d.low - half) : d.low - half
  const high = d.log ? Math.log(d.high + half) : d.high + half
  const count = observed.length
  const mu = new Float64Array(count + 1)
  const sigma = new Float64Array(count + 1)
  for (let k = 0; k < count; k++) mu[k] = d.log ? Math.log(observed[k]!) : observed[k]!
  mu[count] = 0.5 * (low + high)
  sigma[count] = high - low
  const widest = high - low
  const narrowest = magicClip ? widest / Math.min(100, 2 + count) : 1e-12
  // Sorting numbers alone is many times as fast as sorting indices by them; equal ones take their places in turn.
  const sorted = mu.slice(0, count).sort()
  const equal = new Uint32Array(count)
  const order = new Uint32Array(count)
  for (let k = 0; k < count; k++) {
    const first = firstAtLeast(sorted, mu[k]!)
    const i = first + equal[first]!++
    order[i] = k
    const left = i === 0 ? low : sorted[i - 1]!
    const right = i === count - 1 ? high : sorted[i + 1]!
    let width = Math.max(mu[k]! - left, right - mu[k]!)
    if (!endpoints && count >= 2) {
      if (i === 0) width = right - mu[k]!
      else if (i === count - 1) width = mu[k]! - left
    }
    sigma[k] = Math.min(Math.max(width, narrowest), widest)
  }
  const norm = new Float64Array(count + 1)
  for (let k = 0; k <= count; k++) {
    const s = sigma[k]!
    const mass = logMass((low - mu[k]!) / s, (high - mu[k]!) / s)
    norm[k] = -mass - (d.step === null ? HALF_LOG_2PI + Math.log(s) : 0)
  }
  return { kind: 'normal', d, mu, sigma, low, high, norm, sorted, order }
}

/** Where the first number not below x stands; after the last one where there is none. */
function firstAtLeast(sorted: Float64Array, x: number): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (sorted[middle]! < x) low = middle + 1
    else high = middle
  }
  return low
}

/** `count` draws: for each parameter its internal values. */
export function drawMixture(mixture: Parzen, random: CounterRandom, count: number): Float64Array[] {
  const { kernels } = mixture
  const weights = mixture.weights.shares
  const uniform = (i: number) => (random.bits(i) + 0.5) / 2 ** 32
  const columns = kernels.map(() => new Float64Array(count))
  const stride = kernels.length + 1
  for (let i = 0; i < count; i++) {
    let k = 0
    for (let u = uniform(i * stride) - weights[0]!; u > 0 && k < weights.length - 1; u -= weights[k]!) k++
    kernels.forEach((kernel, p) => {
      const u = uniform(i * stride + 1 + p)
      if (kernel.kind === 'choice') {
        const row = k * kernel.choices
        let c = 0
        for (let left = u - kernel.weights[row]!; left > 0 && c < kernel.choices - 1; left -= kernel.weights[row + c]!)
          c++
        columns[p]![i] = c
        return
      }
      const { d, mu, sigma, low, high } = kernel
      const [m, s] = [mu[k]!, sigma[k]!]
      const x = m + s * truncatedQuantile(u, (low - m) / s, (high - m) / s)
      columns[p]![i] = snap(d, d.log ? Math.exp(x) : x)
    })
  }
  return columns
}

/** The logarithm of a mixture's density (for grids: of the probability) at each of some points. */
export function logMixture(mixture: Parzen, columns: readonly Float64Array[]): Float64Array {
  const { weights, kernels } = mixture
  const size = weights.shares.length
  const [only] = kernels
  if (kernels.length === 1 && only!.kind === 'normal' && only!.d.step === null && weights.logs[size - 1]! > -Infinity)
    return logMixtureOfOne(only!, weights.logs, columns[0]!)
  const smooth = kernels.flatMap((kernel, p) =>
    kernel.kind === 'normal' && kernel.d.step === null ? [{ kernel, p }] : [],
  )
  const rest = kernels.map((_, p) => p).filter(p => !smooth.some(s => s.p === p))
  // What each kernel gives at most, and for the smooth parameters its centre and 1 / width, kernel after kernel.
  const most = weights.logs.slice()
  const stride = 2 * smooth.length
  const shapes = new Float64Array(size * stride)
  smooth.forEach(({ kernel }, s) => {
    for (let k = 0; k < size; k++) {
      most[k]! += kernel.norm[k]!
      shapes[k * stride + 2 * s] = kernel.mu[k]!
      shapes[k * stride + 2 * s + 1] = 1 / kernel.sigma[k]!
    }
  })
  // Of a grid or a choice the same value is met again and again.
  const memo = new Map<string, Float64Array>()
  const massesOf = (p: number, value: number): Float64Array => {
    const key = `${p} ${value}`
    const known = memo.get(key) ?? masses(kernels[p]!, value, size)
    memo.set(key, known)
    return known
  }
  const at = new Float64Array(smooth.length)
  const terms = new Float64Array(size)
  return Float64Array.from(columns[0]!, (_, i) => {
    smooth.forEach(({ kernel, p }, s) => {
      at[s] = kernel.d.log ? Math.log(columns[p]![i]!) : columns[p]![i]!
    })
    const given = rest.map(p => massesOf(p, columns[p]![i]!))
    return logSum(most, shapes, at, given, terms)
  })
}

/** `logMixture` of one continuous parameter: only kernels that reach a point are looked at. */
function logMixtureOfOne(
  { d, mu, sigma, norm, sorted, order }: Extract<Kernels, { kind: 'normal' }>,
  logWeights: Float64Array,
  points: Float64Array,
): Float64Array {
  const count = sorted.length
  const tops = new Float64Array(count)
  const inverses = new Float64Array(count)
  let highest = logWeights[count]! + norm[count]!
  let widest = 0
  for (let i = 0; i < count; i++) {
    const k = order[i]!
    tops[i] = logWeights[k]! + norm[k]!
    inverses[i] = 1 / sigma[k]!
    if (tops[i]! > highest) highest = tops[i]!
    if (sigma[k]! > widest) widest = sigma[k]!
  }
  const out = new Float64Array(points.length)
  for (let p = 0; p < points.length; p++) {
    const x = d.log ? Math.log(points[p]!) : points[p]!
    // The kernel that covers everything is the least that there is: what lies far below it counts for nothing.
    const least = logWeights[count]! + norm[count]! - 0.5 * ((x - mu[count]!) / sigma[count]!) ** 2 - highest
    const reach = widest * Math.sqrt(-2 * (NEGLIGIBLE + least))
    const end = firstAtLeast(sorted, x + reach)
    let sum = Math.exp(least)
    for (let i = firstAtLeast(sorted, x - reach); i < end; i++) {
      const z = (x - sorted[i]!) * inverses[i]!
      sum += Math.exp(tops[i]! - highest - 0.5 * z * z)
    }
    out[p] = highest + Math.log(sum)
  }
  return out
}

/** log Σ over kernels; one that has fallen too far below the largest is left at once. */
function logSum(
  most: Float64Array,
  shapes: Float64Array,
  at: Float64Array,
  given: readonly Float64Array[],
  terms: Float64Array,
): number {
  const smooth = at.length
  let largest = -Infinity
  let count = 0
  // From the last: it covers everything, so that the others have something to be compared with.
  for (let k = most.length - 1; k >= 0; k--) {
    let term = most[k]!
    for (let g = 0; g < given.length; g++) term += given[g]![k]!
    const least = largest + NEGLIGIBLE
    for (let s = 0, shape = 2 * k * smooth; s < smooth && term > least; s++, shape += 2) {
      const z = (at[s]! - shapes[shape]!) * shapes[shape + 1]!
      term -= 0.5 * z * z
    }
    if (!(term > least)) continue
    if (term > largest) largest = term
    terms[count++] = term
  }
  if (largest === -Infinity) return -Infinity
  let sum = 0
  for (let k = 0; k < count; k++) {
    const lower = terms[k]! - largest
    if (lower > NEGLIGIBLE) sum += Math.exp(lower)
  }
  return largest + Math.log(sum)
}

/** The logarithm of each kernel's share of one value of a choice or grid. */
function masses(kernel: Kernels, value: number, size: number): Float64Array {
  if (kernel.kind === 'normal') return gridMasses(kernel, value)
  const out = new Float64Array(size)
  for (let k = 0; k < size; k++) out[k] = kernel.logWeights[k * kernel.choices + value]!
  return out
}

/** The logarithm of each kernel's mass around one value of a grid. */
function gridMasses({ d, mu, sigma, norm }: Extract<Kernels, { kind: 'normal' }>, value: number): Float64Array {
  const half = d.step! / 2
  const left = d.log ? Math.log(value - half) : value - half
  const right = d.log ? Math.log(value + half) : value + half
  const out = new Float64Array(mu.length)
  for (let k = 0; k < mu.length; k++) {
    const s = sigma[k]!
    const [a, b] = [(left - mu[k]!) / s, (right - mu[k]!) / s]
    // Where both ends are near the middle the plain difference is exact enough, and three times as fast.
    const mass = a > -5 && b < 5 ? Math.log(cdf(b) - cdf(a)) : logMass(a, b)
    out[k] = norm[k]! + mass
  }
  return out
}
