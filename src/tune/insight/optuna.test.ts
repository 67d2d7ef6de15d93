import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { frozenTrials, type RecordedTrial } from '../../testing/recorded.js'
import { createStudy } from '../create.js'
import type { Direction } from '../frozen-trial.js'
import { random } from '../samplers/random.js'
import { hypervolumeHistory, paretoFront } from './index.js'
import {
  crossValidationError,
  regretBound,
  reportCrossValidationScores,
  stagnation,
  staticError,
  terminator,
} from './terminator.js'

interface Figures {
  readonly terminator: readonly {
    readonly name: string
    readonly direction: Direction
    readonly trials: readonly RecordedTrial[]
    readonly at: Readonly<Record<string, { bounds: readonly number[]; stagnation: number; error?: number }>>
  }[]
  readonly hypervolume: {
    readonly trials: readonly RecordedTrial[]
    readonly reference: readonly number[]
    readonly values: readonly number[]
    readonly front: readonly number[]
  }
}
const figures = JSON.parse(readFileSync(new URL('./figures/optuna_insight.json', import.meta.url), 'utf8')) as Figures

test('hypervolumes and the front are those of Optuna', () => {
  const { trials, reference, values, front } = figures.hypervolume
  const view = {
    name: 'two',
    directions: ['minimize', 'maximize'] as const,
    trials: frozenTrials(trials),
    systemAttrs: {},
  }
  const got = hypervolumeHistory(view, { reference }).points.map(p => p.value)
  expect(got).toHaveLength(values.length)
  for (const [i, value] of values.entries()) expect(got[i]! / value || 1).toBeCloseTo(1, 9)
  expect(paretoFront(view).trials.flatMap(t => (t.best ? [t.number] : []))).toEqual(front)
})

describe.each(figures.terminator.map(study => [study.name, study] as const))('terminator on %s', (_, study) => {
  const trials = frozenTrials(study.trials)
  test.each(Object.entries(study.at))('after %s trials', (count, { bounds, stagnation: left, error }) => {
    const some = trials.slice(0, Number(count))
    const got = regretBound()(some, study.direction)
    // The space is searched at random points, and the process fitted from another start.
    const [low, high] = [Math.min(...bounds), Math.max(...bounds)]
    expect(got).toBeGreaterThan(low - 0.05 * high)
    expect(got).toBeLessThan(1.05 * high)
    expect(stagnation()(some, study.direction)).toBe(left)
    if (error !== undefined) expect(crossValidationError()(some, study.direction)).toBeCloseTo(error, 12)
  })
})

describe('the terminator in a study', () => {
  test('ends it when nothing new comes, as patient as it is told to be', async () => {
    const study = await createStudy({ sampler: random({ seed: 1 }) })
    const callbacks = [terminator({ improvement: stagnation({ trials: 5 }), error: staticError(0), minTrials: 3 })]
    // Trial 0 is the best: 5 more without a better one are allowed, the sixth ends it.
    await study.optimize(trial => trial.number, { trials: 50, callbacks })
    expect((await study.trials()).length).toBe(7)
  })
  test('ends it when the bound falls below the error of cross-validation', async () => {
    const study = await createStudy({ sampler: random({ seed: 1 }) })
    await study.optimize(
      trial => {
        const x = trial.suggestFloat('x', 0, 1)
        reportCrossValidationScores(trial, [x - 9, x + 9])
        return x
      },
      { trials: 30, callbacks: [terminator({ minTrials: 8 })] },
    )
    expect((await study.trials()).length).toBe(8)
  })
  test('tells that scores are missing, and refuses several objectives', async () => {
    const study = await createStudy()
    const callbacks = [terminator({ minTrials: 2 })]
    const run = study.optimize(trial => trial.suggestFloat('x', 0, 1), { trials: 5, callbacks })
    await expect(run).rejects.toMatchObject({ code: 'no-cross-validation-scores' })
    const two = await createStudy({ directions: ['minimize', 'minimize'] })
    await expect(two.optimize(() => [1, 2], { trials: 5, callbacks })).rejects.toMatchObject({
      code: 'several-objectives',
    })
    expect(() => terminator({ minTrials: 0 })).toThrow(expect.objectContaining({ code: 'bad-option' }))
    const trial = await study.ask()
    expect(() => reportCrossValidationScores(trial, [1])).toThrow(
      expect.objectContaining({ code: 'cross-validation-scores' }),
    )
  })
})
