import { describe, expect, test } from 'vitest'
import { dataset, fromArrays, fromGenerator } from '../../data/index.js'
import {
  type Callback,
  callbacks,
  type FitOptions,
  type History,
  layers,
  type Model,
  optimizers,
  schedules,
  sequential,
  type TrainingSource,
  tensor,
} from '../../index.js'
import { counterRandom } from '../../ir/index.js'

const random = counterRandom(7)
const examples = 26
const x = tensor(
  Float32Array.from({ length: examples * 4 }, (_, i) => random.normal(i)),
  [examples, 4],
)
const y = tensor(
  Float32Array.from({ length: examples }, (_, i) => (Number(x.data[4 * i]) + random.normal(900 + i) > 0 ? 1 : 0)),
  [examples, 1],
)

interface Setup {
  optimizer?: () => Parameters<Model['compile']>[0]['optimizer']
  source?: () => TrainingSource
  options?: FitOptions
  callbacks?: () => Callback[]
}

/** Normalization has weights that are not trained, dropout draws at every step, the area under a curve keeps every row. */
function classifier({ optimizer }: Setup): Model {
  const net = sequential([
    layers.dense({ units: 6, activation: 'tanh', inputShape: [4] }),
    layers.batchNormalization(),
    layers.dropout({ rate: 0.3 }),
    layers.dense({ units: 1, activation: 'sigmoid' }),
  ])
  net.compile({
    optimizer: optimizer?.() ?? optimizers.adam({ learningRate: 0.02 }),
    loss: 'binaryCrossentropy',
    metrics: ['accuracy', 'auc'],
    weightedMetrics: ['mae'],
  })
  return net
}

const validation = [x, y] as const
const run = async (setup: Setup, more: Callback[]) => {
  const net = classifier(setup)
  const history = await net.fit(setup.source?.() ?? { x, y }, {
    epochs: 4,
    batchSize: 4,
    validationData: validation,
    verbose: 0,
    ...setup.options,
    callbacks: [...(setup.callbacks?.() ?? []), ...more],
  })
  return left(net, history)
}
const left = async (net: Model, history: History) => ({
  ...history,
  counters: [net.step, net.epoch, net.learningRate],
  weights: await net.weights(),
  slots: await net.slots(),
})

type Params = Parameters<NonNullable<Callback['setParams']>>[0]

/** Keeps a checkpoint of every batch and epoch. */
function recorder(): Callback & { kept: Uint8Array[] } {
  const kept: Uint8Array[] = []
  let at: Params['run']
  const keep = () => at!.afterwards(async () => void kept.push(await at!.checkpoint()))
  return {
    name: 'own',
    kept,
    setParams: params => {
      at = params.run
    },
    onTrainBatchEnd: keep,
    onEpochEnd: keep,
  }
}

function resumer(bytes: Uint8Array): Callback {
  let at: Params['run']
  return {
    name: 'own',
    setParams: params => {
      at = params.run
    },
    onTrainBegin: () => at!.afterwards(() => at!.resume(bytes, 'file')),
  }
}

const numbered = { x: x.data as Float32Array, y: y.data as Float32Array }
const generated = () =>
  fromGenerator(function* () {
    for (let i = 0; i < examples; i++)
      yield { x: tensor(numbered.x.slice(4 * i, 4 * i + 4)), y: tensor(numbered.y.slice(i, i + 1)) }
  })

const setups: Record<string, Setup> = {
  'arrays, shuffled': {},
  'arrays with weights of examples and classes': {
    options: { sampleWeight: numbered.x.slice(0, examples).map(Math.abs), classWeight: { 0: 2 } },
  },
  'a data set, shuffled as a whole': { source: () => fromArrays({ x, y }) },
  'a generator, shuffled through a buffer, batched and prefetched': {
    source: () => generated().shuffle({ buffer: 7, seed: 3 }).batch(4).prefetch(2),
  },
  'a stream that cannot say where it stands': {
    source: () => ({ batched: true, [Symbol.asyncIterator]: () => generated().batch(4)[Symbol.asyncIterator]() }),
  },
  'a schedule': {
    optimizer: () => optimizers.adamw({ learningRate: schedules.cosineDecay({ initial: 0.05, steps: 20 }) }),
  },
  'accumulated gradients with averages': {
    optimizer: () => optimizers.sgd({ momentum: 0.9, gradientAccumulationSteps: 3, useEma: true }),
  },
  lookahead: { optimizer: () => optimizers.lookahead(optimizers.rmsprop({ learningRate: 0.03 })) },
  'callbacks that remember': {
    callbacks: () => [
      callbacks.reduceLROnPlateau({ patience: 0, factor: 0.5, minDelta: 0.1 }),
      callbacks.earlyStopping({ patience: 1, minDelta: 0.01, restoreBestWeights: true }),
      callbacks.earlyStopping({ monitor: 'gap', patience: 2 }),
    ],
  },
  'a learning rate by epoch': { callbacks: () => [callbacks.learningRateScheduler((_, rate) => rate * 0.7)] },
  'the end in the middle of an epoch': {
    callbacks: () => [{ onTrainBatchEnd: (_b, _l, model) => void (model.stopTraining = model.step === 9) }],
  },
}

describe('a run that is resumed ends as one that was never interrupted, bit for bit', () => {
  test.each(Object.entries(setups))('%s', async (_, setup) => {
    const whole = await run(setup, [])
    const record = recorder()
    expect(await run(setup, [record]), 'taking checkpoints').toEqual(whole)
    const count = record.kept.length
    for (const at of new Set([0, 6, 7, 10, count - 1])) {
      const resumed = await run(setup, [resumer(record.kept[at]!)])
      expect(resumed, `from checkpoint ${at} of ${count}`).toEqual(whole)
    }
  })

  test('many times over, a batch at a time', async () => {
    const whole = await run({}, [])
    let bytes: Uint8Array | null = null
    let last: Awaited<ReturnType<typeof run>>
    let times = 0
    do {
      const abort = new AbortController()
      let params: Params
      const own: Callback = {
        name: 'own',
        setParams: given => {
          params = given
        },
        onTrainBegin: () => {
          const before = bytes
          if (before !== null) params.run!.afterwards(() => params.run!.resume(before, 'file'))
        },
        onTrainBatchEnd: () =>
          params.run!.afterwards(async () => {
            bytes = await params.run!.checkpoint()
            abort.abort()
          }),
      }
      last = await run({ options: { signal: abort.signal } }, [own])
      times++
    } while (last.reason === 'aborted')
    expect(last).toEqual(whole)
    expect(times).toBe(4 * 7 + 1)
  })

  test('sums that are far from finite, and callbacks that are new or gone, come back as they were', async () => {
    const strange: Callback = {
      name: 'strange',
      state: () => ({ data: { nothing: Number.NaN, below: -0, all: [Number.POSITIVE_INFINITY, null, 'a'] } }),
      restore: ({ data }) => {
        expect(data).toEqual({ nothing: Number.NaN, below: -0, all: [Number.POSITIVE_INFINITY, null, 'a'] })
      },
    }
    const record = recorder()
    const net = classifier({})
    await net.fit(x, y, { batchSize: 8, verbose: 0, callbacks: [strange, record] })
    const heard: string[] = []
    const listener: Callback = {
      onEvent: event => void (event.type === 'notice' && heard.push(event.text)),
    }
    const again = classifier({})
    const resume = resumer(record.kept[1]!)
    await again.fit(x, y, { batchSize: 8, verbose: 0, callbacks: [strange, resume, listener] })
    expect(heard).toEqual([])
    await classifier({}).fit(x, y, { batchSize: 8, verbose: 0, callbacks: [callbacks.history(), resume, listener] })
    expect(heard).toEqual([
      'file knows nothing of the callback history: it begins anew',
      'file has a state of the callback strange, which this run does not have',
    ])
  })
})

describe('a checkpoint of a run', () => {
  const checkpoint = async () => {
    const record = recorder()
    await run({}, [record])
    return record.kept[2]!
  }
  test('is refused where the order of data would be another, or the draws', async () => {
    const bytes = await checkpoint()
    for (const [what, options] of [
      ['batchSize', { batchSize: 5 }],
      ['shuffle', { shuffle: false }],
    ] as const)
      await expect(run({ options }, [resumer(bytes)])).rejects.toMatchObject({
        code: 'checkpoint-data',
        where: `file: ${what}`,
      })
    const fewer = { x: tensor(numbered.x.slice(4), [25, 4]), y: tensor(numbered.y.slice(1), [25, 1]) }
    await expect(run({ source: () => fewer }, [resumer(bytes)])).rejects.toMatchObject({ where: 'file: examples' })
    const other = sequential([layers.dense({ units: 1, inputShape: [4] })], { seed: 8 })
    other.compile({ loss: 'mse' })
    const before = await other.weights()
    await expect(other.fit(x, y, { verbose: 0, callbacks: resumer(bytes) })).rejects.toMatchObject({
      code: 'checkpoint-mismatch',
      where: 'file: seed',
    })
    expect(await other.weights()).toEqual(before)
    expect(other.step).toBe(0)
  })

  test('is of no other data set than that which gave the position', async () => {
    const setup = { source: () => generated().batch(4) }
    const record = recorder()
    await run(setup, [record])
    const other = { source: () => dataset(generated().repeat(2).take(examples)).batch(4) }
    await expect(run(other, [resumer(record.kept[1]!)])).rejects.toMatchObject({
      code: /foreign-position|checkpoint-data/,
    })
  })
})
