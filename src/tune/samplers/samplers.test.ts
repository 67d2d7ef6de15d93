import { describe, expect, test } from 'vitest'
import { counterRandom } from '../../ir/index.js'
import { testSampler } from '../../testing/sampler.js'
import { createStudy, samplers } from '../index.js'
import { memoryStorage } from '../storage/memory.js'
import { halton, sobol } from './qmc/sequences.js'

testSampler(seed => samplers.random({ seed }))
testSampler(seed => samplers.qmc({ seed, scramble: true }))
testSampler(seed => samplers.qmc({ seed, scramble: true, qmcType: 'halton' }))
testSampler(seed => samplers.nsga2({ seed, populationSize: 6 }))
testSampler(seed => samplers.nsga2({ seed, populationSize: 6, crossover: 'sbx' }))
testSampler(seed => samplers.nsga3({ seed, populationSize: 6 }))
testSampler(seed => samplers.cmaEs({ seed, popsize: 4 }))
testSampler(seed => samplers.cmaEs({ seed, popsize: 4, restartStrategy: 'bipop' }))
testSampler(seed => samplers.partialFixed({ fixed: 1 }, samplers.random({ seed })))
testSampler(seed => samplers.tpe({ seed, nStartupTrials: 5 }))
testSampler(seed => samplers.gp({ seed, nStartupTrials: 5 }), { trials: 14 })
testSampler(seed => samplers.gp({ seed, nStartupTrials: 5, acquisition: 'noisyLogEi' }), { trials: 10 })
testSampler(seed => samplers.auto({ seed }), { trials: 16 })
testSampler(seed => samplers.tpe({ seed, nStartupTrials: 5, multivariate: false }))
testSampler(seed => samplers.tpe({ seed, nStartupTrials: 5, group: true }))

describe('sequences', () => {
  // From SciPy's qmc.Sobol(d=5, scramble=False) and qmc.Halton(d=5, scramble=False).
  test.each<[number, number[]]>([
    [1, [0.5, 0.5, 0.5, 0.5, 0.5]],
    [2, [0.75, 0.25, 0.25, 0.25, 0.75]],
    [3, [0.25, 0.75, 0.75, 0.75, 0.25]],
    [6, [0.625, 0.125, 0.875, 0.625, 0.625]],
    [13, [0.8125, 0.6875, 0.8125, 0.0625, 0.4375]],
  ])("Sobol's point %i", (index, wanted) => {
    expect([...sobol(5, null)(index)]).toEqual(wanted)
  })

  test.each<[number, number[]]>([
    [1, [1 / 2, 1 / 3, 1 / 5, 1 / 7, 1 / 11]],
    [5, [5 / 8, 7 / 9, 1 / 25, 5 / 7, 5 / 11]],
  ])("Halton's point %i", (index, wanted) => {
    halton(
      5,
      null,
    )(index).forEach((x, d) => {
      expect(x).toBeCloseTo(wanted[d]!, 12)
    })
  })

  test('shifted and permuted, they are as even: each quarter of every axis gets a quarter of 256 points', () => {
    for (const sequence of [sobol(40, counterRandom(3)), halton(4, counterRandom(3))]) {
      const points = Array.from({ length: 256 }, (_, i) => sequence(i))
      for (let d = 0; d < points[0]!.length; d++) {
        const counts = [0, 0, 0, 0]
        for (const point of points) counts[Math.floor(point[d]! * 4)]!++
        for (const count of counts) expect(Math.abs(count - 64)).toBeLessThanOrEqual(2)
      }
    }
  })

  test('Sobol takes up to 160 parameters, and says what takes more', () => {
    expect(sobol(160, null)(77).every(x => x >= 0 && x < 1)).toBe(true)
    expect(() => sobol(161, null)).toThrow(expect.objectContaining({ code: 'sobol-dimensions' }))
  })
})

describe('grid', () => {
  const values = { a: [1, 2, 3], b: ['x', 'y'] }
  const objective = (trial: import('../trial.js').Trial) =>
    trial.suggestInt('a', 1, 3) + (trial.suggestCategorical('b', ['x', 'y']) === 'x' ? 0 : 0.5)

  test('visits every combination once, then stops', async () => {
    const study = await createStudy({ sampler: samplers.grid(values) })
    await study.optimize(objective, { trials: 50 })
    const trials = await study.trials()
    expect(trials.length).toBe(6)
    expect(new Set(trials.map(t => JSON.stringify(t.params))).size).toBe(6)
    expect(await study.bestValue()).toBe(1)
  })

  test('goes on where it was interrupted, and workers share it', async () => {
    const storage = memoryStorage()
    const worker = () => createStudy({ name: 'g', storage, sampler: samplers.grid(values), loadIfExists: true })
    await (await worker()).optimize(objective, { trials: 2 })
    await Promise.all([
      (await worker()).optimize(objective, { trials: 50 }),
      (await worker()).optimize(objective, { trials: 50 }),
    ])
    const trials = await (await worker()).trials()
    expect(new Set(trials.map(t => t.systemAttrs.grid_id)).size).toBe(6)
    expect(trials.length).toBeLessThanOrEqual(7)
  })

  test('refuses parameters it does not know, and values outside their ranges', async () => {
    const study = await createStudy({ sampler: samplers.grid(values) })
    await expect(study.optimize(trial => trial.suggestFloat('c', 0, 1), { trials: 1 })).rejects.toMatchObject({
      code: 'not-in-grid',
    })
    await expect(study.optimize(trial => trial.suggestInt('a', 7, 9), { trials: 1 })).rejects.toMatchObject({
      code: 'not-in-grid',
    })
    expect(() => samplers.grid({})).toThrow(expect.objectContaining({ code: 'empty-grid' }))
    expect(() => samplers.grid({ a: [] })).toThrow(expect.objectContaining({ code: 'bad-range' }))
  })
})

describe('brute force', () => {
  test('runs through a space with conditions, then stops', async () => {
    const study = await createStudy({ sampler: samplers.bruteForce({ seed: 1 }) })
    await study.optimize(
      trial =>
        trial.suggestCategorical('kind', ['p', 'q']) === 'p'
          ? trial.suggestInt('n', 0, 4)
          : trial.suggestFloat('z', 0, 0.3, { step: 0.1 }),
      { trials: 100 },
    )
    const trials = await study.trials()
    expect(trials.length).toBe(9)
    expect(new Set(trials.map(t => JSON.stringify(t.params))).size).toBe(9)
  })

  test('refuses what never ends', async () => {
    const study = await createStudy({ sampler: samplers.bruteForce() })
    await expect(study.optimize(trial => trial.suggestFloat('x', 0, 1))).rejects.toMatchObject({
      code: 'endless-range',
    })
  })
})

describe('partly fixed', () => {
  test('gives what is fixed and samples the rest', async () => {
    const study = await createStudy({
      sampler: samplers.partialFixed({ x: 0.25 }, samplers.tpe({ seed: 1, nStartupTrials: 2 })),
    })
    await study.optimize(trial => trial.suggestFloat('x', 0, 1) + trial.suggestFloat('y', 0, 1), { trials: 6 })
    expect((await study.trials()).every(t => t.params.x === 0.25)).toBe(true)
    expect(new Set((await study.trials()).map(t => t.params.y)).size).toBe(6)
    await expect(study.optimize(trial => trial.suggestFloat('x', 1, 2), { trials: 1 })).rejects.toMatchObject({
      code: 'bad-fixed-value',
    })
  })
})

describe('searching', () => {
  const best = async (sampler: samplers.Sampler, trials: number) => {
    const study = await createStudy({ sampler })
    await study.optimize(
      trial => {
        const x = Array.from({ length: 4 }, (_, i) => trial.suggestFloat(`x${i}`, -5, 10))
        return (
          x.slice(1).reduce((sum, v, i) => sum + 100 * (v - x[i]! ** 2) ** 2 + (1 - x[i]!) ** 2, 0) +
          Math.abs(trial.suggestInt('n', 0, 9) - 7)
        )
      },
      { trials },
    )
    return study.bestValue()
  }
  const median = async (make: (seed: number) => samplers.Sampler, trials: number) =>
    (await Promise.all([1, 2, 3, 4, 5].map(seed => best(make(seed), trials)))).sort((a, b) => a - b)[2]!

  test('CMA-ES descends a curved valley with a whole number in it, where random search does not', async () => {
    const cma = await median(seed => samplers.cmaEs({ seed }), 400)
    expect(cma).toBeLessThan(0.02 * (await median(seed => samplers.random({ seed }), 400)))
  })

  test('NSGA-II does better than chance, and spreads over the front of two objectives', async () => {
    expect(await median(seed => samplers.nsga2({ seed, populationSize: 20 }), 300)).toBeLessThan(
      0.5 * (await median(seed => samplers.random({ seed }), 300)),
    )
    const study = await createStudy({
      directions: ['minimize', 'minimize'],
      sampler: samplers.nsga2({ seed: 1, populationSize: 20 }),
    })
    await study.optimize(
      trial => {
        const [x, y] = [trial.suggestFloat('x', 0, 5), trial.suggestFloat('y', 0, 3)]
        trial.setConstraint('inside', (x - 5) ** 2 + y * y - 25)
        return [4 * x * x + 4 * y * y, (x - 5) ** 2 + (y - 5) ** 2]
      },
      { trials: 200 },
    )
    const front = (await study.bestTrials()).map(t => t.values![0]!)
    expect(front.length).toBeGreaterThan(30)
    expect(Math.max(...front) - Math.min(...front)).toBeGreaterThan(80)
  })
})
