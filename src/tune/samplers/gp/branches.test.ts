import { describe, expect, test } from 'vitest'
import { createStudy } from '../../create.js'
import type { Trial } from '../../trial.js'
import { random } from '../random.js'
import { branchesOf, within } from './branches.js'
import { gp } from './index.js'

/** Two kinds of models; the one has a number of layers with units each, the other a kernel that has a degree or not. */
const nested = (trial: Trial): number => {
  const rate = trial.suggestFloat('rate', 1e-4, 1, { log: true })
  trial.suggestInt('only', 3, 3)
  if (trial.suggestCategorical('kind', ['net', 'kernel']) === 'net') {
    const layers = trial.suggestInt('layers', 1, 3)
    let loss = Math.abs(layers - 2)
    for (let i = 0; i < layers; i++)
      loss += Math.abs(Math.log2(trial.suggestInt(`units${i}`, 4, 256, { log: true })) - 5)
    return loss + Math.abs(Math.log10(rate) + 2)
  }
  const degree = trial.suggestCategorical('kernel', ['rbf', 'poly']) === 'poly' ? trial.suggestInt('degree', 1, 9) : 0
  return 2 + Math.abs(degree - 4) + Math.abs(Math.log10(rate) + 1)
}
const studied = async (objective: (trial: Trial) => number, trials: number) => {
  const study = await createStudy({ sampler: random({ seed: 2 }) })
  await study.optimize(objective, { trials })
  return study.trials()
}

describe('which parameters there are', () => {
  test('is told by the values of others, over several levels', async () => {
    const trials = await studied(nested, 60)
    const { space, parents } = branchesOf(trials)
    expect(new Set(Object.keys(space))).toEqual(
      new Set(['rate', 'kind', 'layers', 'units0', 'units1', 'units2', 'kernel', 'degree']),
    )
    const deciding = Object.fromEntries([...parents].map(([name, parent]) => [name, parent.name]))
    expect(deciding).toMatchObject({
      layers: 'kind',
      kernel: 'kind',
      units1: 'layers',
      units2: 'layers',
      degree: 'kernel',
    })
    for (const { internalParams: values } of trials)
      for (const [name, parent] of parents) {
        const value = values[parent.name]
        expect(value !== undefined && parent.has(value)).toBe(name in values)
      }
    const order = Object.keys(space)
    for (const [name, parent] of parents) expect(order.indexOf(parent.name)).toBeLessThan(order.indexOf(name))
  })

  test('of a value that was never seen, is that of the nearest number; no choice decides on what it was never seen with', async () => {
    const trials = await studied(trial => {
      const n = trial.suggestInt('n', 0, 10)
      const kind = trial.suggestCategorical('kind', ['a', 'b', 'c'])
      return (n > 4 ? trial.suggestFloat('many', 0, 1) : 0) + (kind === 'b' ? trial.suggestFloat('b', 0, 1) : 0)
    }, 40)
    const some = trials.filter(t => ![4, 5, 9].includes(t.internalParams.n!) && t.params.kind !== 'c')
    const { parents } = branchesOf(some)
    expect([0, 1, 9, 10].map(n => parents.get('many')!.has(n))).toEqual([false, false, true, true])
    expect([0, 1, 2].map(choice => parents.get('b')!.has(choice))).toEqual([false, true, false])
  })

  test('leaves out what nothing explains, and ranges that change', async () => {
    const { space } = branchesOf(
      await studied(trial => {
        const x = trial.suggestFloat('x', 0, 1)
        trial.suggestInt('n', 1, trial.number < 20 ? 4 : 5)
        return x > 0.5 ? trial.suggestFloat('above', 0, 1) : trial.suggestFloat('below', 0, 1)
      }, 40),
    )
    expect(Object.keys(space)).toEqual(['x'])
  })

  test('goes with a parent: what it decides on is left out with it', async () => {
    const branches = branchesOf(await studied(nested, 60))
    const { kind: _, ...wanted } = branches.space
    const left = within(branches, wanted)
    expect(Object.keys(left.space)).toEqual(['rate'])
    expect(left.parents.size).toBe(0)
  })
})

test('a conditional space is searched as a whole: parameters fit each other', async () => {
  const study = await createStudy({ sampler: gp({ seed: 1 }) })
  await study.optimize(nested, { trials: 60 })
  const { kind, layers } = await study.bestParams()
  expect([kind, layers]).toEqual(['net', 2])
  // Random search comes to about 1.3.
  expect(await study.bestValue()).toBeLessThan(0.5)
})

test('trials of a conditional space that run side by side spread, and constraints and several objectives are met', async () => {
  const study = await createStudy({ directions: ['minimize', 'minimize'], sampler: gp({ seed: 3 }) })
  await study.optimize(
    trial => {
      const value = nested(trial)
      trial.setConstraint('small', value - 8)
      return [value, trial.params.rate as number]
    },
    { trials: 24, concurrency: 3 },
  )
  expect((await study.bestTrials()).length).toBeGreaterThan(1)
  expect(new Set((await study.trials()).map(t => JSON.stringify(t.params))).size).toBe(24)
})
