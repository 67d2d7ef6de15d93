import { describe, expect, test } from 'vitest'
import { drawDigits, fromTensors } from '../data/index.js'
import { layers, type Model, optimizers, sequential, tensor } from '../index.js'
import { counterRandom } from '../ir/index.js'
import * as ops from '../ops/index.js'
import { chartSvg } from '../report/index.js'
import { readFigures } from '../testing/figures.js'
import { type Suggestion, suggestRate } from './suggest-rate.js'

// Made by figures/lr-find.py.
type Curve = { rates: number[]; losses: number[] } & Record<Suggestion, number>
const curves = readFigures<Curve[]>(new URL('./figures/lr-find.json', import.meta.url))

describe('suggestions', () => {
  test.each(curves.map((curve, i) => [i, curve] as const))('are those of fastai on curve %i', (_, curve) => {
    for (const name of Object.keys(suggestRate) as Suggestion[])
      expect(suggestRate[name](curve.rates, curve.losses) / curve[name], name).toBeCloseTo(1, 7)
  })

  test('are rates of the curve (a tenth of one for the minimum), be it short, flat or rising', () => {
    for (const losses of [
      [1, 2],
      [2, 1],
      [1, 1, 1, 1],
      [1, 2, 3, 4, 5],
      [5, 4, 3],
      Array.from({ length: 40 }, (_, i) => -i),
    ]) {
      const rates = losses.map((_, i) => 10 ** (i - 5))
      for (const name of Object.keys(suggestRate) as Suggestion[]) {
        const rate = suggestRate[name](rates, losses)
        expect(rates, `${name} of ${losses}`).toContain(name === 'minimum' ? rates.find(r => r / 10 === rate) : rate)
      }
    }
  })
})

const count = 300
const { images, labels } = drawDigits(2 * count, { seed: 5 })
const pixels = Float32Array.from(images.data as Uint8Array, p => p / 255)
const x = tensor(pixels.slice(0, count * 784), [count, 784])
const y = tensor(Int32Array.from(labels.data as Uint8Array).slice(0, count), [count])

function digits({ seed = 0, learningRate = 0.01, dropout = 0 } = {}): Model {
  const net = sequential(
    [
      layers.dense({ units: 24, activation: 'relu', inputShape: [784] }),
      layers.dropout({ rate: dropout }),
      layers.dense({ units: 10, activation: 'softmax' }),
    ],
    { seed },
  )
  net.compile({ optimizer: optimizers.adam({ learningRate }), loss: 'sparseCategoricalCrossentropy' })
  return net
}
const everything = async (net: Model) => ({
  weights: await net.weights(),
  slots: await net.slots(),
  counters: [net.step, net.epoch, net.learningRate, net.learningRateOverride],
})
const trainFor = (net: Model, epochs: number) => net.fit(x, y, { epochs, batchSize: 50, verbose: 0 })

describe('the range test', () => {
  test('raises the rate exponentially over the steps asked for, however few batches there are', async () => {
    const found = await digits().findLearningRate(x, y, { startRate: 1e-6, endRate: 1e-2, steps: 41, divergence: null })
    expect(found.reason).toBe('completed')
    expect([found.rates.length, found.losses.length, found.smoothed.length]).toEqual([41, 41, 41])
    found.rates.forEach((rate, i) => {
      expect(rate / (1e-6 * 10 ** (i / 10))).toBeCloseTo(1, 10)
    })
    expect(found.losses[40]).toBeLessThan(found.losses[0]! * 0.8)
  })

  test('smooths by a running mean that is corrected for its start', async () => {
    const { losses, smoothed } = await digits().findLearningRate(x, y, { steps: 30, smoothing: 0.9 })
    smoothed.forEach((value, n) => {
      const weights = losses.slice(0, n + 1).map((_, i) => 0.9 ** (n - i))
      const total = weights.reduce((a, b) => a + b, 0)
      expect(value).toBeCloseTo(
        losses.slice(0, n + 1).reduce((sum, loss, i) => sum + (loss * weights[i]!) / total, 0),
        10,
      )
    })
    const plain = await digits().findLearningRate(x, y, { steps: 30, smoothing: 0 })
    expect(plain.smoothed).toEqual(plain.losses)
  })

  test('is the same again, and another with another seed', async () => {
    const first = await digits({ dropout: 0.5 }).findLearningRate(x, y, { steps: 30 })
    expect(await digits({ dropout: 0.5 }).findLearningRate(x, y, { steps: 30 })).toEqual(first)
    expect((await digits({ dropout: 0.5, seed: 1 }).findLearningRate(x, y, { steps: 30 })).losses).not.toEqual(
      first.losses,
    )
  })

  test('ends where the loss diverges, or is no number any more, or not at all if so asked', async () => {
    const line = () => {
      const net = sequential([layers.dense({ units: 1, inputShape: [1] })])
      net.compile({ loss: 'mse', optimizer: 'sgd' })
      return net
    }
    const xs = tensor(
      Float32Array.from({ length: 64 }, (_, i) => (i - 32) / 8),
      [64, 1],
    )
    const options = { startRate: 1e-3, endRate: 1e4, steps: 60, smoothing: 0.5 }
    const found = await line().findLearningRate(xs, xs, options)
    expect(found.reason).toBe('diverged')
    const best = Math.min(...found.smoothed)
    expect(found.smoothed.at(-1)).toBeGreaterThan(4 * best)
    expect(Math.max(...found.smoothed.slice(found.smoothed.indexOf(best), -1))).toBeLessThanOrEqual(4 * best)
    // For a line through these points the largest rate that converges is 2 / (2 · mean x²), here about 0.19.
    expect(found.suggestion).toBeGreaterThan(0.002)
    expect(found.suggestion).toBeLessThan(0.19)

    const on = await line().findLearningRate(xs, xs, { ...options, divergence: null })
    expect(on.losses.length).toBeGreaterThan(found.losses.length)
    expect(on.reason).toBe('diverged') // at a loss beyond all numbers
    expect([...on.losses, ...on.smoothed].every(Number.isFinite)).toBe(true)
  })

  test('takes losses below zero for what they are', async () => {
    const net = digits()
    net.compile({ optimizer: 'adam', loss: (_, p) => ops.sub(ops.reduceMean(p, [1], { keepdims: 0 }), 3) })
    const found = await net.findLearningRate(x, y, { steps: 30, endRate: 1e-5 })
    expect(found.reason).toBe('completed')
  })

  test('runs on data sets, weighs classes and examples', async () => {
    const dataset = fromTensors({ x, y })
    const found = await digits().findLearningRate(dataset, { steps: 24, shuffle: false })
    expect(found.losses).toEqual((await digits().findLearningRate({ x, y }, { steps: 24, shuffle: false })).losses)
    const none = await digits().findLearningRate(x, y, {
      steps: 24,
      sampleWeight: new Float32Array(count),
      divergence: null,
    })
    expect(none.losses.every(loss => loss === 0)).toBe(true)
    const classWeight = Object.fromEntries(Array.from({ length: 10 }, (_, i) => [i, 2]))
    const twice = await digits().findLearningRate(x, y, { steps: 24, shuffle: false, classWeight })
    expect(twice.losses[0]! / found.losses[0]!).toBeCloseTo(2, 5)
  })

  test('suggests a rate that learns better than a tenth of it and than thirty times it', async () => {
    const { suggestion, suggestions, chart } = await digits().findLearningRate(x, y, {})
    expect(suggestion).toBe(suggestions.valley)
    expect(suggestion).toBeGreaterThan(1e-4)
    expect(suggestion).toBeLessThan(0.1)
    const lossWith = async (learningRate: number) => {
      const { history } = await trainFor(digits({ learningRate }), 5)
      return history.loss!.at(-1)!
    }
    const loss = await lossWith(suggestion)
    expect(loss).toBeLessThan(await lossWith(suggestion / 10))
    expect(loss).toBeLessThan(await lossWith(suggestion * 30))
    expect(chart).toMatchObject({ xLog: true, marks: [{ x: suggestion }] })
    expect(await chartSvg(chart, 'light')).toContain('valley: ')
  })
})

describe('the model stays as it is, bit for bit', () => {
  test('after the test, and trains on as if there had been none', async () => {
    const [net, other] = [digits({ dropout: 0.3 }), digits({ dropout: 0.3 })]
    for (const m of [net, other]) await trainFor(m, 2)
    net.learningRate = other.learningRate = 0.02
    const before = await everything(net)
    await net.findLearningRate(x, y, { steps: 30, divergence: null })
    expect(await everything(net)).toEqual(before)
    for (const m of [net, other]) await trainFor(m, 2)
    expect(await everything(net)).toEqual(await everything(other))
  })

  test('also before its first training, and when its weights were set', async () => {
    const [net, other] = [digits(), digits()]
    await net.findLearningRate(x, y, { steps: 24 })
    for (const m of [net, other]) await trainFor(m, 1)
    expect(await everything(net)).toEqual(await everything(other))
  })

  test('when the test is aborted', async () => {
    const net = digits()
    const before = await everything(net)
    const stop = new AbortController()
    let taken = 0
    const stream = {
      batched: true,
      async *[Symbol.asyncIterator]() {
        for (;;) {
          if (++taken === 10) stop.abort(new Error('enough'))
          yield { x, y }
        }
      },
    }
    await expect(net.findLearningRate(stream, { signal: stop.signal })).rejects.toThrow('enough')
    expect(taken).toBe(10)
    expect(await everything(net)).toEqual(before)
    await expect(net.findLearningRate(x, y, { signal: stop.signal })).rejects.toThrow('enough')
  })

  test('when data in the middle is no number: an error, and no divergence', async () => {
    const net = digits()
    const before = await everything(net)
    const bad = { ...x, data: (x.data as Float32Array).slice() }
    bad.data[784 * 200] = Number.NaN
    await expect(net.findLearningRate(bad, y, { shuffle: false })).rejects.toMatchObject({ name: 'NumericError' })
    expect(await everything(net)).toEqual(before)
  })
})

describe('the range test refuses', () => {
  test.each<[object, code: string, where: string]>([
    [{ startRate: 0 }, 'bad-option', 'findLearningRate.startRate'],
    [{ endRate: -1 }, 'bad-options', 'findLearningRate'],
    [{ startRate: 1, endRate: 0.1 }, 'bad-option', 'findLearningRate.endRate'],
    [{ steps: 23 }, 'bad-option', 'findLearningRate.steps'],
    [{ steps: 30.5 }, 'bad-option', 'findLearningRate.steps'],
    [{ smoothing: 1 }, 'bad-option', 'findLearningRate.smoothing'],
    [{ divergence: 1 }, 'bad-option', 'findLearningRate.divergence'],
    [{ suggest: 'hill' }, 'bad-option', 'findLearningRate.suggest'],
    [{ batchSize: 0 }, 'bad-option', 'findLearningRate.batchSize'],
    [{ stepz: 30 }, 'unknown-option', 'findLearningRate.stepz'],
    [{ signal: 'stop' }, 'bad-option', 'findLearningRate.signal'],
  ])('%j', async (options, code, where) => {
    await expect(digits().findLearningRate(x, y, options)).rejects.toMatchObject({ name: 'ConfigError', code, where })
  })

  test('a model that is not compiled, and rates that are too large from the start', async () => {
    const raw = sequential([layers.dense({ units: 1, inputShape: [1] })])
    await expect(raw.findLearningRate([[1]], [[1]], {})).rejects.toMatchObject({ code: 'not-compiled' })
    raw.compile({ loss: 'mse', optimizer: 'sgd' })
    const line = tensor(
      Float32Array.from({ length: 32 }, (_, i) => counterRandom(1).normal(i) * 10),
      [32, 1],
    )
    await expect(raw.findLearningRate(line, line, { startRate: 10, endRate: 1e3, smoothing: 0 })).rejects.toMatchObject(
      { name: 'ConfigError', code: 'diverged-at-once' },
    )
  })
})
