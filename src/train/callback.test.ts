import { describe, expect, test } from 'vitest'
import { type Callback, callbacks, layers, sequential, tensor } from '../index.js'

const x = tensor(
  Float32Array.from({ length: 20 }, (_, i) => Math.sin(i)),
  [10, 2],
)
const y = tensor(new Float32Array(10), [10, 1])
const network = () => {
  const net = sequential([layers.dense({ units: 1, inputShape: [2] })])
  net.compile({ optimizer: 'sgd', loss: 'mse' })
  return net
}
const quiet = { batchSize: 2, verbose: 0 } as const

describe('callbacks', () => {
  test('are told model and parameters before anything else', async () => {
    const heard: unknown[] = []
    const callback: Callback = {
      setModel: model => void heard.push(model.name),
      setParams: ({ epochs, steps, initialEpoch }) => void heard.push([epochs, steps, initialEpoch]),
      onTrainBegin: () => void heard.push('train'),
      onTestBegin: () => void heard.push('test'),
    }
    const net = network()
    await net.fit(x, y, { ...quiet, epochs: 2, initialEpoch: 1, callbacks: callback })
    await net.evaluate(x, y, { batchSize: 5, callbacks: [callback] })
    expect(heard).toEqual(['sequential', [2, 5, 1], 'train', 'sequential', [1, 2, 0], 'test'])
  })

  test('with the general name of a batch hook hear it unless they have the special one', async () => {
    const heard: string[] = []
    const general: Callback = {
      onBatchBegin: b => void heard.push(`begin ${b}`),
      onBatchEnd: b => void heard.push(`end ${b}`),
    }
    const both: Callback = { ...general, onTrainBatchBegin: () => {}, onTrainBatchEnd: () => {} }
    await network().fit(x, y, { ...quiet, batchSize: 5, callbacks: [general, both] })
    expect(heard).toEqual(['begin 0', 'end 0', 'begin 1', 'end 1'])
  })

  test('may be objects of classes, in nested lists, and asynchronous', async () => {
    class Counter implements Callback {
      count = 0
      async onEpochEnd() {
        await null
        this.count++
      }
    }
    const counter = new Counter()
    await network().fit(x, y, { ...quiet, epochs: 3, callbacks: [[counter]] as never })
    expect(counter.count).toBe(3)
  })

  test('hear the logs that those before them changed, and so does the history', async () => {
    const adds: Callback = { onEpochEnd: (epoch, logs) => void (logs.more = epoch) }
    const seen = callbacks.history()
    const { history, epoch } = await network().fit(x, y, { ...quiet, epochs: 2, callbacks: [adds, seen] })
    expect(history.more).toEqual([0, 1])
    expect([seen.history, seen.epoch]).toEqual([history, epoch])
  })

  test('end evaluation and prediction early', async () => {
    const net = network()
    let batches = 0
    await net.evaluate(x, y, {
      batchSize: 2,
      callbacks: {
        onTestBatchEnd: (b, _l, model) => {
          batches++
          model.stopEvaluating = b === 1
        },
      },
    })
    expect(batches).toBe(2)
    const out = await net.predict(x, {
      batchSize: 2,
      callbacks: {
        onPredictBatchEnd: (b, { outputs }, model) => void (model.stopPredicting = b === 2 && outputs !== null),
      },
    })
    expect(out.shape).toEqual([6, 1])
    expect((await net.predict(x)).shape).toEqual([10, 1])
  })

  test('that are none, or have hooks nothing calls, are errors', async () => {
    const train = (callback: unknown) => network().fit(x, y, { ...quiet, callbacks: callback as Callback })
    await expect(train(callbacks.earlyStopping)).rejects.toMatchObject({ code: 'bad-option', hint: /call it/ })
    await expect(train(3)).rejects.toMatchObject({ code: 'bad-option' })
    await expect(train([null])).rejects.toMatchObject({ code: 'bad-option' })
    await expect(train({ onEpochEnds: () => {} })).rejects.toMatchObject({ code: 'unknown-hook', hint: /onEpochEnd/ })
    class Python {
      on_epoch_end() {}
    }
    await expect(train(new Python())).rejects.toMatchObject({ code: 'unknown-hook', received: 'on_epoch_end' })
    await expect(network().evaluate(x, y, { callbacks: 3 as never })).rejects.toMatchObject({
      where: 'evaluate.callbacks',
    })
    await expect(network().predict(x, { callbacks: 3 as never })).rejects.toMatchObject({ where: 'predict.callbacks' })
    expect(() => callbacks.lambdaCallback({ onEpochend: () => {}, onTrainEnd: 3 } as object)).toThrow(/bad-options/)
  })
})

describe('one model', () => {
  test('is trained by one run at a time; the second is refused and changes nothing', async () => {
    const net = network()
    const first = net.fit(x, y, { ...quiet, epochs: 2 })
    await expect(net.fit(x, y, quiet)).rejects.toMatchObject({ name: 'ConfigError', code: 'already-training' })
    await first
    const alone = network()
    await alone.fit(x, y, { ...quiet, epochs: 2 })
    expect(await net.weights()).toEqual(await alone.weights())
    await expect(net.fit(x, y, quiet)).resolves.toMatchObject({ reason: 'completed' })
  })

  test('is free again after a run that failed or was left', async () => {
    const net = network()
    const failing: Callback = { onEpochBegin: () => Promise.reject(new RangeError('mine')) }
    await expect(net.fit(x, y, { ...quiet, callbacks: failing })).rejects.toThrow('mine')
    for await (const _ of net.train({ x, y }, quiet)) break
    await expect(net.fit(x, y, { ...quiet, epochs: 0 })).rejects.toMatchObject({ code: 'bad-option' })
    await expect(net.fit(x, y, quiet)).resolves.toMatchObject({ reason: 'completed' })
  })
})
