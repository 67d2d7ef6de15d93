import { EigenvalueDecomposition, Matrix } from 'ml-matrix'
import { cdf, truncatedQuantile } from '../normal.js'

/**
 * The covariance matrix adaptation evolution strategy in the unit cube (Hansen 2016, "The CMA evolution strategy: a
 * tutorial", with negative weights), as pure functions of a state.
 */
export interface CmaState {
  readonly generation: number
  readonly mean: readonly number[]
  readonly sigma: number
  readonly covariance: Matrix
  readonly pathSigma: readonly number[]
  readonly pathCovariance: readonly number[]
  /** Stretch of each coordinate that keeps whole numbers moving (margin; Hamano et al. 2022). */
  readonly stretch: readonly number[]
  /** Best value of each of the last generations, oldest first. */
  readonly recent: readonly number[]
  /** Axes and lengths of the distribution. */
  readonly axes: Matrix
  readonly lengths: readonly number[]
}

export interface CmaParameters {
  readonly dimensions: number
  readonly population: number
  readonly weights: readonly number[]
  readonly muEffective: number
  readonly cSigma: number
  readonly dSigma: number
  readonly cc: number
  readonly c1: number
  readonly cmu: number
  readonly chiN: number
  /** For each coordinate the width of a step of its grid; 0 where it is continuous. */
  readonly steps: readonly number[]
}

const sum = (x: readonly number[]): number => x.reduce((a, b) => a + b, 0)

/** The strategy's constants by number of parameters and population (Hansen 2016, table 1). */
export function cmaParameters(dimensions: number, population: number, steps: readonly number[]): CmaParameters {
  const n = dimensions
  const raw = Array.from({ length: population }, (_, i) => Math.log((population + 1) / 2) - Math.log(i + 1))
  const mu = Math.floor(population / 2)
  const positive = raw.slice(0, mu)
  const negative = raw.slice(mu)
  const muEffective = sum(positive) ** 2 / sum(positive.map(w => w * w))
  const muNegative = sum(negative) ** 2 / sum(negative.map(w => w * w))
  const c1 = 2 / ((n + 1.3) ** 2 + muEffective)
  const cmu = Math.min(1 - c1, (2 * (muEffective - 2 + 1 / muEffective)) / ((n + 2) ** 2 + muEffective))
  const least = Math.min(1 + c1 / cmu, 1 + (2 * muNegative) / (muEffective + 2), (1 - c1 - cmu) / (n * cmu))
  const up = sum(raw.filter(w => w > 0))
  const down = -sum(raw.filter(w => w < 0))
  const weights = raw.map(w => (w >= 0 ? w / up : (w * least) / down))
  const cSigma = (muEffective + 2) / (n + muEffective + 5)
  return {
    dimensions,
    population,
    weights,
    muEffective,
    cSigma,
    dSigma: 1 + 2 * Math.max(0, Math.sqrt((muEffective - 1) / (n + 1)) - 1) + cSigma,
    cc: (4 + muEffective / n) / (n + 4 + (2 * muEffective) / n),
    c1,
    cmu,
    chiN: Math.sqrt(n) * (1 - 1 / (4 * n) + 1 / (21 * n * n)),
    steps,
  }
}

export function cmaStart(mean: readonly number[], sigma: number): CmaState {
  const n = mean.length
  const zeros = new Array<number>(n).fill(0)
  return {
    generation: 0,
    mean,
    sigma,
    covariance: Matrix.eye(n, n),
    pathSigma: zeros,
    pathCovariance: zeros,
    stretch: new Array<number>(n).fill(1),
    recent: [],
    axes: Matrix.eye(n, n),
    lengths: new Array<number>(n).fill(1),
  }
}

/** A draw from the distribution, from independent normal numbers. */
export function cmaDraw(state: CmaState, normals: readonly number[]): number[] {
  const scaled = normals.map((z, i) => z * state.lengths[i]!)
  return state.mean.map((m, i) => {
    let y = 0
    for (let k = 0; k < scaled.length; k++) y += state.axes.get(i, k) * scaled[k]!
    return m + state.sigma * state.stretch[i]! * y
  })
}

/** The state after a generation: points with their values, to be minimized. */
export function cmaTell(
  state: CmaState,
  p: CmaParameters,
  results: readonly { readonly x: readonly number[]; readonly value: number }[],
): CmaState {
  const n = p.dimensions
  const sorted = [...results].sort((a, b) => a.value - b.value)
  const ys = sorted.map(({ x }) => x.map((v, i) => (v - state.mean[i]!) / (state.sigma * state.stretch[i]!)))
  const yw = state.mean.map((_, i) => sum(ys.map((y, k) => Math.max(0, p.weights[k]!) * y[i]!)))
  const mean = state.mean.map((m, i) => m + state.sigma * state.stretch[i]! * yw[i]!)
  // C^(−1/2) times a vector.
  const whiten = (y: readonly number[]): number[] => {
    const z = y.map((_, k) => sum(y.map((v, i) => state.axes.get(i, k) * v)) / state.lengths[k]!)
    return y.map((_, i) => sum(z.map((v, k) => state.axes.get(i, k) * v)))
  }
  const white = whiten(yw)
  const cs = Math.sqrt(p.cSigma * (2 - p.cSigma) * p.muEffective)
  const pathSigma = state.pathSigma.map((v, i) => (1 - p.cSigma) * v + cs * white[i]!)
  const norm = Math.sqrt(sum(pathSigma.map(v => v * v)))
  const sigma = Math.min(state.sigma * Math.exp((p.cSigma / p.dSigma) * (norm / p.chiN - 1)), 1e32)
  const generation = state.generation + 1
  const expected = norm / Math.sqrt(1 - (1 - p.cSigma) ** (2 * generation))
  const h = expected < (1.4 + 2 / (n + 1)) * p.chiN ? 1 : 0
  const cc = Math.sqrt(p.cc * (2 - p.cc) * p.muEffective)
  const pathCovariance = state.pathCovariance.map((v, i) => (1 - p.cc) * v + h * cc * yw[i]!)
  const delta = (1 - h) * p.cc * (2 - p.cc)
  const lengths2 = ys.map(y => sum(whiten(y).map(v => v * v)))
  const weights = p.weights.map((w, k) => (w >= 0 ? w : (w * n) / (lengths2[k]! + 1e-12)))
  const keep = 1 + p.c1 * delta - p.c1 - p.cmu * sum(p.weights.slice(0, sorted.length))
  const covariance = new Matrix(n, n)
  for (let i = 0; i < n; i++)
    for (let j = 0; j <= i; j++) {
      let c = keep * state.covariance.get(i, j) + p.c1 * pathCovariance[i]! * pathCovariance[j]!
      for (let k = 0; k < ys.length; k++) c += p.cmu * weights[k]! * ys[k]![i]! * ys[k]![j]!
      covariance.set(i, j, c)
      covariance.set(j, i, c)
    }
  const { axes, lengths } = decompose(covariance)
  const recent = [...state.recent, sorted[0]!.value].slice(-(10 + Math.ceil((30 * n) / p.population)))
  const next = {
    generation,
    mean,
    sigma,
    covariance,
    pathSigma,
    pathCovariance,
    recent,
    axes,
    lengths,
    stretch: state.stretch,
  }
  return withMargin(next, p)
}

function decompose(covariance: Matrix): { axes: Matrix; lengths: number[] } {
  const { realEigenvalues, eigenvectorMatrix } = new EigenvalueDecomposition(covariance, { assumeSymmetric: true })
  return { axes: eigenvectorMatrix, lengths: realEigenvalues.map(v => Math.sqrt(Math.max(v, 1e-16))) }
}

/**
 * Moves the mean and stretches the coordinates of whole numbers so that each leaves its present value with a chance of
 * 1 / (n · λ) at least: they would be stuck otherwise (Hamano, Saito, Nomura & Shirakawa 2022).
 */
function withMargin(state: CmaState, p: CmaParameters): CmaState {
  if (p.steps.every(step => step === 0)) return state
  const alpha = 1 / (p.dimensions * p.population)
  const mean = [...state.mean]
  const stretch = [...state.stretch]
  const quantile = (q: number) => truncatedQuantile(q, -40, 40)
  p.steps.forEach((step, i) => {
    if (step === 0) return
    const width = state.sigma * Math.sqrt(state.covariance.get(i, i))
    const last = Math.round(1 / step) - 1
    const cell = Math.min(Math.max(Math.floor(mean[i]! / step), 0), last)
    const [low, high] = [cell * step, (cell + 1) * step]
    const deviation = () => width * stretch[i]!
    if (cell === 0 || cell === last) {
      // At an edge there is one way to leave.
      const threshold = cell === 0 ? high : low
      const side = cell === 0 ? 1 : -1
      const leave = cdf((-side * (threshold - mean[i]!)) / deviation())
      if (last > 0 && leave < alpha) mean[i] = threshold + side * quantile(alpha) * deviation()
      return
    }
    const below = cdf((low - mean[i]!) / deviation())
    const above = cdf((mean[i]! - high) / deviation())
    if (below >= alpha / 2 && above >= alpha / 2) return
    const [b, a] = [Math.max(below, alpha / 2), Math.max(above, alpha / 2)]
    const middle = Math.max(0, 1 - below - above)
    const excess = 1 - b - a - middle
    const room = b + a + middle - 1.5 * alpha
    const share = (x: number) => (room > 0 ? x + (excess * (x - alpha / 2)) / room : x)
    const [zb, za] = [-quantile(share(b)), -quantile(share(a))]
    stretch[i] = (high - low) / (width * (zb + za))
    mean[i] = (low * za + high * zb) / (zb + za)
  })
  return { ...state, mean, stretch }
}

/** Whether the strategy has come to rest: too narrow, too stretched, or without progress (Hansen 2016, B.3). */
export function cmaFinished(state: CmaState, start: number): boolean {
  const longest = Math.max(...state.lengths)
  const shortest = Math.min(...state.lengths)
  if (!Number.isFinite(state.sigma) || state.sigma * longest < 1e-12 * start) return true
  if (state.sigma * longest > 1e4 * start || (longest / shortest) ** 2 > 1e14) return true
  const long = state.recent.length >= 10 && state.generation > 10 + state.recent.length / 2
  return long && Math.max(...state.recent) - Math.min(...state.recent) < 1e-12
}
