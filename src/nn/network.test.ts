import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { defineLayer, input, layerOptions, layers, model, network, sequential } from '../index.js'
import * as ops from '../ops/index.js'

const paths = (net: { weights: readonly { path: string }[] }) => net.weights.map(w => w.path)
const names = (net: { calls: readonly { name: string }[] }) => net.calls.map(call => call.name)
const dense = (options: object = {}) => layers.dense({ units: 2, ...options })

describe('the functional API', () => {
  test('knows shapes without computing', () => {
    const x = input({ shape: [3, 8, 8] })
    const y = layers.conv2d({ filters: 5, kernelSize: 3, strides: 2 }).apply(x)
    expect(y.shape).toEqual(['batch', 5, 3, 3])
    expect(layers.flatten().apply(y).shape).toEqual(['batch', 45])
    expect(layers.globalAveragePooling2d().apply(y).shape).toEqual(['batch', 5])
  })

  test('names layers and weights as Keras does, from the type and in order', () => {
    const x = input({ shape: [2] })
    const y = [dense(), layers.batchNormalization(), dense(), layers.activation({ activation: 'relu' })].reduce(
      (t, l) => l.apply(t),
      x,
    )
    const net = network([x], [y])
    expect(names(net)).toEqual(['dense', 'batch_normalization', 'dense_1', 'activation'])
    expect(paths(net)).toEqual([
      'dense/kernel',
      'dense/bias',
      'batch_normalization/gamma',
      'batch_normalization/beta',
      'batch_normalization/moving_mean',
      'batch_normalization/moving_variance',
      'dense_1/kernel',
      'dense_1/bias',
    ])
  })

  test('never makes up a name that was given, before or after', () => {
    for (const order of [
      [dense(), dense(), dense({ name: 'dense_1' })],
      [dense({ name: 'dense' }), dense(), dense()],
    ]) {
      const x = input({ shape: [2] })
      const net = network([x], [order.reduce((t, layer) => layer.apply(t), x)])
      expect(new Set(names(net)).size).toBe(3)
      expect(new Set(paths(net)).size).toBe(6)
    }
  })

  test('a layer applied twice shares its weights, and trains as one', async () => {
    const [a, b] = [input({ shape: [2], name: 'a' }), input({ shape: [2], name: 'b' })]
    const tower = dense({ kernelRegularizer: { type: 'l2', l2: 1 }, kernelInitializer: 'ones', useBias: false })
    const net = model({ inputs: [a, b], outputs: layers.subtract().apply([tower.apply(a), tower.apply(b)]) })
    expect(paths(net.network)).toEqual(['dense/kernel'])
    net.compile({ loss: 'mse', optimizer: 'sgd' })
    // Equal inputs cancel: what remains is the penalty, once.
    expect((await net.evaluate({ a: [[1, 2]], b: [[1, 2]] }, [[0, 0]])).loss).toBe(4)
    await net.trainOnBatch({ a: [[1, 0]], b: [[0, 0]] }, [[0, 0]])
    const kernel = (await net.weights())['dense/kernel']!
    // w − 0.01 · (dMSE/dw + 2w), where only the first row is seen.
    expect(Array.from(kernel.data as Float32Array, v => Number(v.toFixed(5)))).toEqual([0.97, 0.97, 0.98, 0.98])
  })

  test('a layer shared between inputs of other widths is refused', () => {
    const tower = dense()
    const [a, b] = [input({ shape: [2], name: 'a' }), input({ shape: [3], name: 'b' })]
    expect(() => network([a, b], [tower.apply(a), tower.apply(b)])).toThrow(
      expect.objectContaining({ code: 'shared-layer' }),
    )
  })

  test('outputs have names of their own, whatever they come from', async () => {
    const [a, b] = [input({ shape: [2], name: 'a' }), input({ shape: [2] })]
    const tower = dense({ name: 'tower' })
    const net = model({
      inputs: [a, b],
      outputs: [tower.apply(a), tower.apply(b), a, b, layers.add({ name: 'a' }).apply([a, b])],
    })
    const outputs = net.network.outputs.map(o => o.name)
    expect(new Set([...outputs, ...net.network.inputs.map(i => i.name)]).size).toBe(7)
    expect(outputs[0]).toBe('tower')
    const out = await net.predict({ a: [[1, 2]], input: [[3, 4]] })
    expect(Array.from(out[outputs[4]!]!.data as Float32Array)).toEqual([4, 6])
    expect(Array.from(out[outputs[3]!]!.data as Float32Array)).toEqual([3, 4])
  })

  test('inputs that nothing uses are fed all the same', async () => {
    const [a, b] = [input({ shape: [1], name: 'a' }), input({ shape: [1], name: 'b' })]
    const net = model({ inputs: [a, b], outputs: layers.rescaling({ scale: 2 }).apply(a) })
    expect((await net.predict({ a: [[4]], b: [[5]] })).data[0]).toBe(8)
    await expect(net.predict({ a: [[4]] })).rejects.toMatchObject({ name: 'DataError', code: 'missing-data' })
  })

  test('refuses missing inputs and names given twice', () => {
    const [a, b] = [input({ shape: [2], name: 'a' }), input({ shape: [2], name: 'b' })]
    const sum = layers.add().apply([a, b])
    expect(() => network([a], [sum])).toThrow(expect.objectContaining({ name: 'GraphError', code: 'missing-input' }))
    const twice = dense({ name: 'same' }).apply(dense({ name: 'same' }).apply(a))
    expect(() => network([a], [twice])).toThrow(expect.objectContaining({ code: 'duplicate-layer' }))
    const other = input({ shape: [2], name: 'a' })
    expect(() => network([a, other], [layers.add().apply([a, other])])).toThrow(
      expect.objectContaining({ name: 'ConfigError' }),
    )
  })
})

describe('a sequential model', () => {
  test('grows layer by layer, counts and shows itself', () => {
    const net = sequential()
    expect(() => net.network).toThrow(expect.objectContaining({ code: 'no-input-shape' }))
    net.add(layers.dense({ units: 4, inputShape: [3], activation: 'relu' }))
    net.add(layers.batchNormalization())
    net.add(layers.dense({ units: 1 }))
    expect(net.countParams()).toBe(3 * 4 + 4 + 4 * 4 + 4 + 1)
    const summary = net.summary()
    for (const part of ['dense_1', 'batch_normalization', '37', '29', '8']) expect(summary).toContain(part)
    expect(() => model({ inputs: input({ shape: [1] }), outputs: [] as never })).toThrow(
      expect.objectContaining({ code: 'empty-model' }),
    )
    const x = input({ shape: [1] })
    expect(() => model({ inputs: x, outputs: dense().apply(x) }).add(dense())).toThrow(
      expect.objectContaining({ code: 'not-sequential' }),
    )
  })

  test("takes TensorFlow.js's form", async () => {
    const net = sequential({ layers: [layers.dense({ units: 1, inputShape: [2] })], name: 'mine', seed: 4 })
    expect([net.name, net.seed]).toEqual(['mine', 4])
    expect(
      (
        await net.predict(
          [
            [1, 2],
            [3, 4],
          ],
          { batchSize: 1 },
        )
      ).shape,
    ).toEqual([2, 1])
  })
})

test('a layer of your own is a schema, weights and a call', async () => {
  const shift = defineLayer({
    type: 'Shift',
    schema: z.strictObject({ ...layerOptions, by: z.number().default(1) }),
    weights: (_c, [x]) => [{ name: 'scale', shape: [Number(x!.shape.at(-1))], initializer: 'ones' }],
    call: (c, ctx, x) => ops.add(ops.mul(x, ctx.weight('scale')), c.by),
  })
  const net = sequential([shift({ by: 2, inputShape: [2] }), shift()])
  expect(net.network.weights.map(w => w.path)).toEqual(['shift/scale', 'shift_1/scale'])
  expect(Array.from((await net.predict([[1, 2]])).data as Float32Array)).toEqual([4, 5])
  expect(() => shift({ bye: 2 } as never)).toThrow(/unknown-option.*layers.shift.bye/)
})
