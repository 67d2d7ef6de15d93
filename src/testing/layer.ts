import { describe, expect, test } from 'vitest'
import { type DType, Graph, type Tensor, tensor, type Value } from '../ir/index.js'
import type { Layer } from '../nn/layer.js'
import * as layers from '../nn/layers/index.js'
import { input, network, trace } from '../nn/network.js'
import { isLayer } from '../nn/wrapper.js'
import * as ops from '../ops/index.js'
import { compile } from '../runtime/index.js'
import { loadModel } from '../train/load.js'
import { Model } from '../train/model.js'
import { modelBytes } from '../train/save.js'

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
  /** What a training step sees of the layer at a key, with its weights as they start; whether it draws at all. */
  const training = async (model: Model, x: Tensor, key: number) => {
    const g = new Graph()
    let draws = false
    const feeds: Record<string, Tensor> = { ...(await model.weights()), x }
    const { outputs, updates } = trace(model.network, {
      training: true,
      inputs: [g.input('x', dtype, x.shape)],
      get key() {
        draws = true
        feeds.key = tensor(Uint32Array.of(key), [])
        return g.inputs.find(v => v.name === 'key') ?? g.input('key', 'uint32', [])
      },
      weights: path => g.inputs.find(v => v.name === path) ?? g.input(path, 'float32', feeds[path]!.shape),
    })
    const next = [...updates].map(([path, value]) => [`next ${path}`, value] as const)
    const program = await compile(g, { outputs: { y: outputs[0]!, ...Object.fromEntries(next) } })
    const results = await program.run(feeds, undefined, { ignoreUnknown: true })
    return { draws, results: Object.fromEntries(Object.entries(results).map(([name, t]) => [name, bytes(t)])) }
  }

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

    check('can be made again from its own config', () => {
      const config = plainConfig(make())
      expect(plainConfig(make())).toEqual(config)
      expect(JSON.parse(JSON.stringify(config))).toEqual(config)
      expect(plainConfig(remake(make().type, config, make))).toEqual(config)
    })

    check('is saved and loaded with a model, and then computes the same', async () => {
      const model = build(3)
      const again = await loadModel(await modelBytes(model), {
        layers: { [make().type]: config => remake(make().type, config, make) },
      })
      expect(await again.weights()).toEqual(await model.weights())
      expect(await again.predict(sample(2))).toEqual(await model.predict(sample(2)))
    })

    check('draws from the key alone: the same step gives the same bits, another step others', async () => {
      const model = build()
      // Enough elements that no two draws are the same by chance.
      const x = sample(64)
      const { draws, results } = await training(model, x, 7)
      expect((await training(model, x, 7)).results).toEqual(results)
      if (draws) expect((await training(model, x, 8)).results).not.toEqual(results)
    })

    check('draws nothing in inference', () => {
      const { network: net } = build()
      const g = new Graph()
      const weights = new Map(net.weights.map(w => [w.path, g.input(w.path, 'float32', w.shape)]))
      trace(net, {
        training: false,
        inputs: [g.input('x', dtype, ['batch', ...inputShape])],
        get key(): Value {
          throw new Error('a random key was asked for in inference')
        },
        weights: path => weights.get(path)!,
      })
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

/** A layer's config as data, with the layers inside it as a model's file has them. */
const plainConfig = (layer: Layer): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(layer.config).map(([key, value]) => [
      key,
      isLayer(value) ? { type: value.type, config: plainConfig(value) } : value,
    ]),
  )

/** The layer of a config; of a type that anneal does not know, as `make` makes it. */
function remake(type: string, config: Record<string, unknown>, make: () => Layer): Layer {
  const factory = Object.values(layers).find(entry => 'type' in entry && entry.type === type)
  if (factory === undefined) return make()
  const options = Object.entries(config).map(([key, value]) => {
    const inner = value as { type?: unknown; config?: unknown } | null
    const nested = typeof inner === 'object' && inner !== null && typeof inner.config === 'object'
    return [key, nested ? remake(String(inner.type), inner.config as Record<string, unknown>, make) : value]
  })
  // Factories check what they are given.
  return (factory as unknown as (options: unknown) => Layer)(Object.fromEntries(options))
}
