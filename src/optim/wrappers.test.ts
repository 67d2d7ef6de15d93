import { describe, expect, test } from 'vitest'
import { layers, loadModel, optimizers, sequential } from '../index.js'
import { tensor } from '../ir/index.js'
import * as ops from '../ops/index.js'
import { expectClose, readFigures } from '../testing/figures.js'
import { mixedObjective } from '../testing/objective.js'
import { testOptimizer } from '../testing/optimizer.js'
import { modelBytes } from '../train/save.js'
import { type Optimizer, optimizerFromConfig } from './index.js'
import { minimizer, type Objective, type Progress } from './minimizer.js'
import { optimizerToConfig } from './to-config.js'

const { start, objective } = mixedObjective(new URL('./figures/matrix.json', import.meta.url))

// Made by figures/wrappers.py.
interface Row {
  wrap: 'sam' | 'lookahead' | 'ema' | 'swa' | null
  inner: 'sgd' | 'adam'
  innerOptions: Record<string, unknown>
  options: { start?: number; frequency?: number }
  /** Whether averages follow the weights in each row. */
  averages?: boolean
  steps: Record<string, number[][]>
}
const { cases } = readFigures<{ cases: Row[] }>(new URL('./figures/wrappers.json', import.meta.url))
const paths = Object.keys(start)

describe('wrappers walk as in their references, 100 steps', () => {
  test.each(
    cases.map(row => [row.wrap ?? row.inner, row.wrap === null ? row.innerOptions : row.options, row] as const),
  )('%s %j', async (_name, _options, { wrap, inner, innerOptions, options, averages = false, steps }) => {
    const core = optimizers[inner](innerOptions)
    const optimizer = wrap === null ? core : optimizers[wrap](core, options)
    const at = await minimizer(optimizer, start, objective)
    let now: Progress = at.begin
    for (let step = 1; step <= 100; step++) {
      now = await at.next(now)
      // Until the first weights are taken PyTorch's average is what it was made with, ours the weights.
      const taken = (options.start ?? 0) + (options.frequency ?? 1)
      const kept = averages && step >= taken ? paths.map(path => now.slots[optimizer.average!(path)]!) : []
      const all = [...paths.map(path => now.parameters[path]!), ...kept]
      steps[step]?.slice(0, all.length).forEach((data, i) => {
        expectClose(all[i]!, { shape: all[i]!.shape, data }, { what: `step ${step}, ${i}` })
      })
    }
  })
})

describe('averages', () => {
  test('SWA follows the weights until it takes the first', async () => {
    const optimizer = optimizers.swa(optimizers.sgd({ learningRate: 0.05 }), { start: 2, frequency: 3 })
    const at = await minimizer(optimizer, start, objective)
    let now: Progress = at.begin
    for (let step = 1; step <= 5; step++) {
      now = await at.next(now)
      expect(now.slots[optimizer.average!('a')]!.data).toEqual(now.parameters.a!.data)
    }
    now = await at.next(now)
    expect(now.slots[optimizer.average!('a')]!.data).not.toEqual(now.parameters.a!.data)
  })

  test('lookahead counts updates, not batches, around accumulation', async () => {
    const sgd = optimizers.sgd({ learningRate: 0.05 })
    const plain = await minimizer(optimizers.lookahead(sgd, { syncPeriod: 2 }), start, objective)
    const around = optimizers.lookahead(optimizers.accumulate(sgd, { steps: 3 }), { syncPeriod: 2 })
    const accumulating = await minimizer(around, start, objective)
    let [now, slow]: [Progress, Progress] = [plain.begin, accumulating.begin]
    for (let i = 0; i < 4; i++) now = await plain.next(now)
    for (let i = 0; i < 12; i++) slow = await accumulating.next(slow)
    for (const path of paths)
      expectClose(slow.parameters[path]!, {
        shape: start[path]!.shape,
        data: [...(now.parameters[path]!.data as Float32Array)],
      })
  })
})

const rows = 64
const x = Array.from({ length: rows }, (_, i) =>
  Array.from({ length: 3 }, (_, j) => Math.sin(1.3 * i + 2.1 * j + i * j)),
)
const y = x.map(([a, b, c]) => [Math.tanh(a! * b!) + 0.5 * c!])
function network(optimizer: Optimizer, seed = 3) {
  const model = sequential(
    [layers.dense({ units: 8, activation: 'tanh', inputShape: [3] }), layers.dense({ units: 1 })],
    { seed },
  )
  model.compile({ loss: 'mse', optimizer })
  return model
}
const fit = { shuffle: false, verbose: 0 } as const
const weightsAfter = async (optimizer: Optimizer, batchSize: number, epochs = 3) => {
  const model = network(optimizer)
  await model.fit(x, y, { ...fit, batchSize, epochs })
  return model.weights()
}

describe('accumulation equals the large batch', () => {
  test.each<[string, (steps: number | null) => Optimizer]>([
    ['plain', steps => optimizers.sgd({ learningRate: 0.1, gradientAccumulationSteps: steps })],
    ['with momentum', steps => optimizers.sgd({ learningRate: 0.1, momentum: 0.9, gradientAccumulationSteps: steps })],
    ['with adam', steps => optimizers.adam({ learningRate: 0.01, gradientAccumulationSteps: steps })],
    [
      'with clipping and decay',
      steps =>
        optimizers.sgd({ learningRate: 0.1, globalClipnorm: 0.2, weightDecay: 0.1, gradientAccumulationSteps: steps }),
    ],
    [
      'as a wrapper',
      steps => {
        const inner = optimizers.rmsprop({ learningRate: 0.01 })
        return steps === null ? inner : optimizers.accumulate(inner, { steps })
      },
    ],
  ])('%s', async (_name, make) => {
    const large = await weightsAfter(make(null), 32)
    const small = await weightsAfter(make(4), 8)
    for (const [path, { data, shape }] of Object.entries(large))
      expectClose(small[path]!, { shape, data: [...(data as Float32Array)] }, { tolerance: 2e-6, what: path })
  })

  test('and waits for batches that are missing in the next call of fit', async () => {
    const model = network(optimizers.sgd({ learningRate: 0.1, gradientAccumulationSteps: 4 }))
    const before = await model.weights()
    await model.fit(x.slice(0, 24), y.slice(0, 24), { ...fit, batchSize: 8 })
    expect(await model.weights()).toEqual(before)
    await model.fit(x.slice(24, 32), y.slice(24, 32), { ...fit, batchSize: 8 })
    const whole = network(optimizers.sgd({ learningRate: 0.1 }))
    await whole.fit(x.slice(0, 32), y.slice(0, 32), { ...fit, batchSize: 32 })
    for (const [path, { data, shape }] of Object.entries(await whole.weights()))
      expectClose((await model.weights())[path]!, { shape, data: [...(data as Float32Array)] }, { tolerance: 2e-6 })
  })

  test('schedules count batches, or updates where asked', () => {
    const rates = (scheduleBy: 'batches' | 'updates') => {
      const { learningRate } = optimizers.accumulate(optimizers.sgd({ learningRate: step => step }), {
        steps: 2,
        scheduleBy,
      })
      return [0, 1, 2, 3, 4].map(learningRate as (step: number) => number)
    }
    expect(rates('batches')).toEqual([0, 1, 2, 3, 4])
    expect(rates('updates')).toEqual([0, 0, 1, 1, 2])
  })
})

const sgd = () => optimizers.sgd({ learningRate: 0.05, momentum: 0.5 })
const nested: [string, () => Optimizer][] = [
  ['sam', () => optimizers.sam(sgd())],
  ['lookahead in ema', () => optimizers.ema(optimizers.lookahead(sgd(), { syncPeriod: 3 }), { momentum: 0.8 })],
  ['sam in accumulation in swa', () => optimizers.swa(optimizers.accumulate(sgd(), { steps: 2 }), { start: 2 })],
  ['ema in accumulation', () => optimizers.accumulate(optimizers.ema(sgd()), { steps: 2 })],
  ['lookahead around sam', () => optimizers.lookahead(optimizers.sam(optimizers.adam({ learningRate: 0.05 })))],
]

describe('wrappers nest', () => {
  test.each(nested)('%s: made again from its config', (_name, make) => {
    const saved = JSON.parse(JSON.stringify(optimizerToConfig(make(), 0.1)))
    const again = optimizerFromConfig(saved)
    expect(optimizerToConfig(again, 0.1)).toEqual(saved)
    const infos = [{ path: 'w', shape: [2, 2] }]
    expect(again.slots(infos)).toEqual(make().slots(infos))
    for (let step = 0; step < 12; step++) expect(again.phase(step)).toBe(make().phase(step))
  })

  test.each(nested)('%s: a saved model goes on as if it had not stopped', async (_name, make) => {
    const straight = network(make())
    await straight.fit(x, y, { ...fit, batchSize: 16, epochs: 2 })
    const stopped = network(make())
    await stopped.fit(x, y, { ...fit, batchSize: 16, epochs: 1 })
    const resumed = await loadModel(await modelBytes(stopped))
    await resumed.fit(x, y, { ...fit, batchSize: 16, epochs: 1 })
    expect(await resumed.weights()).toEqual(await straight.weights())
    expect(await resumed.slots()).toEqual(await straight.slots())
    const losses = await Promise.all([network(make()), straight].map(model => model.evaluate(x, y)))
    expect(losses[1]!.loss!).toBeLessThan(losses[0]!.loss!)
  })

  test('the same one twice is refused, and so is what is no optimizer', () => {
    const infos = [{ path: 'w', shape: [2] }]
    const twice = [
      optimizers.ema(optimizers.ema(sgd())),
      optimizers.ema(optimizers.sgd({ useEma: true })),
      optimizers.lookahead(optimizers.swa(optimizers.lookahead(sgd()))),
      optimizers.accumulate(optimizers.accumulate(sgd(), { steps: 2 }), { steps: 2 }),
    ]
    for (const optimizer of twice)
      expect(() => optimizer.slots(infos)).toThrow(expect.objectContaining({ code: 'duplicate-wrapper' }))
    for (const wrap of [optimizers.ema, optimizers.swa, optimizers.lookahead, optimizers.sam] as const)
      for (const inner of [null, 'sgd', undefined, {}])
        expect(() => wrap(inner as unknown as Optimizer)).toThrow(
          expect.objectContaining({ name: 'ConfigError', code: 'not-an-optimizer' }),
        )
  })
})

describe('SAM', () => {
  test('sees the same dropout masks at both points', async () => {
    const build = (rate: number) => {
      const model = sequential(
        [
          layers.dense({ units: 16, activation: 'tanh', inputShape: [3] }),
          layers.dropout({ rate }),
          layers.dense({ units: 1 }),
        ],
        { seed: 1 },
      )
      // A neighbourhood without extent: the second gradient is the first, if the masks are the same.
      model.compile({ loss: 'mse', optimizer: optimizers.sam(optimizers.sgd({ learningRate: 0.1 }), { rho: 1e-12 }) })
      return model
    }
    const plain = build(0.5)
    await plain.fit(x, y, { ...fit, batchSize: 16 })
    const bare = build(0.5)
    bare.compile({ loss: 'mse', optimizer: optimizers.sgd({ learningRate: 0.1 }) })
    await bare.fit(x, y, { ...fit, batchSize: 16 })
    for (const [path, { data, shape }] of Object.entries(await bare.weights()))
      expectClose((await plain.weights())[path]!, { shape, data: [...(data as Float32Array)] }, { tolerance: 1e-6 })
  })

  test('stays where the gradient is zero', async () => {
    const flat: Objective = ({ a }) => ops.mul(ops.reduceSum(a!, { keepdims: 0 }), 0)
    const at = await minimizer(optimizers.sam(sgd()), { a: tensor(Float32Array.of(1, 2), [2]) }, flat)
    expect((await at.next(at.begin)).parameters.a!.data).toEqual(Float32Array.of(1, 2))
  })
})

testOptimizer(() => optimizers.sam(optimizers.sgd({ learningRate: 0.05 }), { adaptive: true, rho: 0.1 }))
testOptimizer(() => optimizers.lookahead(optimizers.sgd({ learningRate: 0.05 })))
testOptimizer(() => optimizers.ema(optimizers.adam({ learningRate: 0.05 })))
testOptimizer(() => optimizers.swa(optimizers.sgd({ learningRate: 0.05 }), { start: 3, frequency: 2 }))

describe('wrappers refuse', () => {
  test.each<[string, () => unknown]>([
    ['sam, rho 0', () => optimizers.sam(sgd(), { rho: 0 })],
    ['sam, adaptive "yes"', () => optimizers.sam(sgd(), { adaptive: 'yes' as unknown as boolean })],
    ['lookahead, slowStepSize 1.5', () => optimizers.lookahead(sgd(), { slowStepSize: 1.5 })],
    ['lookahead, syncPeriod 0', () => optimizers.lookahead(sgd(), { syncPeriod: 0 })],
    ['ema, momentum 2', () => optimizers.ema(sgd(), { momentum: 2 })],
    ['ema, an option that is none', () => optimizers.ema(sgd(), { decay: 0.9 } as object)],
    ['swa, frequency 0', () => optimizers.swa(sgd(), { frequency: 0 })],
    ['swa, start -1', () => optimizers.swa(sgd(), { start: -1 })],
    ['accumulate, steps 2.5', () => optimizers.accumulate(sgd(), { steps: 2.5 })],
    ['accumulate, scheduleBy', () => optimizers.accumulate(sgd(), { steps: 2, scheduleBy: 'epochs' as 'updates' })],
  ])('%s', (_name, make) => {
    expect(make).toThrow(expect.objectContaining({ name: 'ConfigError' }))
  })
})
