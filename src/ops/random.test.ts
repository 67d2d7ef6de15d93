import { describe, expect, test } from 'vitest'
import { floats, model, node, port } from '../../test/onnx-model.js'
import { compile, gradients, graph, importOnnx, numbersOf, tensor } from '../graph.js'
import { applyOp } from './define.js'
import * as ops from './index.js'

const N = 20_000
const ones = tensor(new Float32Array(N).fill(1))
const mean = (xs: readonly number[]) => xs.reduce((a, b) => a + b, 0) / xs.length
const deviation = (xs: readonly number[]) => Math.sqrt(mean(xs.map(x => (x - mean(xs)) ** 2)))

describe('dropout', () => {
  const build = (ratio: number | null) => {
    const g = graph()
    const x = g.input('x', 'float32', [N])
    const training = g.input('training', 'bool', [])
    const { output, mask } = ops.dropout.all(x, ratio, training, { seed: 3 })
    return compile(g, { outputs: { y: output, mask, dx: gradients(output, [x])[0]! } })
  }
  const run = async (ratio: number | null, training: 0 | 1) => {
    const program = await build(ratio)
    const out = await program.run({ x: ones, training: tensor(Uint8Array.of(training), [], 'bool') })
    return { y: numbersOf(out.y!), mask: numbersOf(out.mask!), dx: numbersOf(out.dx!) }
  }

  test.each([0.2, null])(
    'in training drops a share and enlarges the rest, and the gradient alike (ratio %s)',
    async ratio => {
      const share = ratio ?? 0.5
      const { y, mask, dx } = await run(ratio, 1)
      expect(Math.abs(mean(mask) - (1 - share))).toBeLessThan(0.02)
      expect(y).toEqual(mask.map(kept => (kept === 1 ? Math.fround(1 / (1 - share)) : 0)))
      expect(dx).toEqual(y)
    },
  )

  test('is the identity otherwise, and so is its gradient', async () => {
    const { y, dx } = await run(0.2, 0)
    expect([...new Set(y), ...new Set(dx)]).toEqual([1, 1])
  })
})

describe('draws', () => {
  test('have the distribution they are asked for', async () => {
    const g = graph()
    const x = g.input('x', 'float32', [N])
    const made = applyOp(ops.randomNormal.record, g, [], { shape: [N], mean: -1, scale: 0.5, seed: 1 }).outputs[0]!
    const outputs = {
      normal: ops.randomNormalLike(x, { mean: 2, scale: 3, seed: 1 }),
      uniform: ops.randomUniformLike(x, { low: -1, high: 3, seed: 2 }),
      made,
      classes: ops.multinomial(ops.reshape(ops.log(g.constant(tensor([0.2, 0.8]))), [1, 2]), {
        sample_size: N,
        seed: 4,
      }),
    }
    const out = await (await compile(g, { outputs })).run({ x: ones })
    const about = (name: keyof typeof outputs, m: number, s: number) => {
      const xs = numbersOf(out[name]!)
      expect(xs).toHaveLength(N)
      expect(Math.abs(mean(xs) - m), name).toBeLessThan(0.1)
      expect(Math.abs(deviation(xs) - s), name).toBeLessThan(0.1)
    }
    about('normal', 2, 3)
    about('uniform', 1, 4 / Math.sqrt(12))
    about('made', -1, 0.5)
    about('classes', 0.8, 0.4)
  })

  test('are not folded into a constant', async () => {
    const g = graph()
    const noise = ops.randomUniformLike(g.constant(tensor([0, 0, 0, 0])))
    const program = await compile(g, { outputs: { noise } })
    const [first, second] = [await program.run(), await program.run()]
    expect(numbersOf(first.noise!)).not.toEqual(numbersOf(second.noise!))
  })

  test('Bernoulli of a file is 1 with the probability given, not without', async () => {
    const bytes = model(
      {
        input: [port('x', [N])],
        output: [port('y', [N])],
        initializer: [floats('p', [0.9])],
        node: [node('Mul', ['x', 'p'], ['share']), node('Bernoulli', ['share'], ['y'], { seed: { float: 5 } })],
      },
      { opset: 15, irVersion: 8 },
    )
    const read = importOnnx(bytes)
    const { y } = await (await compile(read.graph, { outputs: read.outputs })).run({ x: ones })
    expect(Math.abs(mean(numbersOf(y!)) - 0.9)).toBeLessThan(0.02)
  })

  test('carry no gradient', () => {
    const x = graph().input('x', 'float32', [4])
    const [dx] = gradients(ops.add(ops.randomNormalLike(x), x), [x])
    expect(dx!.shape).toEqual([4])
    expect(() => gradients(ops.randomNormalLike(x), [x])).not.toThrow()
  })
})
