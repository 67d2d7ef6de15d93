import { describe, expect, test } from 'vitest'
import { createStudy } from '../../create.js'
import type { Study } from '../../study.js'
import type { Trial } from '../../trial.js'
import { gp } from './index.js'

const bowl = (trial: Trial): number => {
  const x = trial.suggestFloat('x', -5, 5)
  const y = trial.suggestFloat('y', 1e-4, 1e2, { log: true })
  return (x - 1.5) ** 2 + (Math.log10(y) + 1) ** 2
}
const paramsOf = async (study: Study) => (await study.trials()).map(t => t.params)

describe('a Gaussian process', () => {
  test('finds the bottom of a bowl in few trials, upwards too', async () => {
    for (const direction of ['minimize', 'maximize'] as const) {
      const study = await createStudy({ direction, sampler: gp({ seed: 1, deterministicObjective: true }) })
      await study.optimize(t => (direction === 'minimize' ? bowl(t) : -bowl(t)), { trials: 22 })
      expect(Math.abs(await study.bestValue())).toBeLessThan(0.01)
    }
  })

  test('goes the same way again, also when another process goes on', async () => {
    const [a, b] = await Promise.all(['a', 'b'].map(() => createStudy({ sampler: gp({ seed: 3 }) })))
    await a!.optimize(bowl, { trials: 15 })
    await b!.optimize(bowl, { trials: 13 })
    const resumed = await createStudy({
      name: b!.name,
      storage: b!.storage,
      loadIfExists: true,
      sampler: gp({ seed: 3 }),
    })
    await resumed.optimize(bowl, { trials: 2 })
    expect(await paramsOf(resumed)).toEqual(await paramsOf(a!))
  })

  test('takes whole numbers, steps and choices together, and learns which choice is good', async () => {
    const study = await createStudy({ sampler: gp({ seed: 2 }) })
    await study.optimize(
      trial => {
        const units = trial.suggestInt('units', 1, 512, { log: true })
        const layers = trial.suggestInt('layers', 1, 100)
        const rate = trial.suggestFloat('rate', 0, 1, { step: 0.25 })
        const kind = trial.suggestCategorical('kind', ['a', 'b', 'c'])
        expect(Number.isInteger(units) && Number.isInteger(layers) && Number.isInteger(rate * 4)).toBe(true)
        return (Math.log2(units) - 5) ** 2 + ((layers - 30) / 20) ** 2 + (rate - 0.5) ** 2 + (kind === 'b' ? 0 : 3)
      },
      { trials: 30 },
    )
    const { kind, rate } = await study.bestParams()
    expect([kind, rate]).toEqual(['b', 0.5])
    expect(await study.bestValue()).toBeLessThan(0.3)
  })

  test('samples apart what not every trial has', async () => {
    const study = await createStudy({ sampler: gp({ seed: 4, nStartupTrials: 4 }) })
    await study.optimize(
      trial => {
        const kind = trial.suggestCategorical('kind', ['a', 'b'])
        return kind === 'a' ? trial.suggestFloat('x', 0, 1) : 1 + trial.suggestInt('n', 1, 3)
      },
      { trials: 14 },
    )
    expect((await study.trials()).every(t => t.state === 'COMPLETE')).toBe(true)
    expect((await study.bestTrial()).params.kind).toBe('a')
  })

  test('learns where the parameters are good that not every trial has', async () => {
    const study = await createStudy({ sampler: gp({ seed: 9 }) })
    await study.optimize(
      trial => (trial.suggestCategorical('kind', ['a', 'b']) === 'a' ? trial.suggestFloat('x', 0, 1) : 1),
      { trials: 40 },
    )
    const x = (await study.trials()).slice(20).flatMap(t => (t.params.x === undefined ? [] : [t.params.x as number]))
    expect(x.length).toBeGreaterThan(10)
    expect(x.sort((a, b) => a - b)[x.length >> 1]).toBeLessThan(0.25)
  })

  test('spreads trials that run at the same time', async () => {
    const study = await createStudy({ sampler: gp({ seed: 5, deterministicObjective: true }) })
    await study.optimize(bowl, { trials: 12 })
    const distributions = (await study.trials())[0]!.distributions
    const running = []
    for (let i = 0; i < 4; i++) running.push(await study.ask(distributions))
    const seen = running.map(t => [t.params.x as number, Math.log10(t.params.y as number)])
    for (const [i, a] of seen.entries())
      for (const b of seen.slice(i + 1)) expect(Math.hypot(a[0]! - b[0]!, a[1]! - b[1]!)).toBeGreaterThan(1e-3)
  })

  test('keeps to constraints', async () => {
    const study = await createStudy({ sampler: gp({ seed: 6 }) })
    await study.optimize(
      trial => {
        const [x, y] = [trial.suggestFloat('x', -2, 2), trial.suggestFloat('y', -2, 2)]
        trial.setConstraint('right', 0.5 - x)
        return x * x + y * y
      },
      { trials: 25 },
    )
    expect(await study.bestValue()).toBeGreaterThanOrEqual(0.25)
    expect(await study.bestValue()).toBeLessThan(0.3)
  })

  test.each([false, true])('follows a Pareto front (constrained: %s)', async constrained => {
    const study = await createStudy({ directions: ['minimize', 'maximize'], sampler: gp({ seed: 7 }) })
    const objective = (trial: Trial) => {
      const [x, y] = [trial.suggestFloat('x', -2, 2), trial.suggestFloat('y', -2, 2)]
      if (constrained) trial.setConstraint('c', x - 0.7)
      return [x * x + y * y, -((x - 1) ** 2) - y * y]
    }
    await study.optimize(objective, { trials: 18 })
    await study.optimize(objective, { trials: 4, concurrency: 2 })
    const front = await study.bestTrials()
    expect(front.length).toBeGreaterThan(4)
    // The front is y = 0, 0 ≤ x ≤ 1: √loss + √(−gain) = 1.
    const off = front.map(t => Math.sqrt(t.values![0]!) + Math.sqrt(-t.values![1]!) - 1)
    expect(off.sort((a, b) => a - b)[off.length >> 1]).toBeLessThan(0.1)
    if (constrained) for (const t of front) expect(t.params.x as number).toBeLessThanOrEqual(0.7)
  })

  test('bears infinite and equal values, and noise', async () => {
    const study = await createStudy({ sampler: gp({ seed: 8, nStartupTrials: 3, acquisition: 'noisyLogEi' }) })
    await study.optimize(
      trial => {
        const x = trial.suggestFloat('x', 0, 1)
        return trial.number === 1 ? Infinity : trial.number === 2 ? -Infinity : Math.round(2 * x)
      },
      { trials: 10 },
    )
    expect((await study.trials(['COMPLETE'])).length).toBe(10)
  })

  test('refuses options that make no sense', () => {
    expect(() => gp({ nStartupTrials: -1 })).toThrow(/nStartupTrials/)
    // @ts-expect-error an unknown option
    expect(() => gp({ nstartup: 1 })).toThrow(/nStartupTrials/)
  })
})
