import { describe, expect, test } from 'vitest'
import { fromArrays } from '../data/index.js'
import {
  type Callback,
  callbacks,
  input,
  layers,
  model,
  optimizers,
  sequential,
  type TrainEvent,
  tensor,
} from '../index.js'
import { counterRandom } from '../ir/index.js'
import { expectClose, type Figure, figureTensor, readFigures } from '../testing/figures.js'

const random = counterRandom(11)
const n = 50
const xs = Float32Array.from({ length: n * 4 }, (_, i) => random.normal(i))
const labels = Int32Array.from({ length: n }, (_, i) => (xs[i * 4]! > 0.3 ? 2 : xs[i * 4 + 1]! > 0 ? 1 : 0))
const x = tensor(xs, [n, 4])
const y = tensor(labels, [n])
const classifier = (options: { dropout?: boolean; seed?: number } = {}) => {
  const net = sequential(
    [
      layers.dense({ units: 8, activation: 'relu', inputShape: [4] }),
      ...(options.dropout ? [layers.dropout({ rate: 0.5 })] : []),
      layers.dense({ units: 3, activation: 'softmax' }),
    ],
    { seed: options.seed ?? 1 },
  )
  net.compile({
    optimizer: optimizers.adam({ learningRate: 0.01 }),
    loss: 'sparseCategoricalCrossentropy',
    metrics: ['accuracy'],
  })
  return net
}
const quiet = { verbose: 0 } as const

describe('training is that of Keras', () => {
  // Made by ../nn/figures/keras.py: five epochs of batches of 6, 6 and 4 with L2, activity penalty and sample weights.
  const { mlp } = readFigures<{
    mlp: {
      x: Figure
      y: number[]
      sampleWeight: Figure
      before: Record<string, Figure>
      after: Record<string, Figure>
      loss: number[]
      accuracy: number[]
      evaluate: number[]
    }
  }>(new URL('../nn/figures/keras.json', import.meta.url))
  const asTensors = (figures: Record<string, Figure>) =>
    Object.fromEntries(Object.entries(figures).map(([path, figure]) => [path, figureTensor(figure)]))

  test('losses, accuracies and weights of the same model from the same weights', async () => {
    const net = sequential([
      layers.dense({
        units: 6,
        activation: 'relu',
        inputShape: [4],
        kernelRegularizer: { type: 'l2', l2: 0.02 },
        activityRegularizer: { type: 'l1', l1: 0.001 },
      }),
      layers.dense({ units: 3, activation: 'softmax', kernelRegularizer: { type: 'l2', l2: 0.02 } }),
    ])
    net.setWeights(asTensors(mlp.before))
    net.compile({
      optimizer: optimizers.adam({ learningRate: 0.01 }),
      loss: 'sparseCategoricalCrossentropy',
      metrics: ['accuracy'],
    })
    const targets = tensor(Int32Array.from(mlp.y), [16])
    const { history } = await net.fit(figureTensor(mlp.x), targets, {
      epochs: 5,
      batchSize: 6,
      shuffle: false,
      sampleWeight: figureTensor(mlp.sampleWeight),
      ...quiet,
    })
    history.loss!.forEach((loss, i) => {
      expectClose(loss, mlp.loss[i]!, { tolerance: 1e-5 })
    })
    history.accuracy!.forEach((accuracy, i) => {
      expectClose(accuracy, mlp.accuracy[i]!, { tolerance: 1e-6 })
    })
    const after = await net.weights()
    for (const [path, figure] of Object.entries(mlp.after))
      expectClose(after[path]!, figure, { tolerance: 2e-5, what: path })
    const logs = await net.evaluate(figureTensor(mlp.x), targets, { batchSize: 6 })
    expectClose(logs.loss!, mlp.evaluate[0]!, { tolerance: 1e-5 })
    expectClose(logs.accuracy!, mlp.evaluate[1]!, { tolerance: 1e-6 })
  })
})

describe('fit', () => {
  test('learns, and takes the last short batch', async () => {
    const net = classifier()
    const sizes: number[] = []
    const { history, epoch, reason } = await net.fit(x, y, {
      epochs: 30,
      batchSize: 16,
      callbacks: { onEvent: e => void (e.type === 'batchEnd' && e.epoch === 0 && sizes.push(e.examples)) },
      ...quiet,
    })
    expect(sizes).toEqual([16, 32, 48, 50])
    expect(net.step).toBe(30 * 4)
    expect([epoch.length, reason]).toEqual([30, 'completed'])
    expect(history.loss![29]!).toBeLessThan(history.loss![0]! / 2)
    expect(history.accuracy![29]!).toBeGreaterThan(0.85)
  })

  test('gives bit-identical weights for the same seed, other ones for another seed or order', async () => {
    const run = async (seed: number, options: object = {}) => {
      const net = classifier({ dropout: true, seed })
      if (seed !== 1) net.setWeights(await classifier({ dropout: true }).weights())
      await net.fit(x, y, { epochs: 3, batchSize: 8, ...quiet, ...options })
      return net.weights()
    }
    const first = await run(1)
    expect(await run(1)).toEqual(first)
    expect(await run(2)).not.toEqual(first)
    expect(await run(1, { shuffle: false })).not.toEqual(first)
  })

  test('goes on where it stopped: 2 + 3 epochs are 5', async () => {
    const whole = classifier({ dropout: true })
    await whole.fit(x, y, { epochs: 5, batchSize: 16, ...quiet })
    const parts = classifier({ dropout: true })
    await parts.fit(x, y, { epochs: 2, batchSize: 16, ...quiet })
    const { epoch } = await parts.fit(x, y, { epochs: 5, initialEpoch: 2, batchSize: 16, ...quiet })
    expect(epoch).toEqual([2, 3, 4])
    expect(await parts.weights()).toEqual(await whole.weights())
  })

  test('draws another dropout mask at each step and layer', async () => {
    const net = sequential([
      layers.dropout({ rate: 0.5, inputShape: [64] }),
      layers.dense({ units: 1, kernelInitializer: 'ones' }),
    ])
    net.compile({ loss: (_, p) => p, optimizer: optimizers.sgd({ learningRate: 0 }) })
    const ones = tensor(new Float32Array(64).fill(1), [1, 64])
    const sums: number[] = []
    for (let i = 0; i < 6; i++) sums.push((await net.trainOnBatch(ones, [0])).loss!)
    expect(new Set(sums).size).toBeGreaterThan(2)
    expect((await net.evaluate(ones, [0])).loss).toBe(64)
  })

  test('keeps the last examples for validation, unshuffled and untrained', async () => {
    const net = classifier()
    const held = await classifier().evaluate(tensor(xs.slice(40 * 4), [10, 4]), tensor(labels.slice(40), [10]))
    net.compile({ ...net.compiled.options, optimizer: optimizers.sgd({ learningRate: 0 }) })
    const { history } = await net.fit(x, y, { validationSplit: 0.2, batchSize: 7, ...quiet })
    expect(net.step).toBe(Math.ceil(40 / 7))
    expectClose(history.val_loss![0]!, held.loss!, { tolerance: 1e-6 })
    expect(history.val_accuracy![0]).toBeCloseTo(held.accuracy!)
  })

  test('takes validation data as a source, a pair or a triple with weights', async () => {
    const half = tensor(
      Float32Array.from({ length: n }, (_, i) => (i < 25 ? 2 : 0)),
      [n],
    )
    const logs = async (validationData: never) => {
      const net = classifier()
      net.compile({ ...net.compiled.options, optimizer: optimizers.sgd({ learningRate: 0 }) })
      return (await net.fit(x, y, { validationData, ...quiet })).history.val_loss![0]!
    }
    const plain = (await classifier().evaluate(x, y)).loss!
    const weighted = (await classifier().evaluate(x, y, { sampleWeight: half })).loss!
    for (const source of [[x, y], { x, y }, fromArrays({ x, y })])
      expectClose(await logs(source as never), plain, { tolerance: 1e-6 })
    for (const source of [[x, y, half], { x, y, sampleWeight: half }])
      expectClose(await logs(source as never), weighted, { tolerance: 1e-6 })
    expect(Math.abs(weighted - plain)).toBeGreaterThan(1e-3)
  })

  test('weights examples and classes, together by their product', async () => {
    const classWeight = { 0: 3, 2: 0.5 }
    const sampleWeight = Float32Array.from({ length: n }, (_, i) => 1 + (i % 3))
    const both = sampleWeight.map((w, i) => w * (classWeight[labels[i] as 0 | 2] ?? 1))
    const run = async (options: object, targets = y) => {
      const net = classifier()
      if (targets !== y) net.compile({ ...net.compiled.options, loss: 'categoricalCrossentropy' })
      return (await net.fit(x, targets, { batchSize: n, shuffle: false, ...quiet, ...options })).history.loss![0]!
    }
    const wanted = (await classifier().evaluate(x, y, { sampleWeight: both, batchSize: n })).loss!
    expectClose(await run({ sampleWeight, classWeight }), wanted, { tolerance: 1e-6 })
    expectClose(await run({ sampleWeight: both }), wanted, { tolerance: 1e-6 })
    expectClose(await run({ sampleWeight: tensor(both, [n, 1]) }), wanted, { tolerance: 1e-6 })
    const hot = tensor(
      Float32Array.from({ length: n * 3 }, (_, i) => (labels[Math.floor(i / 3)] === i % 3 ? 1 : 0)),
      [n, 3],
    )
    expectClose(await run({ sampleWeight, classWeight }, hot), wanted, { tolerance: 1e-6 })
  })

  test('trains on data sets as on arrays', async () => {
    const [a, b, c] = [classifier(), classifier(), classifier()]
    const options = { epochs: 2, batchSize: 16, shuffle: false, ...quiet }
    await a.fit(x, y, options)
    await b.fit(fromArrays({ x, y }), options)
    await c.fit(
      fromArrays({ x, y })
        .map(example => example)
        .batch(16),
      options,
    )
    for (const net of [b, c]) expect(await net.weights()).toEqual(await a.weights())
    const logs = await a.evaluate(fromArrays({ x, y }))
    expect(logs).toEqual(await a.evaluate(x, y))
  })

  test('shuffles a data set anew in each epoch, the same way for the same seed', async () => {
    const run = async (seed: number) => {
      const net = classifier({ seed })
      await net.fit(fromArrays({ x, y }), { epochs: 2, batchSize: 16, ...quiet })
      return net.weights()
    }
    expect(await run(1)).toEqual(await run(1))
    const unshuffled = classifier()
    await unshuffled.fit(fromArrays({ x, y }), { epochs: 2, batchSize: 16, shuffle: false, ...quiet })
    expect(await unshuffled.weights()).not.toEqual(await run(1))
  })

  test('trains several inputs and outputs by name', async () => {
    const [a, b] = [input({ shape: [2], name: 'a' }), input({ shape: [2], name: 'b' })]
    const joined = layers.concatenate().apply([a, b])
    const net = model({
      inputs: [a, b],
      outputs: [
        layers.dense({ units: 3, activation: 'softmax', name: 'kind' }).apply(joined),
        layers.dense({ units: 1, name: 'size' }).apply(joined),
      ],
    })
    net.compile({
      optimizer: optimizers.sgd({ learningRate: 0 }),
      loss: { kind: 'sparseCategoricalCrossentropy', size: 'mse' },
      lossWeights: { size: 0.5 },
      metrics: { kind: ['accuracy'], size: ['mae'] },
    })
    const data = {
      a: tensor(
        Float32Array.from({ length: n * 2 }, (_, i) => xs[i]!),
        [n, 2],
      ),
      b: tensor(
        Float32Array.from({ length: n * 2 }, (_, i) => xs[n * 2 + i]!),
        [n, 2],
      ),
    }
    const targets = { kind: y, size: tensor(Float32Array.from(labels), [n]) }
    const { history } = await net.fit(data, targets, { ...quiet, batchSize: 20 })
    expect(Object.keys(history).sort()).toEqual(['kind_accuracy', 'kind_loss', 'loss', 'size_loss', 'size_mae'])
    expectClose(history.loss![0]!, history.kind_loss![0]! + 0.5 * history.size_loss![0]!, { tolerance: 1e-6 })
    expect((await net.evaluate(data, targets)).kind_loss).toBeCloseTo(history.kind_loss![0]!, 5)
    const out = await net.predict(data)
    expect([out.kind!.shape, out.size!.shape]).toEqual([
      [n, 3],
      [n, 1],
    ])
  })

  test('trainOnBatch is one update: the loss before it, the weights after it', async () => {
    const net = classifier()
    const before = (await net.evaluate(x, y, { batchSize: n })).loss!
    const logs = await net.trainOnBatch(x, y)
    expectClose(logs.loss!, before, { tolerance: 1e-6 })
    expect(Object.keys(logs)).toEqual(['loss', 'accuracy'])
    expect(net.step).toBe(1)
    const whole = classifier()
    await whole.fit(x, y, { batchSize: n, shuffle: false, ...quiet })
    expect(await net.weights()).toEqual(await whole.weights())
  })

  test('layers that are not trainable stay as they are', async () => {
    const net = sequential([
      layers.dense({ units: 4, inputShape: [4], trainable: false }),
      layers.dense({ units: 3, activation: 'softmax' }),
    ])
    net.compile({ loss: 'sparseCategoricalCrossentropy', optimizer: 'adam' })
    const before = await net.weights()
    await net.fit(x, y, quiet)
    const after = await net.weights()
    expect(after['dense/kernel']).toEqual(before['dense/kernel'])
    expect(after['dense_1/kernel']).not.toEqual(before['dense_1/kernel'])
    expect(Object.keys(await net.slots()).some(name => name.includes('/dense/'))).toBe(false)
  })

  test('compiling again drops the slots of the optimizer before and keeps the weights', async () => {
    const net = classifier()
    await net.fit(x, y, quiet)
    const weights = await net.weights()
    net.compile({ ...net.compiled.options, optimizer: optimizers.adam({ learningRate: 0.01 }) })
    expect(await net.weights()).toEqual(weights)
    for (const t of Object.values(await net.slots()))
      expect(Array.from(t.data as Float32Array).every(v => v === 0)).toBe(true)
  })
})

describe('the stream of events', () => {
  test('tells everything in order, and callbacks hear it in the order given', async () => {
    const heard: string[] = []
    const listener = (name: string): Callback => ({
      onTrainBegin: () => void heard.push(`${name} trainBegin`),
      onEpochBegin: epoch => void heard.push(`${name} epochBegin ${epoch}`),
      onBatchEnd: batch => void heard.push(`${name} batchEnd ${batch}`),
      onEpochEnd: async epoch => void heard.push(`${name} epochEnd ${epoch}`),
      onTrainEnd: () => void heard.push(`${name} trainEnd`),
    })
    const events: TrainEvent[] = []
    const options = {
      epochs: 2,
      batchSize: 25,
      validationSplit: 0.5,
      callbacks: [listener('a'), listener('b')],
      ...quiet,
    }
    for await (const event of classifier().train({ x, y }, options)) {
      events.push(event)
      // Callbacks have run by the time an event arrives.
      expect(heard.at(-1)).toContain(event.type)
    }
    const order = [
      'trainBegin',
      'epochBegin 0',
      'batchEnd 0',
      'epochEnd 0',
      'epochBegin 1',
      'batchEnd 0',
      'epochEnd 1',
      'trainEnd',
    ]
    expect(heard).toEqual(order.flatMap(what => [`a ${what}`, `b ${what}`]))
    expect(events[0]).toEqual({ type: 'trainBegin', epochs: 2, stepsPerEpoch: 1 })
    expect(events.at(-1)).toMatchObject({ type: 'trainEnd', reason: 'completed', epochs: 2 })
    const end = events.find(event => event.type === 'epochEnd')!
    expect(Object.keys((end as { logs: object }).logs)).toEqual(['loss', 'accuracy', 'val_loss', 'val_accuracy'])
  })

  test('the error of a callback ends training and reaches the caller', async () => {
    const failing: Callback = { onBatchEnd: () => Promise.reject(new RangeError('mine')) }
    await expect(classifier().fit(x, y, { callbacks: failing, ...quiet })).rejects.toThrow('mine')
  })

  test('stopTraining ends after the batch and keeps what was learned', async () => {
    const net = classifier()
    const { reason, epoch } = await net.fit(x, y, {
      epochs: 5,
      batchSize: 10,
      callbacks: { onBatchEnd: (batch, _, it) => void (it.stopTraining = net.epoch === 1 && batch === 1) },
      ...quiet,
    })
    expect([reason, epoch, net.step]).toEqual(['stopped', [0, 1], 7])
    await net.fit(x, y, quiet)
    expect(net.step).toBe(9)
  })

  test('an AbortSignal ends after the batch and keeps what was learned', async () => {
    const abort = new AbortController()
    const net = classifier()
    const ended: string[] = []
    const { reason } = await net.fit(x, y, {
      epochs: 5,
      batchSize: 10,
      signal: abort.signal,
      callbacks: { onBatchEnd: batch => void (batch === 2 && abort.abort()), onTrainEnd: () => void ended.push('end') },
      ...quiet,
    })
    expect([reason, net.step, ended]).toEqual(['aborted', 3, ['end']])
    const short = classifier()
    await short.fit(x, y, {
      batchSize: 10,
      callbacks: { onBatchEnd: (batch, _, it) => void (it.stopTraining = batch === 2) },
      ...quiet,
    })
    expect(await net.weights()).toEqual(await short.weights())
    const before = await classifier().weights()
    const never = classifier()
    expect((await never.fit(x, y, { signal: AbortSignal.abort(), ...quiet })).reason).toBe('aborted')
    expect(await never.weights()).toEqual(before)
  })

  test('an iteration that is left early leaves no listener behind', async () => {
    const before = process.listenerCount('SIGINT')
    for await (const event of classifier().train({ x, y }, quiet)) if (event.type === 'batchEnd') break
    expect(process.listenerCount('SIGINT')).toBe(before)
  })
})

describe('early stopping', () => {
  /** Plays given values as the monitored quantity; the weights tell the epochs apart. */
  const play = async (values: number[], options: object, monitor = 'val_loss') => {
    const net = classifier()
    const stopper = callbacks.earlyStopping({ monitor, ...options })
    const seen: Record<string, { data: ArrayLike<unknown> }>[] = []
    const script: Callback = {
      onEpochEnd: async (epoch, logs, it) => {
        logs[monitor] = values[epoch]!
        seen.push(await it.weights())
      },
    }
    const { epoch } = await net.fit(x, y, { epochs: values.length, callbacks: [script, stopper], ...quiet })
    const last = await net.weights()
    const kept = seen.findIndex(w => String(w['dense/kernel']!.data) === String(last['dense/kernel']!.data))
    return { ran: epoch.length, kept, stopped: stopper.stoppedEpoch(), best: stopper.bestEpoch() }
  }

  // What Keras 3's EarlyStopping does with these values.
  test.each<[string, number[], object, object]>([
    ['waits patience epochs', [5, 4, 4.5, 4.6, 1], { patience: 2 }, { ran: 4, kept: 3, stopped: 3, best: 1 }],
    ['restores the best', [5, 4, 4.5, 4.6, 1], { patience: 2, restoreBestWeights: true }, { ran: 4, kept: 1, best: 1 }],
    [
      'restores at a full run too',
      [5, 4, 4.5],
      { patience: 9, restoreBestWeights: true },
      { ran: 3, kept: 1, stopped: null },
    ],
    [
      'counts small changes as none',
      [5, 4.95, 4.9, 1],
      { patience: 2, minDelta: 0.2 },
      { ran: 3, stopped: 2, best: 0 },
    ],
    ['takes the sign of minDelta off', [5, 4.95, 4.9, 1], { patience: 2, minDelta: -0.2 }, { ran: 3, stopped: 2 }],
    [
      'watches from an epoch on',
      [1, 2, 3, 2, 2.5],
      { patience: 1, startFromEpoch: 2 },
      { ran: 5, stopped: 4, best: 3 },
    ],
    ['wants the baseline', [5, 4, 3], { patience: 2, baseline: 1 }, { ran: 3, stopped: null, best: 2 }],
    ['goes up when told', [1, 2, 1.5, 3], { patience: 1, mode: 'max' }, { ran: 3, stopped: 2, best: 1 }],
    ['stops at the first worse one', [3, 4, 1], {}, { ran: 2, stopped: 1, best: 0 }],
    ['does not take NaN for better', [3, Number.NaN, Number.NaN, 1], { patience: 2 }, { ran: 3, stopped: 2, best: 0 }],
  ])('%s', async (_, values, options, wanted) => {
    expect(await play(values, options)).toMatchObject(wanted)
  })

  test('knows that accuracies go up', async () => {
    expect(await play([0.1, 0.5, 0.4, 0.9], { patience: 1 }, 'val_accuracy')).toMatchObject({ ran: 3, best: 1 })
  })

  test('refuses what is not in the logs and unknown options', async () => {
    await expect(classifier().fit(x, y, { callbacks: callbacks.earlyStopping(), ...quiet })).rejects.toMatchObject({
      code: 'unknown-monitor',
    })
    expect(() => callbacks.earlyStopping({ patince: 3 } as object)).toThrow(/patience/)
  })
})

describe('numbers that are not finite end training with their place', () => {
  test('in the data: the input and the example', async () => {
    const bad = tensor(xs.slice(), [n, 4])
    bad.data[13 * 4 + 2] = Number.NaN
    const net = classifier()
    const before = await net.weights()
    await expect(net.fit(bad, y, { batchSize: n, shuffle: false, ...quiet })).rejects.toMatchObject({
      name: 'NumericError',
      where: expect.stringMatching(/epoch 1, batch 0.*input.*example 13/),
    })
    expect(await net.weights()).toEqual(before)
    expect(net.step).toBe(0)
  })

  test('in the targets and the weights of examples', async () => {
    const net = sequential([layers.dense({ units: 1, inputShape: [4] })])
    net.compile({ loss: 'mse' })
    const targets = new Float32Array(n)
    const weights = new Float32Array(n).fill(1)
    targets[3] = Number.POSITIVE_INFINITY
    weights[4] = Number.NaN
    const options = { batchSize: n, shuffle: false, ...quiet }
    await expect(net.fit(x, targets, options)).rejects.toMatchObject({
      where: expect.stringMatching(/target.*example 3/),
    })
    await expect(net.fit(x, new Float32Array(n), { ...options, sampleWeight: weights })).rejects.toMatchObject({
      where: expect.stringMatching(/sample_weight.*example 4/),
    })
  })

  test('from a learning rate that is too high: the first tensor that overflowed', async () => {
    const net = sequential([layers.dense({ units: 1, inputShape: [4] })])
    net.compile({ loss: 'mse', optimizer: optimizers.sgd({ learningRate: 1e12 }) })
    await expect(net.fit(x, Float32Array.from(labels), { epochs: 50, ...quiet })).rejects.toMatchObject({
      name: 'NumericError',
      where: expect.stringMatching(/dense|loss/),
      hint: expect.stringMatching(/learning rate/),
    })
    for (const t of Object.values(await net.weights()))
      expect(Array.from(t.data as Float32Array).every(Number.isFinite)).toBe(true)
  })
})

describe('fit refuses', () => {
  const fitting = (options: object, targets: unknown = y, data: unknown = x) =>
    classifier().fit(data as typeof x, targets as typeof y, { ...quiet, ...options })
  test.each<[string, () => Promise<unknown>, object]>([
    ['unknown options', () => fitting({ batchsize: 3 }), { name: 'ConfigError', code: 'unknown-option' }],
    [
      'several bad options at once',
      () => fitting({ epochs: 0, batchSize: 1.5 }),
      { name: 'ConfigError', code: 'bad-options' },
    ],
    ['a whole split', () => fitting({ validationSplit: 1 }), { name: 'ConfigError' }],
    ['a split that leaves nothing', () => fitting({ validationSplit: 0.99 }), { name: 'DataError' }],
    [
      'a split of a stream',
      () => classifier().fit(fromArrays({ x, y }), { validationSplit: 0.2, ...quiet }),
      { name: 'ConfigError' },
    ],
    ['bad class weights', () => fitting({ classWeight: { 0: -1 } }), { name: 'ConfigError' }],
    [
      'labels out of range',
      () =>
        fitting(
          {},
          labels.map(v => v + 1),
        ),
      { name: 'DataError', code: 'label-out-of-range' },
    ],
    [
      'negative labels',
      () =>
        fitting(
          {},
          labels.map(v => v - 1),
        ),
      { name: 'DataError' },
    ],
    [
      'labels that are not whole',
      () =>
        fitting(
          {},
          Float32Array.from(labels, v => v / 3),
        ),
      { name: 'DataError' },
    ],
    ['fewer targets than examples', () => fitting({}, labels.slice(1)), { name: 'ShapeError', code: 'example-count' }],
    ['sample weights of another number', () => fitting({ sampleWeight: new Float32Array(3) }), { name: 'ShapeError' }],
    [
      'sample weights of another shape',
      () => fitting({ sampleWeight: tensor(new Float32Array(n * 2), [n, 2]) }),
      { name: 'ShapeError' },
    ],
    ['inputs of another width', () => fitting({}, y, tensor(xs, [40, 5])), { name: 'ShapeError', code: 'input-shape' }],
    ['inputs of another rank', () => fitting({}, y, xs), { name: 'ShapeError', code: 'input-shape' }],
    ['inputs of another name', () => fitting({}, y, { pixels: x }), { name: 'DataError', code: 'unknown-data' }],
    [
      'no examples',
      () => fitting({}, new Float32Array(0), tensor(new Float32Array(0), [0, 4])),
      { name: 'DataError', code: 'empty-dataset' },
    ],
    [
      'an empty data set',
      () =>
        classifier().fit(
          fromArrays({ x, y }).filter(() => false),
          quiet,
        ),
      { name: 'DataError' },
    ],
    ['no targets', () => classifier().fit({ x }, quiet), { name: 'DataError', code: 'missing-data' }],
    [
      'ragged rows',
      () =>
        fitting(
          {},
          [0, 1],
          [
            [1, 2, 3, 4],
            [1, 2],
          ],
        ),
      { name: expect.stringMatching(/ShapeError|DataError/) },
    ],
    [
      'no compile',
      () => sequential([layers.dense({ units: 1, inputShape: [4] })]).fit(x, y, quiet),
      { name: 'ConfigError', code: 'not-compiled' },
    ],
    [
      'no input shape',
      async () => sequential([layers.dense({ units: 1 })]).compile({ loss: 'mse' }),
      { name: 'ConfigError', code: 'no-input-shape' },
    ],
    ['a batch size of 0 in evaluate', () => classifier().evaluate(x, y, { batchSize: 0 }), { name: 'ConfigError' }],
    ['a batch size of 0 in predict', () => classifier().predict(x, { batchSize: 0 }), { name: 'ConfigError' }],
    ['unknown options of evaluate', () => classifier().evaluate(x, y, { batch: 3 } as object), { name: 'ConfigError' }],
  ])('%s', async (_, run, error) => {
    await expect(run()).rejects.toMatchObject(error)
  })

  test('compile refuses unknown options, outputs and weights of losses', () => {
    const net = () => sequential([layers.dense({ units: 1, inputShape: [4] })])
    expect(() => net().compile({ loss: 'mse', metric: ['mae'] } as never)).toThrow(/unknown-option.*metrics/i)
    expect(() => net().compile({ loss: { other: 'mse' } })).toThrow(/unknown-output/)
    expect(() => net().compile({ loss: 'mse', lossWeights: { other: 1 } })).toThrow(/lossWeights.other/)
    expect(() => net().compile({} as never)).toThrow(/missing-option/)
  })
})
