import { describe, expect, test } from 'vitest'
import { compile, gradients, graph, numbersOf, type Value } from '../graph.js'
import * as ops from './index.js'

const activations: Record<string, (x: Value) => Value> = {
  celu: x => ops.celu(x),
  elu: x => ops.elu(x),
  gelu: x => ops.gelu(x),
  'gelu by tanh': x => ops.gelu(x, { approximate: 'tanh' }),
  hardSigmoid: x => ops.hardSigmoid(x),
  hardSwish: x => ops.hardSwish(x),
  leakyRelu: x => ops.leakyRelu(x),
  mish: x => ops.mish(x),
  relu: x => ops.relu(x),
  selu: x => ops.selu(x),
  sigmoid: x => ops.sigmoid(x),
  softplus: x => ops.softplus(x),
  softsign: x => ops.softsign(x),
  swish: x => ops.swish(x),
  tanh: x => ops.tanh(x),
  thresholdedRelu: x => ops.thresholdedRelu(x),
}

async function derivatives(build: (x: Value) => Value, points: readonly number[]) {
  const g = graph()
  const x = g.input('x', 'float32', [points.length])
  const y = build(x)
  const [first] = gradients(y, [x])
  const [second] = gradients(first!, [x], { unconnected: 'zeros' })
  const program = await compile(g, { outputs: { y, first: first!, second: second! } })
  const result = await program.run({ x: Float32Array.from(points) })
  return { y: numbersOf(result.y!), first: numbersOf(result.first!), second: numbersOf(result.second!) }
}

describe.each(Object.entries(activations))('%s', (_, build) => {
  test('has finite values and derivatives however large its input', async () => {
    const { y, first, second } = await derivatives(build, [-1e6, -1e3, -100, -30, 0, 30, 100, 1e3, 1e6])
    expect([...y, ...first, ...second].filter(x => !Number.isFinite(x))).toEqual([])
    expect(Math.max(...first.map(Math.abs))).toBeLessThan(3)
  })
})

test('mish is what its definition says, and so are its derivatives', async () => {
  const points = [-12, -5, -2, -1, -0.25, 0, 0.25, 1, 2, 5, 12, 19.5, 21, 40]
  const quick = await derivatives(x => ops.mish(x), points)
  const defined = await derivatives(x => ops.mul(x, ops.tanh(ops.softplus(x))), points)
  for (const order of ['y', 'first', 'second'] as const)
    quick[order].forEach((x, i) => {
      expect(Math.abs(x - defined[order][i]!)).toBeLessThan(2e-6)
    })
})

test('swish is written as its parts, for the operator set has no Swish yet', () => {
  const g = graph()
  const y = ops.swish(g.input('x', 'float32', ['batch', 4]), { alpha: 2 })
  expect(g.nodes.map(node => node.op)).toEqual(['Mul', 'Sigmoid', 'Mul'])
  expect(y.shape).toEqual(['batch', 4])
})

test('slopes of pRelu must broadcast to the input, not the other way round', () => {
  const g = graph()
  const x = g.input('x', 'float32', ['batch', 3])
  expect(ops.pRelu(x, [0.1, 0.2, 0.3]).shape).toEqual(['batch', 3])
  expect(() => ops.pRelu(x, g.input('slopes', 'float32', [2, 'batch', 3]))).toThrow(/prelu-slope.*\[channels, 1, 1\]/)
})
