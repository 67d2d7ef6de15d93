import { describe, expect, test } from 'vitest'
import { layers, losses, optimizers, sequential } from '../index.js'
import { counterRandom, tensor } from '../ir/index.js'
import { resolveLoss } from '../nn/losses.js'
import { evaluate, expectClose } from '../testing/figures.js'
import { disagreement } from './r-drop.js'

const random = counterRandom(5, 'r-drop')
const uniform = (n: number, from: number) =>
  Float32Array.from({ length: n }, (_, i) => random.uniform(from + i) * 2 - 1)

describe('R-Drop', () => {
  const logits = { p: tensor(uniform(12, 0), [4, 3]), q: tensor(uniform(12, 50), [4, 3]) }
  const softmax = (row: number[]) => {
    const e = row.map(Math.exp)
    const sum = e.reduce((a, b) => a + b)
    return e.map(x => x / sum)
  }
  const rows = (t: { data: unknown }) =>
    [0, 1, 2, 3].map(i => softmax(Array.from(t.data as Float32Array).slice(i * 3, i * 3 + 3)))
  const kl = (p: number[], q: number[]) => p.reduce((sum, x, i) => sum + x * Math.log(x / q[i]!), 0)

  test('adds half of both divergences, averaged over the batch', async () => {
    const [p, q] = [rows(logits.p), rows(logits.q)]
    const wanted = p.reduce((sum, row, i) => sum + (kl(row, q[i]!) + kl(q[i]!, row)) / 2, 0) / 4
    for (const [fromLogits, name] of [
      [true, 'logits'],
      [false, 'probabilities'],
    ] as const) {
      const probabilities = (x: number[][]) => tensor(Float32Array.from(x.flat()), [4, 3])
      const feeds = fromLogits ? logits : { p: probabilities(p), q: probabilities(q) }
      const loss = resolveLoss(losses.categoricalCrossentropy({ fromLogits }))
      const { d } = await evaluate(feeds, values => ({ d: disagreement(loss, values.p!, values.q!) }))
      expectClose(d!, { shape: [], data: [wanted] }, { what: name })
    }
  })

  test('of yes-or-no predictions counts both answers', async () => {
    const sigmoid = (x: number) => 1 / (1 + Math.exp(-x))
    const both = Array.from(logits.p.data as Float32Array, (x, i) => {
      const [a, b] = [sigmoid(x), sigmoid(Number(logits.q.data[i]))]
      return (kl([a, 1 - a], [b, 1 - b]) + kl([b, 1 - b], [a, 1 - a])) / 2
    })
    const wanted = both.reduce((a, b) => a + b) / 12
    const loss = resolveLoss(losses.binaryCrossentropy({ fromLogits: true }))
    const { d } = await evaluate(logits, values => ({ d: disagreement(loss, values.p!, values.q!) }))
    expectClose(d!, { shape: [], data: [wanted] })
  })

  const make = (rDrop: number, rate: number) => {
    const model = sequential(
      [
        layers.dense({ units: 16, activation: 'relu', inputShape: [6] }),
        layers.dropout({ rate }),
        layers.dense({ units: 3, activation: 'softmax' }),
      ],
      { seed: 2 },
    )
    model.compile({ optimizer: optimizers.sgd({ learningRate: 0.1 }), loss: 'sparseCategoricalCrossentropy', rDrop })
    return model
  }
  const x = tensor(uniform(60, 200), [10, 6])
  const y = tensor(
    Int32Array.from({ length: 10 }, (_, i) => i % 3),
    [10],
  )

  test('without dropout both passes agree: nothing is added', async () => {
    const [plain, twice] = [make(0, 0), make(5, 0)]
    for (let i = 0; i < 3; i++)
      expect((await twice.trainOnBatch(x, y)).loss).toBeCloseTo((await plain.trainOnBatch(x, y)).loss!, 5)
  })

  test('draws the predictions of different masks together', async () => {
    const spread = async (rDrop: number) => {
      const model = make(rDrop, 0.5)
      await model.fit(x, y, { epochs: 60, batchSize: 10, verbose: 0 })
      // With rDrop as a probe at learning rate 0, the loss holds the divergence.
      const probe = make(1, 0.5)
      const base = make(0, 0.5)
      for (const m of [probe, base]) {
        m.setWeights(await model.weights())
        m.learningRate = 0
      }
      let sum = 0
      for (let i = 0; i < 40; i++) sum += (await probe.trainOnBatch(x, y)).loss! - (await base.trainOnBatch(x, y)).loss!
      return sum / 40
    }
    expect(await spread(4)).toBeLessThan(0.5 * (await spread(0)))
  })

  test('refuses losses that compare no distributions, and strengths below 0', () => {
    const model = sequential([layers.dense({ units: 1, inputShape: [1] })])
    expect(() => model.compile({ loss: 'mse', rDrop: 1 })).toThrow(expect.objectContaining({ code: 'r-drop-loss' }))
    expect(() => model.compile({ loss: 'mse', rDrop: -1 })).toThrow(expect.objectContaining({ code: 'bad-option' }))
  })
})
