import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { counterRandom, tensor } from '../ir/index.js'
import * as layers from '../nn/layers/index.js'
import * as optimizers from '../optim/index.js'
import { type Callback, loadModel, type Model, sequential } from '../train/index.js'
import {
  categorical,
  createStudy,
  float,
  int,
  pruners,
  pruningCallback,
  samplers,
  space,
  type Trial,
  TrialPruned,
  tuneModel,
} from './index.js'
import { memoryStorage } from './storage/memory.js'

// Two moons of sorts: points inside and outside a circle.
const examples = 120
const random = counterRandom(5)
const x = tensor(
  Float32Array.from({ length: 2 * examples }, (_, i) => 2 * random.uniform(i) - 1),
  [examples, 2],
)
const y = tensor(
  Int32Array.from({ length: examples }, (_, i) =>
    Math.hypot(Number(x.data[2 * i]), Number(x.data[2 * i + 1])) < 0.75 ? 1 : 0,
  ),
  [examples],
)
const data = { x, y }

const make = (units: number, learningRate: number, seed = 0): Model => {
  const model = sequential(
    [
      layers.dense({ units, activation: 'tanh', inputShape: [2] }),
      layers.dropout({ rate: 0.1 }),
      layers.dense({ units: 2, activation: 'softmax' }),
    ],
    { seed },
  )
  const optimizer = optimizers.adam({ learningRate })
  model.compile({ optimizer, loss: 'sparseCategoricalCrossentropy', metrics: ['accuracy'] })
  return model
}
const rates = space({ lr: float(1e-4, 1e-1, { log: true }) })
const fit = { epochs: 3, batchSize: 32 } as const
const sampler = () => samplers.random({ seed: 1 })

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tune-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

test('finds the best trial, whose model has the value of its best epoch', async () => {
  const { study, best, front, programs } = await tuneModel(({ lr }) => make(8, lr), data, rates, {
    trials: 4,
    sampler: sampler(),
    fit,
  })
  const trials = await study.trials()
  expect(trials.map(trial => trial.state)).toEqual(['COMPLETE', 'COMPLETE', 'COMPLETE', 'COMPLETE'])
  expect(best.value).toBe(Math.min(...trials.map(trial => trial.values![0]!)))
  expect(best.params).toEqual(trials[best.number]!.params)
  expect(front).toEqual([best])
  // The last fifth of the data was for validation.
  const held = {
    x: tensor(x.data.slice(2 * 96) as Float32Array, [24, 2]),
    y: tensor(y.data.slice(96) as Int32Array, [24]),
  }
  const { loss } = await best.model.evaluate(held, { batchSize: 32 })
  expect(loss).toBeCloseTo(best.value, 5)
  for (const trial of trials) {
    const reported = [...trial.intermediateValues.values()]
    expect(reported).toHaveLength(3)
    expect(trial.values![0]).toBe(Math.min(...reported))
    expect(trial.userAttrs.epochs).toEqual([1 + reported.indexOf(trial.values![0]!)])
  }
  // Training and evaluation of one shape, and of the batch that is left over: once for all trials.
  expect(programs.compiled).toBeLessThanOrEqual(4)
  expect(programs.found).toBeGreaterThanOrEqual(3 * programs.compiled)
})

test('trials that share programs learn what they would have learned alone', async () => {
  const build = ({ lr }: { lr: number }, { seed }: { seed: number }) => make(8, lr, seed)
  const { best } = await tuneModel(build, data, rates, { trials: 3, sampler: sampler(), fit, epoch: 'last' })
  const { study, ...again } = await tuneModel(build, data, rates, { trials: 3, sampler: sampler(), fit, epoch: 'last' })
  expect(again.best.params).toEqual(best.params)
  const alone = make(8, best.params.lr, best.model.seed)
  await alone.fit(x, y, { ...fit, validationSplit: 0.2, verbose: 0 })
  expect(await alone.weights()).toEqual(await best.model.weights())
  expect(await again.best.model.weights()).toEqual(await best.model.weights())
  expect((await study.trials()).map(trial => trial.number)).toEqual([0, 1, 2])
})

test('trials that differ by strengths and rates compile once', async () => {
  const numbers = space({ l2: float(1e-5, 1e-2, { log: true }), rate: float(0.1, 0.5), momentum: float(0.1, 0.9) })
  const { programs, best, study } = await tuneModel(
    ({ l2, rate, momentum }, { seed }) => {
      const model = sequential(
        [
          layers.dense({ units: 4, activation: 'tanh', inputShape: [2], kernelRegularizer: { type: 'l2', l2 } }),
          layers.dropout({ rate }),
          layers.dense({ units: 2, activation: 'softmax' }),
        ],
        { seed },
      )
      const optimizer = optimizers.sgd({ learningRate: 0.1, momentum, weightDecay: l2 })
      model.compile({ optimizer, loss: 'sparseCategoricalCrossentropy' })
      return model
    },
    data,
    numbers,
    { trials: 4, sampler: sampler(), fit },
  )
  expect(programs).toEqual({ compiled: 2, found: 6 }) // a step and an evaluation of each
  expect(new Set((await study.trials()).map(trial => trial.values![0])).size).toBe(4)
  expect(best.params.l2).toBeGreaterThan(0)
})

test('a study in a storage goes on, and its best model is made again with the same seed', async () => {
  const storage = memoryStorage()
  const options = { storage, name: 'resumed', fit, out: join(folder, 'run') } as const
  const first = await tuneModel(({ lr }) => make(4, lr), data, rates, { ...options, sampler: sampler(), trials: 3 })
  const study = await createStudy({ storage, name: 'resumed', loadIfExists: true })
  await study.enqueueTrial({ lr: 1e-4 })
  const second = await tuneModel(({ lr }) => make(4, lr), data, rates, { ...options, loadIfExists: true, trials: 1 })
  expect(await second.study.trials()).toHaveLength(4)
  expect(second.best.number).toBe(first.best.number)
  expect(await second.best.model.weights()).toEqual(await first.best.model.weights())
  const saved = await loadModel(join(folder, 'run', 'model.onnx'))
  expect(await saved.weights()).toEqual(await first.best.model.weights())
  expect(JSON.parse(readFileSync(join(folder, 'run', 'best.json'), 'utf8'))).toMatchObject({
    number: first.best.number,
    params: first.best.params,
    values: [first.best.value],
    names: ['val_loss'],
  })
})

test('pruners end trainings at an epoch; accuracies are maximized', async () => {
  const late: pruners.Pruner = {
    name: 'late',
    prune: ({ trial }) => trial.number > 0 && trial.intermediateValues.size === 2,
  }
  const pruned = await tuneModel(({ lr }) => make(8, lr), data, rates, {
    trials: 3,
    sampler: sampler(),
    pruner: late,
    fit,
    monitor: 'val_accuracy',
  })
  expect(pruned.study.direction).toBe('maximize')
  expect((await pruned.study.trials()).map(trial => [trial.state, trial.intermediateValues.size])).toEqual([
    ['COMPLETE', 3],
    ['PRUNED', 2],
    ['PRUNED', 2],
  ])
  expect(pruned.best.number).toBe(0)
})

test('a cross-validation takes the mean over its folds and seeds, reports as it goes, and trains on all data at the end', async () => {
  const seen: { fold: number | null; repeat: number; seed: number }[] = []
  const { study, best } = await tuneModel(
    ({ units }, { fold, repeat, seed }) => {
      seen.push({ fold, repeat, seed })
      return { model: make(units, 0.03), fit: { epochs: 2 } }
    },
    data,
    space({ units: int(2, 6) }),
    { trials: 2, sampler: sampler(), fit: { batchSize: 30 }, folds: 3, repeats: 2 },
  )
  expect(seen.slice(0, 6).map(({ fold, repeat }) => [fold, repeat])).toEqual([
    [0, 0],
    [1, 0],
    [2, 0],
    [0, 1],
    [1, 1],
    [2, 1],
  ])
  expect(new Set(seen.slice(0, 6).map(({ seed }) => seed)).size).toBe(2)
  expect(seen.at(-1)).toMatchObject({ fold: null, repeat: 0, seed: best.model.seed })
  const trial = (await study.trials())[0]!
  expect([...trial.intermediateValues.keys()]).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11])
  const lengths = trial.userAttrs.epochs as number[]
  expect(lengths).toHaveLength(6)
  // What is reported last is the mean of five trainings and the current epoch of the sixth.
  if (lengths[5] === 2) expect(trial.intermediateValues.get(11)).toBeCloseTo(trial.values![0]!, 10)
  const counted = (await study.bestTrial()).userAttrs.epochs as number[]
  expect(best.model.epoch).toBe(Math.round(counted.reduce((sum, n) => sum + n, 0) / 6))
})

test('with the Wilcoxon pruner each fold is a report', async () => {
  const { study } = await tuneModel(({ lr }) => make(3, lr), data, rates, {
    trials: 2,
    sampler: sampler(),
    pruner: pruners.wilcoxon(),
    fit: { epochs: 1, batchSize: 40 },
    folds: 3,
  })
  const [first] = await study.trials()
  expect([...first!.intermediateValues.keys()]).toEqual([0, 1, 2])
  const values = [...first!.intermediateValues.values()]
  expect(first!.values![0]).toBeCloseTo((values[0]! + values[1]! + values[2]!) / 3, 12)
})

test('several monitors make several objectives, and the front its models', async () => {
  const { study, front, best } = await tuneModel(({ lr }) => make(6, lr), data, rates, {
    trials: 4,
    sampler: sampler(),
    pruner: pruners.median({ nStartupTrials: 3 }),
    fit,
    monitor: ['val_loss', 'val_accuracy'],
  })
  expect(study.directions).toEqual(['minimize', 'maximize'])
  expect((await study.trials())[0]!.systemAttrs['anneal:reports']).toMatchObject({
    0: [expect.any(Number), expect.any(Number)],
  })
  expect(front.length).toBeGreaterThan(0)
  expect(best).toBe(front[0])
  expect(front.map(one => one.number).sort()).toEqual((await study.bestTrials()).map(trial => trial.number).sort())
})

test('a training that diverges ends its trial as pruned; other errors end the search', async () => {
  const { study } = await tuneModel(
    ({ lr }) => make(4, lr),
    data,
    (trial: Trial) => ({
      lr: trial.suggestCategorical('lr', [0.01, Number.MAX_VALUE]),
    }),
    { trials: 2, sampler: samplers.random({ seed: 3 }), fit },
  )
  expect((await study.trials()).map(trial => trial.state).sort()).toEqual(['COMPLETE', 'PRUNED'])
  const failing = tuneModel(
    () => {
      throw new RangeError('no')
    },
    data,
    rates,
    { trials: 1 },
  )
  await expect(failing).rejects.toThrow('no')
})

test('an abort ends the search after the batch; an interrupted trial goes on from its checkpoint', async () => {
  const abort = new AbortController()
  const storage = memoryStorage()
  const out = join(folder, 'aborted')
  const stopper = (after: number): Callback => ({
    onEpochEnd: epoch => {
      if (epoch === after) abort.abort()
    },
  })
  const options = { storage, name: 'aborted', fit, out, checkpoints: true, epoch: 'last' } as const
  const build = ({ lr }: { lr: number }) => make(5, lr)
  const first = await tuneModel(build, data, rates, {
    ...options,
    sampler: sampler(),
    trials: 5,
    signal: abort.signal,
    fitCallbacks: ({ trial }) => (trial.number === 1 ? stopper(1) : []),
  })
  expect((await first.study.trials()).map(trial => trial.state)).toEqual(['COMPLETE', 'FAIL', 'WAITING'])
  expect(existsSync(join(out, 'checkpoints', '1-0'))).toBe(true)
  const epochs: number[] = []
  const second = await tuneModel(build, data, rates, {
    ...options,
    loadIfExists: true,
    trials: 1,
    fitCallbacks: ({ trial }) => (trial.number === 2 ? { onEpochEnd: epoch => void epochs.push(epoch) } : []),
  })
  expect(epochs).toEqual([2])
  const [, , resumed] = await second.study.trials()
  const whole = await tuneModel(build, data, rates, { fit, epoch: 'last', sampler: sampler(), trials: 2 })
  expect(resumed!.values).toEqual((await whole.study.trials())[1]!.values)
})

test('options that make no sense are refused by name', async () => {
  const build = ({ lr }: { lr: number }) => make(2, lr)
  const refused = (options: object) => tuneModel(build, data, rates, { trials: 1, ...options })
  for (const [options, where] of [
    [{ repeats: 0 }, 'tuneModel.repeats'],
    [{ folds: 1 }, 'tuneModel.folds'],
    [{ trails: 3 }, 'tuneModel.trails'],
    [{ checkpoints: true }, 'tuneModel.checkpoints'],
    [{ fit: { callbacks: [] } }, 'tuneModel.fit.callbacks'],
    [{ folds: 3, fit: { validationSplit: 0.1 } }, 'tuneModel.folds'],
    [{ monitor: [] }, 'tuneModel.monitor'],
    [{ monitor: 'val_los' }, 'tuneModel.monitor'],
    [{ study: await createStudy({ direction: 'maximize' }) }, 'tuneModel.monitor'],
  ] as const)
    await expect(refused(options), where).rejects.toMatchObject({
      name: 'ConfigError',
      where: expect.stringContaining(where),
    })
  await expect(tuneModel(() => sequential([]), data, rates, { trials: 1 })).rejects.toMatchObject({ code: 'no-model' })
})

test('pruningCallback reports epochs and ends fit with TrialPruned, after the other callbacks have ended', async () => {
  const study = await createStudy({
    pruner: { name: 'third', prune: ({ trial }) => trial.intermediateValues.size === 3 },
  })
  const trial = await study.ask()
  const model = make(trial.suggestCategorical('units', [4]), 0.01)
  let ended = 0
  const training = model.fit(x, y, {
    epochs: 9,
    verbose: 0,
    validationSplit: 0.2,
    callbacks: [{ onTrainEnd: () => void ended++ }, pruningCallback(trial, { monitor: 'val_accuracy' })],
  })
  await expect(training).rejects.toThrow(TrialPruned)
  expect(ended).toBe(1)
  expect([...(await study.trials())[0]!.intermediateValues.keys()]).toEqual([0, 1, 2])
})

test('categories, early stopping and several trials at a time', async () => {
  const { study, best } = await tuneModel(
    ({ kind }) => {
      const model = make(4, 0.02)
      model.compile({ optimizer: kind, loss: 'sparseCategoricalCrossentropy' })
      return model
    },
    data,
    space({ kind: categorical(['sgd', 'adam', 'rmsprop']) }),
    { trials: 3, concurrency: 2, fit: { epochs: 6, batchSize: 96 }, earlyStopping: { patience: 0, minDelta: 10 } },
  )
  expect(['sgd', 'adam', 'rmsprop']).toContain(best.params.kind)
  const trials = await study.trials()
  expect(new Set(trials.map(trial => trial.params.kind)).size).toBe(3)
  for (const trial of trials) expect(trial.intermediateValues.size).toBeLessThan(6)
})
