import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { callbacks, layers, sequential, tensor } from '../../index.js'
import { readFigures } from '../../testing/figures.js'
import type { Logs } from '../accumulate.js'
import { type Callback, hooks } from '../callback.js'
import type { Model } from '../model.js'
import { checkTemplate, fillTemplate } from './template.js'

// Made by ../figures/callbacks.py: what Keras's own callbacks do with the same logs.
interface Play {
  options: Record<string, unknown>
  values: number[]
}
const figures = readFigures<{
  earlyStopping: (Play & { ran: number; putBack: number | null; best: number })[]
  reduceLROnPlateau: (Play & { logged: number[]; rates: number[] })[]
  modelCheckpoint: {
    best: (Play & { saved: string[] })[]
    every: { saveFreq: number; batches: number[]; saved: string[] }[]
  }
  formats: [string, number, string][]
  csvLogger: { plain: string; semicolon: string }
  order: Record<'fit' | 'evaluate' | 'predict' | 'stopped', (string | number | string[])[][]>
}>(new URL('../figures/callbacks.json', import.meta.url))

const folder = mkdtempSync(join(tmpdir(), 'callbacks-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** As much of a model as these callbacks touch: its weights are the number of the epoch, saving is noted. */
class Stub {
  stopTraining = false
  learningRate = 0.5
  epoch = -1
  putBack: number | null = null
  saved: string[] = []
  readonly optimizer = { learningRate: 0.5 }
  get learningRateOverride() {
    return this.learningRate
  }
  weights = async () => ({ epoch: tensor([this.epoch]) })
  setWeights = (weights: { epoch: { data: ArrayLike<number> } }) => {
    this.putBack = weights.epoch.data[0]!
  }
  save = async (path: string) => {
    this.saved.push(path)
  }
  /** The stub has what these callbacks ask a model for. */
  asModel = (): Model => this as unknown as Model
}

async function play(callback: Callback, logs: readonly Logs[], after = (_logs: Logs, _stub: Stub) => {}) {
  const stub = new Stub()
  const model = stub.asModel()
  await callback.onTrainBegin?.({}, model)
  let ran = 0
  for (const [epoch, values] of logs.entries()) {
    stub.epoch = epoch
    await callback.onEpochBegin?.(epoch, {}, model)
    const own = { ...values }
    await callback.onEpochEnd?.(epoch, own, model)
    after(own, stub)
    ran++
    if (stub.stopTraining) break
  }
  await callback.onTrainEnd?.({}, model)
  return { stub, ran }
}
const lossLogs = (values: readonly number[]) => values.map(value => ({ val_loss: value }))

describe('as in Keras', () => {
  test('early stopping ends at the same epoch, with the weights of the same epoch', async () => {
    for (const { options, values, ran, putBack, best } of figures.earlyStopping) {
      const callback = callbacks.earlyStopping(options)
      const result = await play(callback, lossLogs(values))
      expect([result.ran, result.stub.putBack, callback.bestEpoch()], JSON.stringify([options, values])).toEqual([
        ran,
        putBack,
        best,
      ])
    }
  })

  test('reducing on a plateau gives the same learning rates, and puts them into the logs before', async () => {
    for (const { options, values, logged, rates } of figures.reduceLROnPlateau) {
      const seen: [number, number][] = []
      await play(callbacks.reduceLROnPlateau(options), lossLogs(values), (logs, stub) =>
        seen.push([logs.learning_rate!, stub.learningRate]),
      )
      seen.forEach(([inLogs, rate], i) => {
        expect(inLogs, JSON.stringify([options, i])).toBeCloseTo(logged[i]!, 6)
        expect(rate).toBeCloseTo(rates[i]!, 6)
      })
      expect(seen.length).toBe(rates.length)
    }
  })

  test('a model checkpoint saves after the same epochs and batches under the same names', async () => {
    for (const { options, values, saved } of figures.modelCheckpoint.best) {
      const callback = callbacks.modelCheckpoint('{epoch:03d}-{val_loss:.1f}.keras', options)
      expect((await play(callback, lossLogs(values))).stub.saved, JSON.stringify(options)).toEqual(saved)
    }
    for (const { saveFreq, batches, saved } of figures.modelCheckpoint.every) {
      const callback = callbacks.modelCheckpoint('{epoch}-{batch:02d}-{loss:.2e}.keras', { saveFreq, monitor: 'loss' })
      const stub = new Stub()
      for (const [epoch, count] of batches.entries()) {
        await callback.onEpochBegin?.(epoch, {}, stub.asModel())
        for (let batch = 0; batch < count; batch++)
          await callback.onTrainBatchEnd?.(batch, { loss: 1 / (batch + 3) }, stub.asModel())
        await callback.onEpochEnd?.(epoch, { loss: 1 }, stub.asModel())
      }
      expect(stub.saved).toEqual(saved)
    }
  })

  test('fields of a path are filled in as Python fills them in', () => {
    for (const [spec, value, text] of figures.formats) {
      const template = spec === '' ? '{x}' : `{x:${spec}}`
      checkTemplate(template, 'test')
      expect(fillTemplate(template, { x: value }, 'test'), `${template} of ${value}`).toBe(text)
    }
  })

  test('a CSV log has the same columns and lines, begun anew or added to', async () => {
    const rows: Logs[] = [
      { loss: 0.5, accuracy: 0.25 },
      { loss: 0.25, accuracy: 0.5, val_loss: 1.5 },
    ]
    const full: Logs[] = [{ loss: 0.5, val_loss: 0.75 }, { loss: 0.25 }]
    for (const [name, logs, options] of [
      ['plain', rows, {}],
      ['semicolon', full, { separator: ';' }],
    ] as const) {
      const path = join(folder, name)
      for (let i = 0; i < 2; i++) await play(callbacks.csvLogger(path, options), logs)
      await play(callbacks.csvLogger(path, { ...options, append: true }), logs)
      expect(readFileSync(path, 'utf8')).toBe(figures.csvLogger[name])
    }
  })

  test('hooks are called in the same order with the same logs', async () => {
    const heard: (string | number | string[])[][] = []
    const listener: Callback = Object.fromEntries(
      hooks
        .filter(hook => !/Event|Numeric|onBatch/.test(hook))
        .map(hook => [
          hook,
          (...given: unknown[]) => {
            const at = given.filter(value => typeof value === 'number')
            heard.push([hook, ...at, Object.keys(given[at.length] as object).sort()])
          },
        ]),
    )
    const take = () => heard.splice(0)
    const net = sequential([layers.dense({ units: 1, inputShape: [2] })])
    net.compile({ optimizer: 'sgd', loss: 'mse', metrics: ['mae'] })
    const x = tensor(new Float32Array(12), [6, 2])
    const y = tensor(new Float32Array(6), [6, 1])
    const quiet = { verbose: 0 } as const
    const rate = callbacks.learningRateScheduler(epoch => 0.5 / (1 + epoch))
    const some = [tensor(new Float32Array(6), [3, 2]), tensor(new Float32Array(3), [3, 1])] as const
    await net.fit(x, y, { batchSize: 4, epochs: 2, validationData: some, callbacks: [rate, listener], ...quiet })
    expect(take()).toEqual(figures.order.fit)
    await net.evaluate(x, y, { batchSize: 4, callbacks: listener })
    expect(take()).toEqual(figures.order.evaluate)
    await net.predict(x, { batchSize: 4, callbacks: listener })
    expect(take()).toEqual(figures.order.predict)
    const stop: Callback = { onTrainBatchEnd: (batch, _logs, model) => void (model.stopTraining = batch === 1) }
    await net.fit(x, y, { batchSize: 2, epochs: 3, callbacks: [stop, listener], ...quiet })
    expect(take()).toEqual(figures.order.stopped)
  })
})
