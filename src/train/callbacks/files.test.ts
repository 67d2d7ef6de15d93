import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { callbacks, layers, loadModel, sequential, type TrainEvent, tensor } from '../../index.js'
import * as optimizers from '../../optim/index.js'
import type { Callback } from '../callback.js'

const folder = mkdtempSync(join(tmpdir(), 'files-'))
afterAll(() => rmSync(folder, { recursive: true }))
let folders = 0
const fresh = (): string => {
  const path = join(folder, `${folders++}`)
  mkdirSync(path)
  return path
}

const x = tensor(
  Float32Array.from({ length: 24 }, (_, i) => Math.sin(i)),
  [12, 2],
)
const y = tensor(
  Float32Array.from({ length: 12 }, (_, i) => Math.cos(i)),
  [12, 1],
)
const network = () => {
  const net = sequential([layers.dense({ units: 1, inputShape: [2] })])
  net.compile({ optimizer: optimizers.sgd({ learningRate: 0.1 }), loss: 'mse' })
  return net
}
const quiet = { epochs: 4, batchSize: 4, validationSplit: 0.25, verbose: 0 } as const
const values = (name: string, list: number[]): Callback => ({
  onEpochEnd: (epoch, logs) => {
    logs[name] = list[epoch]!
  },
})

describe('a model checkpoint', () => {
  test('holds a model that predicts as it did then, and tells of it', async () => {
    const at = fresh()
    const net = network()
    const seen: unknown[] = []
    const watcher: Callback = { onEpochEnd: async (_e, _l, model) => void seen.push(await model.predict(x)) }
    const saved: string[] = []
    const saver = callbacks.modelCheckpoint(join(at, 'e{epoch:02d}.onnx'))
    for await (const event of net.train(
      { x, y },
      { ...quiet, callbacks: [watcher, saver] },
    ) as AsyncIterable<TrainEvent>)
      if (event.type === 'saved') saved.push(event.path)
    expect(readdirSync(at).sort()).toEqual(['e01.onnx', 'e02.onnx', 'e03.onnx', 'e04.onnx'])
    expect(saved).toEqual(
      readdirSync(at)
        .sort()
        .map(name => join(at, name)),
    )
    expect(await (await loadModel(join(at, 'e02.onnx'))).predict(x)).toEqual(seen[1])
  })

  test('keeps the best under one name, or weights alone, or the last few, or every n-th', async () => {
    const at = fresh()
    const best = callbacks.modelCheckpoint(join(at, 'best.safetensors'), {
      saveBestOnly: true,
      saveWeightsOnly: true,
      monitor: 'score',
    })
    const last = callbacks.modelCheckpoint(join(at, 'last{epoch}.safetensors'), { saveWeightsOnly: true, keepLast: 2 })
    const every = callbacks.modelCheckpoint(join(at, 'every{epoch}.safetensors'), {
      saveWeightsOnly: true,
      saveFreq: { epochs: 3 },
    })
    const kept: Record<string, unknown>[] = []
    const watcher: Callback = { onEpochEnd: async (_e, _l, model) => void kept.push(await model.weights()) }
    const net = network()
    await net.fit(x, y, { ...quiet, callbacks: [values('score', [3, 1, 2, 4]), watcher, best, last, every] })
    expect(readdirSync(at).sort()).toEqual([
      'best.safetensors',
      'every3.safetensors',
      'last3.safetensors',
      'last4.safetensors',
    ])
    await net.loadWeights(join(at, 'best.safetensors'))
    expect(await net.weights()).toEqual(kept[1])
  })

  test('an unknown monitor, field or format, a folder in its place: typed errors that list what exists', async () => {
    const at = fresh()
    const train = (callback: Callback) => network().fit(x, y, { ...quiet, callbacks: callback })
    await expect(train(callbacks.modelCheckpoint(join(at, '{los:.2f}.onnx')))).rejects.toMatchObject({
      code: 'unknown-field',
      expected: expect.stringContaining('val_loss'),
      received: '{los:.2f}',
    })
    await expect(
      train(callbacks.modelCheckpoint(join(at, 'a.onnx'), { saveBestOnly: true, monitor: 'acc' })),
    ).rejects.toMatchObject({ code: 'unknown-monitor', expected: 'one of loss, val_loss' })
    await expect(
      train(callbacks.modelCheckpoint(join(at, 'a.onnx'), { saveBestOnly: true, saveFreq: 1 })),
    ).rejects.toMatchObject({ code: 'unknown-monitor', expected: 'one of loss' })
    mkdirSync(join(at, 'folder'))
    await expect(train(callbacks.modelCheckpoint(join(at, 'folder')))).rejects.toMatchObject({ name: 'DataError' })
    expect(() => callbacks.modelCheckpoint('{epoch:2x}')).toThrow(/bad-format/)
    expect(() => callbacks.modelCheckpoint('a', { saveFreq: 0, keepLast: 0, mode: 'up' } as object)).toThrow(
      /bad-options/,
    )
    expect(readdirSync(at)).toEqual(['folder'])
  })
})

describe('logs in files', () => {
  test('JSON lines hold every epoch, at once', async () => {
    const path = join(fresh(), 'deep', 'history.jsonl')
    const lines: number[] = []
    const watcher: Callback = { onEpochEnd: () => void lines.push(readFileSync(path, 'utf8').split('\n').length - 1) }
    const { history } = await network().fit(x, y, { ...quiet, callbacks: [callbacks.jsonlLogger(path), watcher] })
    expect(lines).toEqual([1, 2, 3, 4])
    const rows = readFileSync(path, 'utf8')
      .trim()
      .split('\n')
      .map(line => JSON.parse(line))
    expect(rows.map(row => row.epoch)).toEqual([0, 1, 2, 3])
    expect(rows.map(row => row.val_loss)).toEqual(history.val_loss)
  })

  test('begin anew or are added to; numbers that are not finite keep their name', async () => {
    const path = join(fresh(), 'history.jsonl')
    writeFileSync(path, '{"epoch":7}\n')
    const one = { ...quiet, epochs: 1 }
    const broken = values('x', [Number.NaN])
    await network().fit(x, y, { ...one, callbacks: [broken, callbacks.jsonlLogger(path, { append: true })] })
    expect(readFileSync(path, 'utf8')).toMatch(/^{"epoch":7}\n{"epoch":0,.*"x":"NaN"}\n$/)
    await network().fit(x, y, { ...one, callbacks: callbacks.jsonlLogger(path) })
    expect(readFileSync(path, 'utf8')).toMatch(/^{"epoch":0,[^}]*}\n$/)
  })

  test('a place that cannot be written to is a DataError', async () => {
    const at = fresh()
    for (const logger of [callbacks.csvLogger(at), callbacks.jsonlLogger(at)])
      await expect(network().fit(x, y, { ...quiet, callbacks: logger })).rejects.toMatchObject({
        name: 'DataError',
        code: 'unwritable-file',
      })
    expect(() => callbacks.csvLogger('a', { separator: '::' })).toThrow(/separator/)
  })
})

describe('learning rates', () => {
  test('a plateau scales the rest of a schedule', async () => {
    const net = network()
    net.compile({ ...net.compiled.options, optimizer: optimizers.sgd({ learningRate: step => 1 / (10 + step) }) })
    const rates: number[] = []
    const watcher: Callback = { onTrainBatchBegin: (_b, _l, model) => void rates.push(model.learningRate) }
    const plateau = callbacks.reduceLROnPlateau({ monitor: 'x', patience: 1, factor: 0.5 })
    await net.fit(x, y, { ...quiet, callbacks: [watcher, values('x', [1, 1, 1, 1]), plateau] })
    const scale = [1, 1, 1, 1, 1, 1, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25]
    rates.forEach((rate, step) => {
      expect(rate).toBeCloseTo(scale[step]! / (10 + step), 12)
    })
    expect(rates.length).toBe(12)
  })

  test('a scheduler that gives no rate is an error', async () => {
    for (const bad of [() => Number.NaN, () => -1, () => '1', () => undefined])
      await expect(
        network().fit(x, y, { ...quiet, callbacks: callbacks.learningRateScheduler(bad as () => number) }),
      ).rejects.toMatchObject({ name: 'ConfigError', code: 'learning-rate' })
    expect(() => callbacks.learningRateScheduler(3 as never)).toThrow(/function/)
    expect(() => callbacks.reduceLROnPlateau({ factor: 1 })).toThrow(/factor/)
  })
})
