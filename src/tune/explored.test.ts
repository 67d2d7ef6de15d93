import { describe, expect, test } from 'vitest'
import { createStudy, samplers } from './index.js'

const key = (params: object) => JSON.stringify(Object.entries(params))

describe('no combination is proposed twice while others are left', () => {
  test('in a grid of choices, whole numbers and stepped numbers', async () => {
    const study = await createStudy({ sampler: samplers.random({ seed: 1 }) })
    await study.optimize(
      trial => {
        const a = trial.suggestCategorical('a', ['x', 'y', 'z'])
        const b = trial.suggestInt('b', 1, 4)
        return b + (a === 'x' ? 0 : 1) + trial.suggestFloat('c', 0, 0.3, { step: 0.1 })
      },
      { trials: 48 },
    )
    expect(new Set((await study.trials()).map(trial => key(trial.params))).size).toBe(48)
    await study.optimize(trial => trial.suggestCategorical('a', ['x', 'y', 'z']).length + trial.suggestInt('b', 1, 4), {
      trials: 2,
    })
    expect((await study.trials()).length).toBe(50)
  })

  test('in a space whose questions depend on answers, with trials side by side and failed ones', async () => {
    const study = await createStudy({ sampler: samplers.random({ seed: 2 }) })
    await study.optimize(
      async trial => {
        await new Promise(resolve => setTimeout(resolve, 1))
        if (trial.suggestCategorical('kind', ['tree', 'line']) === 'line') return 1
        if (trial.suggestInt('depth', 1, 5) === 3) throw new Error('no')
        return trial.suggestCategorical('rule', [true, false]) ? 0 : 2
      },
      { trials: 10, concurrency: 2, catch: true },
    )
    // line, four depths with two rules, and depth 3, which fails before it asks for a rule.
    expect(new Set((await study.trials()).map(trial => key(trial.params))).size).toBe(10)
  })

  test('a real number leaves everything open', async () => {
    const study = await createStudy({ sampler: samplers.random({ seed: 3 }) })
    await study.optimize(trial => trial.suggestFloat('x', 0, 1) + trial.suggestInt('n', 0, 1), { trials: 20 })
    expect((await study.trials()).every(trial => trial.state === 'COMPLETE')).toBe(true)
  })
})
