import { describe, expect, test } from 'vitest'
import { counterRandom } from '../../../ir/index.js'
import { readFigures } from '../../../testing/figures.js'
import { distributionFromJson } from '../../distribution.js'
import { hypervolume } from '../../hypervolume.js'
import { acquisition, feasibilityTerm, hypervolumeTerm, improvementTerm } from './acquisition.js'
import { nonDominatedBoxes } from './boxes.js'
import { drawnPasts, observedPast, withPendingDraws } from './draws.js'
import { evenNormals } from './even.js'
import { logStandardEi } from './improvement.js'
import { defaultKernel, fitProcess, type Kernel, logPosterior, observe, pointsFrom } from './process.js'
import { axesOf } from './space.js'

interface KernelFigure {
  readonly inverseSquares: number[]
  readonly scale: number
  readonly noise: number
  readonly logPosterior: number
}
interface Figures {
  readonly process: {
    readonly space: Readonly<Record<string, string>>
    readonly internal: number[][]
    readonly places: number[][]
    readonly values: number[]
    readonly values2: number[]
    readonly kernel: KernelFigure
    readonly kernel2: KernelFigure
    readonly logPosterior: number
    readonly at: number[][]
    readonly mean: number[]
    readonly variance: number[]
    readonly logEi: number[]
    readonly logEiGradient: number[][]
    readonly logPi: number[]
    readonly logPiGradient: number[][]
    readonly normals: number[]
    readonly logEhvi: number[]
    readonly logEhviGradient: number[][]
    readonly fitted: KernelFigure
    readonly fittedDeterministic: KernelFigure
  }
  readonly logStandardEi: { readonly z: number[]; readonly value: number[] }
}
const figures = readFigures<Figures>(new URL('../figures/optuna.json', import.meta.url))
const { process: p } = figures
const space = Object.fromEntries(Object.entries(p.space).map(([name, json]) => [name, distributionFromJson(json)]))
const axes = axesOf(space)
const points = pointsFrom(
  p.places,
  Uint8Array.from(axes, axis => (axis.categorical ? 1 : 0)),
)
const kernelOf = ({ inverseSquares, scale, noise }: KernelFigure): Kernel => ({
  inverseSquares: Float64Array.from(inverseSquares),
  scale,
  noise,
})
const values = Float64Array.from(p.values)
const at = Float64Array.from(p.at.flat())
const one = observe(points, values, kernelOf(p.kernel))!
const two = observe(points, Float64Array.from(p.values2), kernelOf(p.kernel2))!
const near = (received: ArrayLike<number>, wanted: ArrayLike<number>, tolerance: number) => {
  expect(received.length).toBe(wanted.length)
  for (let i = 0; i < wanted.length; i++)
    expect(Math.abs(received[i]! - wanted[i]!), `${received[i]} for ${wanted[i]}`).toBeLessThan(
      tolerance * Math.max(1, Math.abs(wanted[i]!)),
    )
}

describe('against Optuna', () => {
  test('parameters lie at the same places of the unit cube, and come back from there', () => {
    p.internal.forEach((row, i) => {
      near(
        row.map((x, d) => axes[d]!.toUnit(x)),
        p.places[i]!,
        1e-12,
      )
      near(
        p.places[i]!.map((x, d) => axes[d]!.toInternal(x)),
        row,
        1e-9,
      )
    })
  })

  test('likelihood and priors of a kernel are the same', () => {
    near([logPosterior(points, values, kernelOf(p.kernel))], [p.logPosterior], 1e-10)
  })

  test.each([
    ['noisy', false, p.fitted],
    ['deterministic', true, p.fittedDeterministic],
  ] as const)('a %s fit reaches the same density', (_, deterministic, wanted) => {
    const { kernel } = fitProcess(points, values, { deterministic })
    expect(kernel.noise).toBeGreaterThanOrEqual(1e-6)
    if (deterministic) expect(kernel.noise).toBe(1e-6)
    // The search ends a little before the top.
    expect(logPosterior(points, values, kernel)).toBeGreaterThan(wanted.logPosterior - 0.01)
    expect(logPosterior(points, values, kernelOf(wanted))).toBeCloseTo(wanted.logPosterior, 6)
  })

  test('log-EI far into its tail', () => {
    near(figures.logStandardEi.z.map(logStandardEi), figures.logStandardEi.value, 1e-9)
  })

  const best = Math.max(...p.values)
  test.each([
    ['log-EI', () => [improvementTerm(one, one.u, Float64Array.of(best))], p.logEi, p.logEiGradient],
    ['log probability', () => [feasibilityTerm(one, 0.8)], p.logPi, p.logPiGradient],
    [
      'log-EHVI',
      () => {
        const lost = p.values.map((y, i) => [-y, -p.values2[i]!])
        const reference = [0, 1].map(m => {
          const worst = Math.max(...lost.map(x => x[m]!))
          return Math.max(1.1 * worst, 0.9 * worst)
        })
        const boxes = nonDominatedBoxes(lost, reference)
        return [hypervolumeTerm([one, two], [one.u, two.u], [boxes], Float64Array.from(p.normals))]
      },
      p.logEhvi,
      p.logEhviGradient,
    ],
  ] as const)('%s and its gradient', (_, terms, wanted, gradients) => {
    const target = acquisition(terms())
    near(target.values(at, p.at.length), wanted, 1e-8)
    p.at.forEach((place, i) => {
      const slope = new Float64Array(axes.length)
      near([target.gradient(Float64Array.from(place), slope)], [wanted[i]!], 1e-8)
      near(
        axes.flatMap((axis, d) => (axis.categorical ? [] : [slope[d]!])),
        gradients[i]!.filter((_, d) => !axes[d]!.categorical),
        1e-6,
      )
    })
  })
})

test('the gradient of a kernel is that of its density', () => {
  const gradient = new Float64Array(axes.length + 2)
  const kernel = kernelOf(p.kernel)
  logPosterior(points, values, kernel, gradient)
  const shifted = (k: number, by: number): Kernel => ({
    inverseSquares: kernel.inverseSquares.map((w, d) => (d === k ? w * Math.exp(by) : w)),
    scale: kernel.scale * (k === axes.length ? Math.exp(by) : 1),
    noise: kernel.noise * (k === axes.length + 1 ? Math.exp(by) : 1),
  })
  for (let k = 0; k < axes.length + 2; k++) {
    const h = 1e-5
    const up = logPosterior(points, values, shifted(k, h))
    const down = logPosterior(points, values, shifted(k, -h))
    expect(gradient[k]).toBeCloseTo(-(up - down) / (2 * h), 5)
  }
})

describe('draws of what is not known', () => {
  const pending = Float64Array.from(p.at.slice(0, 2).flat())

  test('a pending trial is not proposed again, and shifts the improvement smoothly', () => {
    const past = withPendingDraws(observedPast(one, 1), pending, 64, () => true, counterRandom(1))
    const target = acquisition([improvementTerm(past.process, past.rows, past.best)])
    const [there, elsewhere] = [target.values(at, 1)[0]!, target.values(at.subarray(4 * axes.length), 1)[0]!]
    expect(there).toBeLessThan(elsewhere - 5)
    const place = Float64Array.from(p.at[3]!)
    const slope = new Float64Array(axes.length)
    target.gradient(place, slope)
    axes.forEach((axis, d) => {
      if (axis.categorical) return
      const h = 1e-6
      const shifted = (by: number) =>
        target.values(
          place.map((x, k) => (k === d ? x + by : x)),
          1,
        )[0]!
      expect(slope[d]).toBeCloseTo((shifted(h) - shifted(-h)) / (2 * h), 4)
    })
  })

  test('pending values are spread as the posterior says', () => {
    const count = 4096
    const past = withPendingDraws(observedPast(one, 1), pending, count, () => true, counterRandom(2))
    for (let j = 0; j < 2; j++) {
      const drawn = Array.from({ length: count }, (_, s) => past.pending[s * 2 + j]!)
      const mean = drawn.reduce((a, b) => a + b, 0) / count
      const spread = drawn.reduce((a, x) => a + (x - mean) ** 2, 0) / count
      expect(mean).toBeCloseTo(p.mean[j]!, 2)
      expect(spread / p.variance[j]!).toBeGreaterThan(0.97)
      expect(spread / p.variance[j]!).toBeLessThan(1.03)
    }
  })

  test('drawn pasts of noisy values agree with the posterior at a new place', () => {
    const noisy = observe(points, values, { ...kernelOf(p.kernel), noise: 0.3 })!
    const count = 2000
    const past = drawnPasts(noisy, values, [0, 3, 8], count, counterRandom(4))!
    const target = acquisition([improvementTerm(noisy, noisy.u, Float64Array.of(50))])
    // Means far below a threshold of 50 order log-EI by mean and variance; compare through the mean itself.
    const v = new Float64Array(points.count)
    expect(Number.isFinite(target.gradient(Float64Array.from(p.at[0]!), new Float64Array(axes.length)))).toBe(true)
    // Rows are L⁻¹ f: their average is L⁻¹ of the posterior mean at the observations.
    for (let s = 0; s < count; s++) for (let i = 0; i < v.length; i++) v[i]! += past.rows[s * v.length + i]! / count
    const mean = (i: number) => {
      let sum = 0
      for (let k = 0; k <= i; k++) sum += past.process.l[i * v.length + k]! * v[k]!
      return sum
    }
    const smoothed = new Float64Array(values)
    const { l } = noisy
    const n = v.length
    // mean = y − noise (K + noise)⁻¹ y
    for (let i = 0; i < n; i++) {
      for (let k = 0; k < i; k++) smoothed[i]! -= l[i * n + k]! * smoothed[k]!
      smoothed[i]! /= l[i * n + i]!
    }
    for (let i = n - 1; i >= 0; i--) {
      for (let k = i + 1; k < n; k++) smoothed[i]! -= l[k * n + i]! * smoothed[k]!
      smoothed[i]! /= l[i * n + i]!
    }
    for (let i = 0; i < n; i++) expect(Math.abs(mean(i) - (values[i]! - 0.3 * smoothed[i]!))).toBeLessThan(0.06)
    for (let s = 0; s < 5; s++) expect(past.best[s]).toBeLessThan(10)
  })

  test('evenly spread normal draws have the moments of the normal distribution', () => {
    const draws = evenNormals(1024, 3, counterRandom(3))
    for (let d = 0; d < 3; d++) {
      const column = Array.from({ length: 1024 }, (_, i) => draws[i * 3 + d]!)
      expect(column.reduce((a, b) => a + b, 0) / 1024).toBeCloseTo(0, 1)
      expect(column.reduce((a, b) => a + b * b, 0) / 1024).toBeCloseTo(1, 1)
    }
  })
})

test('boxes cover exactly what no point dominates', () => {
  const random = counterRandom(6)
  for (const objectives of [2, 3, 4]) {
    const lost = Array.from({ length: 14 }, (_, i) =>
      Array.from({ length: objectives }, (_, m) => random.uniform(i * 7 + m + 100 * objectives)),
    )
    const reference = new Array<number>(objectives).fill(0.95)
    const { count, lower, upper } = nonDominatedBoxes(lost, reference)
    let volume = 0
    for (let b = 0; b < count; b++) {
      let part = 1
      for (let m = 0; m < objectives; m++)
        part *= Math.max(0, upper[b * objectives + m]! - Math.max(lower[b * objectives + m]!, 0))
      volume += part
    }
    expect(volume).toBeCloseTo(0.95 ** objectives - hypervolume(lost, reference), 10)
  }
})

test('one observation is enough for a fit, and equal ones do no harm', () => {
  const single = pointsFrom([[0.5]], Uint8Array.of(0))
  expect(fitProcess(single, Float64Array.of(0), { deterministic: true }).kernel.noise).toBe(1e-6)
  const equal = pointsFrom(new Array<number[]>(12).fill([0.5]), Uint8Array.of(0))
  const process = fitProcess(
    equal,
    Float64Array.from({ length: 12 }, (_, i) => i - 5.5),
    {
      deterministic: false,
      start: defaultKernel(1),
    },
  )
  expect(process.u.every(Number.isFinite)).toBe(true)
})
