import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { frozenTrials } from '../../testing/recorded.js'
import { createStudy } from '../create.js'
import type { ParamValue } from '../distribution.js'
import type { Direction, FrozenTrial } from '../frozen-trial.js'
import { random } from '../samplers/random.js'
import type { StudyView } from '../samplers/sampler.js'
import { fanova, meanDecreaseImpurity, paramImportances, pedAnova, permutation } from './index.js'

type Shares = Readonly<Record<string, number>>
type Spread = Readonly<Record<string, readonly [mean: number, deviation: number]>>
interface Recorded {
  readonly name: string
  readonly directions: readonly Direction[]
  readonly kinds: readonly string[]
  readonly trials: readonly {
    values: readonly number[]
    params: Readonly<Record<string, ParamValue>>
    distributions: Readonly<Record<string, number>>
  }[]
  readonly ped: Shares
  readonly pedQuarter: Shares
  readonly pedGlobal: Shares
  readonly pedFirst?: Shares
  readonly normalized: Shares
  readonly fanova?: Spread
  readonly impurity?: Spread
  readonly permutation?: Shares
}
const file = new URL('./figures/optuna_importances.json', import.meta.url)
const { studies } = JSON.parse(readFileSync(file, 'utf8')) as { studies: readonly Recorded[] }

const frozen = ({ kinds, trials }: Recorded): FrozenTrial[] =>
  frozenTrials(
    trials.map(trial => ({
      ...trial,
      distributions: Object.fromEntries(Object.entries(trial.distributions).map(([name, k]) => [name, kinds[k]!])),
    })),
  )
const viewOf = (recorded: Recorded): StudyView => ({
  name: recorded.name,
  directions: recorded.directions,
  trials: frozen(recorded),
  systemAttrs: {},
})

const expectShares = (got: Shares, wanted: Shares, tolerance: (wanted: number, name: string) => number) => {
  expect(Object.keys(got).sort()).toEqual(Object.keys(wanted).sort())
  for (const [name, share] of Object.entries(wanted))
    expect(Math.abs(got[name]! - share), `${name}: ${got[name]}, wanted ${share}`).toBeLessThanOrEqual(
      tolerance(share, name),
    )
}
const means = (spread: Spread): Shares =>
  Object.fromEntries(Object.entries(spread).map(([name, [mean]]) => [name, mean]))
const single = studies.filter(study => study.directions.length === 1)

describe.each(studies.map(study => [study.name, study] as const))('PED-ANOVA of %s', (_, study) => {
  const exactly = (wanted: number) => 1e-9 * Math.max(wanted, 1e-3)
  test.each([
    ['at its defaults', {}, study.ped],
    ['within a region', { targetQuantile: 0.25, regionQuantile: 0.8 }, study.pedQuarter],
    ['against the whole range', { targetQuantile: 0.2, local: false }, study.pedGlobal],
  ] as const)('%s has the figures of Optuna', async (_what, options, wanted) => {
    expectShares(
      await paramImportances(viewOf(study), { evaluator: pedAnova(options), normalize: false }),
      wanted,
      exactly,
    )
  })
  test('normalized it sums to 1, the most important first', async () => {
    const shares = await paramImportances(viewOf(study))
    expectShares(shares, study.normalized, () => 1e-9)
    const values = Object.values(shares)
    expect(values).toEqual([...values].sort((a, b) => b - a))
    expect(values.reduce((a, b) => a + b, 0)).toBeCloseTo(1)
  })
})

test('PED-ANOVA explains a target where there is one, low ones being good', async () => {
  const study = studies.find(s => s.pedFirst !== undefined)!
  const got = await paramImportances(viewOf(study), { target: trial => trial.values![0]!, normalize: false })
  expectShares(got, study.pedFirst!, wanted => 1e-9 * Math.max(wanted, 1e-3))
})

// Forests are random: ours may differ from the mean of eight of scikit-learn's by a few times how these differ.
const asForests = (spread: Spread) => (_: number, name: string) => 0.01 + 4 * spread[name]![1]

describe.each(single.map(study => [study.name, study] as const))('forests on %s', (_, study) => {
  test('fANOVA agrees with Optuna', async () => {
    const got = await paramImportances(viewOf(study), { evaluator: fanova({ seed: 3 }), normalize: false })
    expectShares(got, means(study.fanova!), asForests(study.fanova!))
  })
  test('mean decrease in impurity agrees with Optuna', async () => {
    const got = await paramImportances(viewOf(study), {
      evaluator: meanDecreaseImpurity({ seed: 3 }),
      normalize: false,
    })
    expectShares(got, means(study.impurity!), asForests(study.impurity!))
  })
  test.skipIf(study.permutation === undefined)('permutation agrees with scikit-learn', async () => {
    const got = await paramImportances(viewOf(study), { evaluator: permutation({ seed: 3 }), normalize: false })
    expectShares(got, study.permutation!, wanted => 0.02 + 0.15 * wanted)
  })
})

test('one seed gives the same numbers again, another seed others', async () => {
  const view = viewOf(single[0]!)
  const once = await paramImportances(view, { evaluator: fanova({ seed: 1, trees: 8 }) })
  expect(await paramImportances(view, { evaluator: fanova({ seed: 1, trees: 8 }) })).toEqual(once)
  expect(await paramImportances(view, { evaluator: fanova({ seed: 2, trees: 8 }) })).not.toEqual(once)
})

test('fANOVA on logarithmic scales sees what happens at small learning rates, the linear scale does not', async () => {
  const study = await createStudy({ sampler: random({ seed: 1 }) })
  await study.optimize(
    trial => (trial.suggestFloat('lr', 1e-5, 1, { log: true }) < 1e-3 ? 1 : 0) + 0.1 * trial.suggestFloat('y', 0, 1),
    { trials: 60 },
  )
  const of = (log: boolean) => paramImportances(study, { evaluator: fanova({ log, trees: 16 }), normalize: false })
  const [log, linear] = [await of(true), await of(false)]
  expect(log.lr!).toBeGreaterThan(0.9)
  // 0.001 of the linear range: what varies over the rest of it weighs as much.
  expect(linear.lr!).toBeLessThan(0.7)
})

describe('studies that say little', () => {
  const names = ['pedAnova', 'fanova', 'permutation', 'meanDecreaseImpurity'] as const
  test.each(names)('%s of an empty or failed study has nothing to assess', async evaluator => {
    const study = await createStudy()
    expect(await paramImportances(study, { evaluator })).toEqual({})
    await study.optimize(
      trial => {
        trial.suggestFloat('x', 0, 1)
        throw new Error('no luck')
      },
      { trials: 2, catch: true },
    )
    expect(await paramImportances(study, { evaluator })).toEqual({})
  })
  test.each(names)('%s finds everything equal after one trial, or where all values are equal', async evaluator => {
    const study = await createStudy()
    const constant = (trial: { suggestFloat(name: string, low: number, high: number): number }) => {
      trial.suggestFloat('x', 0, 1)
      trial.suggestFloat('y', 0, 1)
      return 3
    }
    await study.optimize(constant, { trials: 1 })
    expect(await paramImportances(study, { evaluator })).toEqual({ x: 0.5, y: 0.5 })
    await study.optimize(constant, { trials: 5 })
    expect(await paramImportances(study, { evaluator })).toEqual({ x: 0.5, y: 0.5 })
  })
  test.each(names)('%s gives a parameter with a single value nothing', async evaluator => {
    const got = await paramImportances(viewOf(single[0]!), { evaluator })
    expect(got.fixed).toBe(0)
  })
})

describe('refusals', () => {
  const view = viewOf(studies[0]!)
  const code = (code: string) => expect.objectContaining({ code })
  test('a parameter no trial has', async () => {
    for (const evaluator of ['pedAnova', 'fanova'] as const)
      await expect(paramImportances(view, { evaluator, params: ['lrr'] })).rejects.toEqual(code('unknown-parameter'))
  })
  test('several objectives without a target, for forests', async () => {
    const two = viewOf(studies.find(s => s.directions.length === 2)!)
    await expect(paramImportances(two, { evaluator: 'fanova' })).rejects.toEqual(code('several-objectives'))
    const first = await paramImportances(two, { evaluator: 'fanova', target: t => t.values![0]! })
    expect(Object.keys(first)[0]).toBe('x')
  })
  test('parameters of two branches, and of changing ranges, for forests', async () => {
    const conditional = viewOf(studies.find(s => s.name === 'conditional')!)
    const ask = (params: string[]) => paramImportances(conditional, { evaluator: 'fanova', params })
    await expect(ask(['leaves', 'width'])).rejects.toEqual(code('never-together'))
    expect(Object.keys(await ask(['lr', 'width', 'noise']))).toHaveLength(3)
    const changing = viewOf(studies.find(s => s.name === 'changing')!)
    await expect(paramImportances(changing, { evaluator: 'fanova', params: ['x'] })).rejects.toEqual(
      code('dynamic-space'),
    )
  })
  test('options out of range, and unknown evaluators', async () => {
    expect(() => fanova({ trees: 0 })).toThrow(code('bad-option'))
    expect(() => pedAnova({ targetQuantile: 0.5, regionQuantile: 0.3 })).toThrow(code('bad-option'))
    // @ts-expect-error: from outside the type system
    await expect(paramImportances(view, { evaluator: 'anova' })).rejects.toEqual(code('unknown-evaluator'))
  })
})
