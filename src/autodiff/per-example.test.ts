import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  counterRandom,
  type Dim,
  type DType,
  type Graph,
  graph,
  numbersOf,
  sizeOf,
  type Tensor,
  tensor,
  type Value,
} from '../ir/index.js'
import * as ops from '../ops/index.js'
import { compile } from '../runtime/index.js'
import { clippedGradientSums, gradients, perExampleGradientNorms } from './index.js'

/** A model by its parameters' shapes and what it computes from them and an input: one loss for each example. */
interface Model {
  readonly parameters: Readonly<Record<string, readonly number[]>>
  readonly input: readonly number[]
  /** For embeddings: indices below this number instead of floats. */
  readonly vocabulary?: number
  /** Single where the runtime has no double kernel. */
  readonly single?: boolean
  readonly losses: (p: Record<string, Value>, x: Value, batch: Dim) => Value
}

const draw = (shape: readonly number[], seed: number, dtype: DType = 'float64'): Tensor => {
  const random = counterRandom(seed)
  const numbers = Array.from({ length: sizeOf(shape) }, (_, i) => random.normal(i))
  return tensor(numbers, shape, dtype)
}
const drawIndices = (shape: readonly number[], below: number, seed: number): Tensor => {
  const random = counterRandom(seed)
  return tensor(
    BigInt64Array.from({ length: sizeOf(shape) }, (_, i) => BigInt(random.below(i, below))),
    shape,
  )
}
/** Everything but axis 0 squared and summed. */
const perExample = (y: Value): Value =>
  y.shape.length === 1 ? ops.mul(y, y) : ops.reduceSumSquare(y, y.shape.map((_, i) => i).slice(1), { keepdims: 0 })

const floatOf = (model: Model): DType => (model.single ? 'float32' : 'float64')
const inputs = (g: Graph, model: Model, batch: Dim) => ({
  parameters: Object.fromEntries(
    Object.entries(model.parameters).map(([name, shape]) => [name, g.input(name, floatOf(model), shape)]),
  ),
  x: g.input('x', model.vocabulary === undefined ? floatOf(model) : 'int64', [batch, ...model.input]),
})

/**
 * Compares norms and clipped sums with the gradients of each example on its own, each from a graph of batch 1, and sums
 * that nothing clips with the gradient of the batch.
 */
async function expectGhost(model: Model, { batch = 4, seed = 1, symbolic = false } = {}): Promise<void> {
  const names = Object.keys(model.parameters)
  const values = Object.fromEntries(
    names.map((name, i) => [name, draw(model.parameters[name]!, seed * 100 + i, floatOf(model))]),
  )
  const x =
    model.vocabulary === undefined
      ? draw([batch, ...model.input], seed * 100 + 50, floatOf(model))
      : drawIndices([batch, ...model.input], model.vocabulary, seed * 100 + 50)

  const single = graph()
  const alone = inputs(single, model, 1)
  const own = gradients(
    model.losses(alone.parameters, alone.x, 1),
    names.map(name => alone.parameters[name]!),
  )
  const program = await compile(single, { outputs: Object.fromEntries(own.map((v, i) => [`d ${names[i]}`, v])) })
  const size = sizeOf(model.input)
  const explicit: Record<string, number[]>[] = []
  for (let n = 0; n < batch; n++) {
    const row = tensor(x.data.slice(n * size, (n + 1) * size) as Float64Array, [1, ...model.input])
    const out = await program.run({ ...values, x: row })
    explicit.push(Object.fromEntries(names.map(name => [name, numbersOf(out[`d ${name}`]!)])))
  }
  const squares = explicit.map(example => names.map(name => example[name]!.reduce((sum, v) => sum + v * v, 0)))
  const norms = squares.map(list => Math.sqrt(list.reduce((a, b) => a + b, 0)))
  // Clips about half of the examples.
  const maxNorm = norms.toSorted((a, b) => a - b)[Math.floor(batch / 2)]! * 0.99

  const whole = graph()
  const { parameters, x: input } = inputs(whole, model, symbolic ? 'batch' : batch)
  const losses = model.losses(parameters, input, symbolic ? 'batch' : batch)
  const wrt = names.map(name => parameters[name]!)
  const clipped = clippedGradientSums(losses, wrt, { maxNorm })
  const free = clippedGradientSums(losses, wrt, { maxNorm: 1e9 })
  const sum = gradients(losses, wrt)
  const each = perExampleGradientNorms(losses, wrt, { groups: 'parameter' })
  const outputs: Record<string, Value> = { norms: perExampleGradientNorms(losses, wrt) }
  names.forEach((name, i) => {
    outputs[`clipped ${name}`] = clipped.sums[i]!
    outputs[`free ${name}`] = free.sums[i]!
    outputs[`sum ${name}`] = sum[i]!
    outputs[`norm ${name}`] = each[i]!
  })
  const found = await (await compile(whole, { outputs })).run({ ...values, x })
  const close = (key: string, wanted: readonly number[]) => {
    const numbers = numbersOf(found[key]!)
    expect(numbers.length, key).toBe(wanted.length)
    const scale = Math.max(1, ...wanted.map(Math.abs))
    const worst = Math.max(...numbers.map((v, i) => Math.abs(v - wanted[i]!) / scale))
    expect(worst, `${key}: ${numbers}, wanted ${wanted}`).toBeLessThan(model.single ? 1e-4 : 1e-9)
  }
  close('norms', norms)
  names.forEach((name, p) => {
    close(
      `norm ${name}`,
      squares.map(list => Math.sqrt(list[p]!)),
    )
    const scaled = explicit[0]![name]!.map((_, i) =>
      explicit.reduce((total, example, n) => total + example[name]![i]! * Math.min(1, maxNorm / norms[n]!), 0),
    )
    close(`clipped ${name}`, scaled)
    expect(found[`clipped ${name}`]!.shape).toEqual(model.parameters[name])
    close(`free ${name}`, numbersOf(found[`sum ${name}`]!))
  })
}

const dense: Model = {
  parameters: { w1: [5, 4], b1: [4], w2: [4, 3], b2: [3] },
  input: [5],
  losses: (p, x) => perExample(ops.gemm(ops.tanh(ops.add(ops.matMul(x, p.w1!), p.b1!)), p.w2!, p.b2!)),
}
const sequence = (steps: number): Model => ({
  parameters: { w: [6, 5], scale: [5], shift: [5], out: [5, 2] },
  input: [steps, 6],
  losses: (p, x) => {
    const hidden = ops.layerNormalization(ops.matMul(x, p.w!), p.scale!, p.shift!)
    return perExample(ops.matMul(ops.tanh(hidden), p.out!))
  },
})

describe('per-example gradients', () => {
  test.each([false, true])('of dense layers are those of each example alone (batch symbolic: %s)', async symbolic => {
    await expectGhost(dense, { symbolic })
  })

  test.each([1, 2, 9])('of layers over %i steps', async steps => {
    await expectGhost(sequence(steps))
    await expectGhost(sequence(steps), { symbolic: true })
  })

  test('hold for layers of any size', async () => {
    const sizes = fc.record({
      k: fc.integer({ min: 1, max: 6 }),
      m: fc.integer({ min: 1, max: 6 }),
      steps: fc.integer({ min: 1, max: 5 }),
      batch: fc.integer({ min: 1, max: 5 }),
      seed: fc.nat(1000),
      transposed: fc.boolean(),
    })
    await fc.assert(
      fc.asyncProperty(sizes, async ({ k, m, steps, batch, seed, transposed }) => {
        const model: Model = {
          parameters: { w: [k, m], bias: [m], scale: [steps, 1], v: transposed ? [1, m] : [m, 1] },
          input: [steps, k],
          losses: (p, x) => {
            const hidden = ops.tanh(ops.mul(ops.add(ops.matMul(x, p.w!), p.bias!), p.scale!))
            const pooled = ops.reduceSum(hidden, [1], { keepdims: 0 })
            return perExample(ops.gemm(pooled, p.v!, { transB: transposed, alpha: 0.5 }))
          },
        }
        await expectGhost(model, { batch, seed })
      }),
      { numRuns: 15, seed: 11 },
    )
  })

  test('of embeddings count a row that an example picks twice once, with the sum', async () => {
    const model: Model = {
      parameters: { table: [3, 4], w: [4, 2] },
      input: [5],
      vocabulary: 3,
      losses: (p, x) => perExample(ops.matMul(ops.tanh(ops.gather(p.table!, x)), p.w!)),
    }
    await expectGhost(model)
    await expectGhost(model, { symbolic: true })
  })

  test('of a weight used at every step of a recurrence include what the steps have in common', async () => {
    await expectGhost({
      parameters: { w: [3, 4], u: [4, 4], b: [4] },
      input: [4, 3],
      losses: (p, x) => {
        let state: Value | undefined
        for (const step of ops.split(x, { axis: 1, num_outputs: 4 })) {
          const fed = ops.add(ops.matMul(ops.squeeze(step, [1]), p.w!), p.b!)
          state = ops.tanh(state === undefined ? fed : ops.add(fed, ops.matMul(state, p.u!)))
        }
        return perExample(state!)
      },
    })
  })

  test('of a table that both embeds and projects', async () => {
    await expectGhost({
      parameters: { table: [5, 3] },
      input: [4],
      vocabulary: 5,
      losses: (p, x) => perExample(ops.tanh(ops.matMul(ops.tanh(ops.gather(p.table!, x)), ops.transpose(p.table!)))),
    })
  })

  test.each([false, true])('of convolutions, with group normalization between (batch symbolic: %s)', async symbolic => {
    const model: Model = {
      parameters: { k1: [4, 2, 3], c1: [4], scale: [4], shift: [4], k2: [2, 4, 2] },
      input: [2, 7],
      single: true,
      losses: (p, x) => {
        const hidden = ops.conv(x, p.k1!, p.c1!, { pads: [1, 1] })
        const normal = ops.groupNormalization(hidden, p.scale!, p.shift!, { num_groups: 2 })
        return perExample(ops.conv(ops.tanh(normal), p.k2!))
      },
    }
    await expectGhost(model, { symbolic })
  })

  test('of einsum, instance statistics and stored batch statistics', async () => {
    await expectGhost({
      parameters: { w: [3, 4, 2], scale: [4], shift: [4] },
      input: [5, 3],
      losses: (p, x) => {
        const hidden = ops.einsum([x, p.w!], { equation: 'btk,kmh->bmth' })
        const stored = hidden.graph.constant(tensor([1, 2, 0.5, 1.5], [4], 'float64'))
        return perExample(ops.tanh(ops.batchNormalization(hidden, p.scale!, p.shift!, stored, stored)))
      },
    })
  })
})

describe('norms', () => {
  const build = () => {
    const g = graph()
    const { parameters: p, x } = inputs(g, dense, 'batch')
    return { losses: dense.losses(p, x, 'batch'), wrt: Object.values(p), p }
  }

  test('come for each group that is asked for', async () => {
    const { losses, wrt, p } = build()
    const [first, second] = perExampleGradientNorms(losses, wrt, {
      groups: [
        [p.w1!, p.b1!],
        [p.w2!, p.b2!],
      ],
    })
    const [w1, b1, w2, b2] = perExampleGradientNorms(losses, wrt, { groups: 'parameter' })
    const program = await compile(losses.graph, {
      outputs: { first: first!, second: second!, 'n w1': w1!, 'n b1': b1!, 'n w2': w2!, 'n b2': b2! },
    })
    const feeds = Object.fromEntries(Object.entries(dense.parameters).map(([name, shape], i) => [name, draw(shape, i)]))
    const out = await program.run({ ...feeds, x: draw([3, 5], 9) })
    const at = (name: string) => numbersOf(out[name]!)
    const together = (a: string, b: string) => at(a).map((v, i) => expect.closeTo(Math.hypot(v, at(b)[i]!), 10))
    expect(at('first')).toEqual(together('n w1', 'n b1'))
    expect(at('second')).toEqual(together('n w2', 'n b2'))
  })

  test('an example without a gradient is not divided by zero', async () => {
    const g = graph()
    const x = g.input('x', 'float64', ['batch', 2])
    const w = g.input('w', 'float64', [2, 1])
    const { sums, norms } = clippedGradientSums(ops.reshape(ops.matMul(x, w), [-1]), [w], { maxNorm: 1 })
    const out = await (await compile(g, { outputs: { sum: sums[0]!, norms: norms[0]! } })).run({
      x: tensor([0, 0, 3, 4], [2, 2], 'float64'),
      w: tensor([1, 1], [2, 1], 'float64'),
    })
    expect(numbersOf(out.norms!)).toEqual([0, 5])
    expect(numbersOf(out.sum!)).toEqual([0.6, 0.8].map(v => expect.closeTo(v, 12)))
  })

  test('refuse groups that do not hold every parameter once', () => {
    const { losses, wrt, p } = build()
    expect(() => perExampleGradientNorms(losses, wrt, { groups: [[p.w1!]] })).toThrow(
      expect.objectContaining({ code: 'norm-groups' }),
    )
    expect(() => clippedGradientSums(losses, wrt, { maxNorm: 0 })).toThrow(
      expect.objectContaining({ code: 'max-norm' }),
    )
  })
})

describe('what has no per-example gradient says so', () => {
  const g = graph()
  const x = g.input('x', 'float32', ['batch', 3])
  const w = g.input('w', 'float32', [3, 2])
  const vector = (name: string) => g.input(name, 'float32', [2])
  const losses = (y: Value) => ops.reduceSum(ops.mul(y, y), [1], { keepdims: 0 })

  test('losses already averaged', () => {
    expect(() => perExampleGradientNorms(ops.reduceMean(ops.matMul(x, w)), [w])).toThrow(
      expect.objectContaining({ code: 'per-example-losses' }),
    )
  })
  test('batch normalization in training', () => {
    const [scale, shift, mean, variance] = ['scale', 'shift', 'mean', 'variance'].map(vector)
    const y = ops.batchNormalization(ops.matMul(x, w), scale!, shift!, mean!, variance!, { training_mode: 1 })
    expect(() => perExampleGradientNorms(losses(y), [w])).toThrow(
      expect.objectContaining({ code: 'per-example-mixed' }),
    )
  })
  test('a penalty on the parameter inside the losses', () => {
    const penalty = ops.reduceSum(ops.mul(w, w), { keepdims: 0 })
    expect(() => perExampleGradientNorms(ops.add(losses(ops.matMul(x, w)), penalty), [w])).toThrow(
      expect.objectContaining({ code: 'per-example' }),
    )
  })
  test('a parameter that is transformed before it is used', () => {
    const low = g.input('low', 'float32', [3, 1])
    const high = g.input('high', 'float32', [1, 2])
    expect(() => perExampleGradientNorms(losses(ops.matMul(x, ops.add(w, ops.matMul(low, high)))), [low])).toThrow(
      expect.objectContaining({ code: 'per-example' }),
    )
  })
  test('a parameter without influence', () => {
    const idle = vector('idle')
    expect(() => perExampleGradientNorms(losses(ops.matMul(x, w)), [w, idle])).toThrow(
      expect.objectContaining({ code: 'unconnected-gradient' }),
    )
  })
})
