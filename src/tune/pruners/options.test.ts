import { expect, test } from 'vitest'
import { bohb } from '../bohb.js'
import { createStudy } from '../create.js'
import { hyperband, median, patient, percentile, successiveHalving, threshold, wilcoxon } from './index.js'

test.each([
  ['median', () => median({ nStartupTrials: -1 })],
  ['median', () => median({ nWarmupSteps: 1.5 })],
  ['median', () => median({ intervalSteps: 0 })],
  ['median', () => median({ nMinTrials: 0 })],
  ['median', () => median({ startupTrials: 3 } as never)],
  ['percentile', () => percentile(101)],
  ['percentile', () => percentile(Number.NaN)],
  ['successiveHalving', () => successiveHalving({ minResource: 0 })],
  ['successiveHalving', () => successiveHalving({ minResource: 'some' as never })],
  ['successiveHalving', () => successiveHalving({ reductionFactor: 1 })],
  ['successiveHalving', () => successiveHalving({ minEarlyStoppingRate: -1 })],
  ['successiveHalving', () => successiveHalving({ bootstrapCount: 1 })],
  ['hyperband', () => hyperband({ maxResource: 0 })],
  ['hyperband', () => hyperband({ minResource: 9, maxResource: 3 })],
  ['hyperband', () => hyperband({ bootstrapCount: 1 })],
  ['patient', () => patient(null, { patience: -1 })],
  ['patient', () => patient(median(), { patience: 1, minDelta: -1 })],
  ['patient', () => patient('median' as never, { patience: 1 })],
  ['threshold', () => threshold({})],
  ['threshold', () => threshold({ lower: 2, upper: 1 })],
  ['threshold', () => threshold({ upper: Number.NaN })],
  ['wilcoxon', () => wilcoxon({ pThreshold: 1.1 })],
  ['wilcoxon', () => wilcoxon({ nStartupSteps: -1 })],
] as const)('%s refuses options that make no sense, by name', (name, make) => {
  expect(make).toThrow(expect.objectContaining({ name: 'ConfigError', where: expect.stringContaining(name) }))
})

test('what was estimated from the first complete trials stays with the study', async () => {
  for (const make of [() => hyperband(), () => successiveHalving()]) {
    const study = await createStudy({ pruner: make() })
    for (const steps of [250, 900]) {
      const trial = await study.ask()
      await trial.report(1, steps)
      await trial.shouldPrune()
      await study.tell(trial, 1)
    }
    const third = await study.ask()
    await third.report(1, 1)
    await third.shouldPrune()
    const known = await study.systemAttrs()
    expect(Object.values(known)).toEqual([make().name === 'hyperband' ? 251 : 2])
    await third.report(1, 5000)
    await study.tell(third, 1)
    const fourth = await study.ask()
    await fourth.report(1, 1)
    await fourth.shouldPrune()
    expect(await study.systemAttrs()).toEqual(known)
  }
})

test('bohb gives TPE the trials of the bracket', async () => {
  const seen: number[][] = []
  const { sampler, pruner } = bohb({ seed: 1, hyperband: { maxResource: 9 } })
  const study = await createStudy({
    name: 'bohb',
    pruner,
    sampler: {
      ...sampler,
      beforeTrial: context => {
        seen.push(context.study.trials.map(trial => trial.number))
        return sampler.beforeTrial?.(context)
      },
    },
  })
  await study.optimize(
    async trial => {
      const x = trial.suggestFloat('x', -1, 1)
      for (let step = 0; step < 9; step++) await trial.reportOrPrune(x ** 2 + 1 / (step + 1), step)
      return x ** 2
    },
    { trials: 30 },
  )
  expect(new Set(seen.slice(-12).map(numbers => numbers[0])).size).toBeGreaterThan(1)
  expect(seen.every((numbers, number) => numbers.includes(number) && numbers.length <= number + 1)).toBe(true)
})
