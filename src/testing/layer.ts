import { describe, expect, test } from 'vitest'
import { type DType, Graph, type Tensor, tensor, type Value } from '../ir/index.js'
import type { Layer } from '../nn/layer.js'
import { input, network, trace } from '../nn/network.js'
import * as ops from '../ops/index.js'
import { Model } from '../train/model.js'

export interface LayerSuiteOptions {
  /** Dtype of the input; default float32. Integers are fed as 0 and 1. */
  dtype?: DType
  /** Parts of the contract that do not hold, each with the reason. */
  skip?: readonly { readonly reason: string; readonly tests: readonly string[] }[]
}

/**
 * The contract of a layer of one input, as tests. `make` makes the layer anew each time; `inputShape` is the shape of
 * one example.
 */
export function testLayer(
  make: () => Layer,
  inputShape: readonly number[],
  { dtype = 'float32', skip = [] }: LayerSuiteOptions = {},
): void {
  const check = (name: string, run: () => void | Promise<void>) => {
    const exception = skip.find(entry => entry.tests.includes(name))
    if (exception !== undefined) test.skip(`${name} (${exception.reason})`, run)
    else test(name, run)
  }
  const sample = (batch: number): Tensor => {
    const size = inputShape.reduce((a, b) => a * b, batch)
    const numbers = Array.from({ length: size }, (_, i) => (dtype === 'float32' ? Math.sin(1.7 * i + 0.3) : i % 2))
    return tensor(numbers, [batch, ...inputShape], dtype)
  }
  const build = (seed = 1) => {
    const start = input({ shape: inputShape, dtype, name: 'x' })
    return new Model(network([start], [make().apply(start)]), { seed })
  }
  const bytes = (t: Tensor) => Array.from(t.data as ArrayLike<number>, Number)

  describe(`${make().type} on [${inputShape}] keeps the contract of a layer`, () => {
    check('gives the shape it promises, for batches of any size', async () => {
      const model = build()
      const promised = model.network.outputs[0]!.shape.slice(1)
      for (const batch of [1, 3]) expect([...(await model.predict(sample(batch))).shape]).toEqual([batch, ...promised])
    })

    check('treats every example by itself in inference', async () => {
      const model = build()
      const x = sample(4)
      const together = bytes(await model.predict(x, { batchSize: 4 }))
      const alone = bytes(await model.predict(x, { batchSize: 1 }))
      alone.forEach((v, i) => {
        expect(v).toBeCloseTo(together[i]!, 5)
      })
    })

    check('starts from the same weights for the same seed', async () => {
      expect(await build(5).weights()).toEqual(await build(5).weights())
    })

    check('can be made again from its own config', async () => {
      const layer = make()
      const again = JSON.parse(JSON.stringify(layer.config))
      expect(make().config).toEqual(layer.config)
      expect(again).toEqual(layer.config)
    })

    check('shares its weights when it is applied twice', () => {
      const layer = make()
      const [a, b] = [input({ shape: inputShape, dtype, name: 'a' }), input({ shape: inputShape, dtype, name: 'b' })]
      const once = network([a], [layer.apply(a)]).weights.map(w => w.path)
      expect(network([a, b], [layer.apply(a), layer.apply(b)]).weights.map(w => w.path)).toEqual(once)
    })

    check('has every trainable weight in its output, and gives new values only to the others', () => {
      const { network: net } = build()
      const g = new Graph()
      const x = g.input('x', dtype, ['batch', ...inputShape])
      const used = new Set<string>()
      const weights = new Map<string, Value>(net.weights.map(w => [w.path, g.input(w.path, 'float32', w.shape)]))
      const { updates } = trace(net, {
        training: true,
        inputs: [x],
        key: g.input('key', 'uint32', []),
        weights: path => {
          used.add(path)
          return weights.get(path)!
        },
      })
      expect([...used].sort()).toEqual(net.weights.map(w => w.path).sort())
      for (const path of updates.keys()) expect(net.weights.find(w => w.path === path)?.trainable).toBe(false)
    })

    check('learns: steps down its gradient lower a loss', async () => {
      const model = build()
      if (!model.network.weights.some(w => w.trainable)) return
      // Towards zero, so that every layer with a weight can do better.
      const loss = (_: Value, y: Value): Value => ops.reduceMean(ops.mul(ops.sub(y, 2), ops.sub(y, 2)), { keepdims: 0 })
      model.compile({ optimizer: 'adam', loss })
      const x = sample(4)
      const y = tensor(new Float32Array(4), [4])
      const before = (await model.evaluate(x, y)).loss!
      for (let i = 0; i < 30; i++) await model.trainOnBatch(x, y)
      expect((await model.evaluate(x, y)).loss!).toBeLessThan(before)
    })
  })
}
