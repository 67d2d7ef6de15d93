import { expect, test } from 'vitest'
import { counterRandom, tensor } from '../ir/index.js'
import * as layers from '../nn/layers/index.js'
import * as optimizers from '../optim/index.js'
import { type Model, sequential } from '../train/index.js'
import { categoricalDistribution, contains, floatDistribution, intDistribution, toInternal } from './distribution.js'
import { explore } from './explore.js'
import { createStudy, float, int, populationBasedTraining, samplers, space } from './index.js'

const examples = 60
const random = counterRandom(8)
const x = tensor(
  Float32Array.from({ length: 2 * examples }, (_, i) => random.normal(i)),
  [examples, 2],
)
const y = tensor(
  Float32Array.from({ length: examples }, (_, i) => Number(x.data[2 * i]) * 2 - Number(x.data[2 * i + 1])),
  [examples, 1],
)
const data = { x, y }
const make = (lr: number, units = 4): Model => {
  const model = sequential([layers.dense({ units, activation: 'tanh', inputShape: [2] }), layers.dense({ units: 1 })])
  model.compile({ optimizer: optimizers.adam({ learningRate: lr }), loss: 'mse' })
  return model
}
const rates = space({ lr: float(1e-5, 1, { log: true }) })
const options = {
  population: 5,
  turns: 3,
  epochsPerTurn: 2,
  seed: 1,
  fit: { batchSize: 16 },
} as const
const sampler = () => samplers.random({ seed: 4 })

test('the worst of a population go on from copies of the best, with parameters a step away', async () => {
  const { study, best, population, programs } = await populationBasedTraining(({ lr }) => make(lr), data, rates, {
    ...options,
    sampler: sampler(),
    resampleProbability: 0,
  })
  const trials = await study.trials()
  expect(trials).toHaveLength(15)
  for (let turn = 1; turn < 3; turn++) {
    const before = trials.slice(5 * turn - 5, 5 * turn)
    const now = trials.slice(5 * turn, 5 * turn + 5)
    const values = before.map(trial => trial.values![0]!)
    const [top, bottom] = [values.indexOf(Math.min(...values)), values.indexOf(Math.max(...values))]
    for (const [member, trial] of now.entries()) {
      const from = before[member === bottom ? top : member]!
      expect(trial.userAttrs).toEqual({ member, turn, parent: from.number })
      const ratio = Number(trial.params.lr) / Number(from.params.lr)
      const steps = member === bottom ? [0.8, 1.2, 1 / Number(from.params.lr)] : [1]
      expect(steps.some(step => Math.abs(ratio - step) < 1e-9)).toBe(true)
      expect([...trial.intermediateValues.keys()]).toEqual([2 * turn, 2 * turn + 1])
    }
  }
  expect(population).toHaveLength(5)
  expect(best.value).toBe(Math.min(...trials.slice(10).map(trial => trial.values![0]!)))
  expect(best.lineage).toHaveLength(3)
  expect(best.model.epoch).toBe(6)
  expect(trials[best.lineage[2]!]!.params).toEqual(best.params)
  expect(programs.compiled).toBeLessThanOrEqual(3)
})

test('a copy takes weights and optimizer with it: with the same parameters it learns what the original would', async () => {
  // One good member and one that learns nothing: the second becomes the first.
  const study = await createStudy({ sampler: sampler() })
  for (const lr of [0.05, 1e-5]) await study.enqueueTrial({ lr })
  const { population } = await populationBasedTraining(({ lr }) => make(lr), data, rates, {
    study,
    population: 2,
    turns: 2,
    factors: [1],
    resampleProbability: 0,
    fit: { batchSize: 48, shuffle: false },
  })
  const [a, b] = population
  expect(a!.params).toEqual(b!.params)
  expect(await a!.model.weights()).toEqual(await b!.model.weights())
  expect(await a!.model.slots()).toEqual(await b!.model.slots())
})

test('goes the same way twice, and also with several at a time', async () => {
  const values = async (concurrency: number) => {
    const { study } = await populationBasedTraining(({ lr }) => make(lr), data, rates, {
      ...options,
      turns: 2,
      sampler: sampler(),
      concurrency,
    })
    return (await study.trials()).map(trial => trial.values)
  }
  expect(await values(3)).toEqual(await values(1))
})

test('a member that diverges is replaced', async () => {
  const study = await createStudy({ sampler: sampler() })
  for (const lr of [0.01, 1e38, 0.02]) await study.enqueueTrial({ lr })
  const { population } = await populationBasedTraining(({ lr }) => make(lr), data, rates, {
    study,
    population: 3,
    turns: 2,
    quantile: 0,
  })
  const trials = await study.trials()
  expect(trials.map(trial => trial.state)).toEqual(['COMPLETE', 'FAIL', 'COMPLETE', 'COMPLETE', 'COMPLETE', 'COMPLETE'])
  expect(population).toHaveLength(3)
})

test('an abort ends it with what the turns before gave', async () => {
  const abort = new AbortController()
  const { best, study, population } = await populationBasedTraining(({ lr }) => make(lr), data, rates, {
    ...options,
    sampler: sampler(),
    signal: abort.signal,
    fitCallbacks: ({ trial }) => ({ onTrainBatchEnd: () => void (trial.number === 7 && abort.abort()) }),
  })
  const states = (await study.trials()).map(trial => trial.state)
  expect(states.filter(state => state === 'COMPLETE')).toHaveLength(7)
  expect(states).not.toContain('RUNNING')
  expect(population).toHaveLength(5)
  const held = {
    x: tensor(x.data.slice(96) as Float32Array, [12, 2]),
    y: tensor(y.data.slice(48) as Float32Array, [12, 1]),
  }
  expect((await best.model.evaluate(held)).loss).toBeCloseTo(best.value, 5)
})

test('parameters that change the architecture are refused, as are options that make no sense', async () => {
  const units = populationBasedTraining(({ units }) => make(0.01, units), data, space({ units: int(2, 64) }), {
    ...options,
    sampler: sampler(),
  })
  await expect(units).rejects.toMatchObject({ code: 'population-architecture' })
  for (const bad of [{ population: 1 }, { quantile: 0.7 }, { factors: [] }, { fit: { epochs: 3 } }, { pruner: null }])
    await expect(
      populationBasedTraining(({ lr }) => make(lr), data, rates, { ...options, ...(bad as object) }),
    ).rejects.toMatchObject({ name: 'ConfigError', where: expect.stringContaining('populationBasedTraining') })
})

test('exploring stays in the range and on the grid', () => {
  const distributions = {
    rate: floatDistribution(1e-4, 1, { log: true }),
    grid: floatDistribution(0, 1, { step: 0.25 }),
    units: intDistribution(1, 9),
    kind: categoricalDistribution(['a', 'b']),
  }
  const start = { rate: 0.9, grid: 0.5, units: 2, kind: 'a' }
  const seen = new Set<string>()
  for (let turn = 0; turn < 60; turn++) {
    const rules = { seed: 3, turn, member: 0, resampleProbability: turn % 2 === 0 ? 0 : 0.5, factors: [0.8, 1.2] }
    const next = explore(start, distributions, rules)
    expect(explore(start, distributions, rules)).toEqual(next)
    for (const [name, d] of Object.entries(distributions))
      expect(contains(d, toInternal(d, next[name]!)), name).toBe(true)
    if (turn % 2 === 0) {
      expect([0.9 * 0.8, 1]).toContain(next.rate)
      expect([1, 3]).toContain(next.units)
      expect([0.25, 0.75]).toContain(next.grid)
      expect(next.kind).toBe('a')
    }
    seen.add(`${next.kind}`)
  }
  expect(seen).toEqual(new Set(['a', 'b']))
})
