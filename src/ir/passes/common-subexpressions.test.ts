import { describe, expect, test } from 'vitest'
import { operatorsOf, runTraced } from '../../../test/run-traced.js'
import * as ops from '../../ops/index.js'
import { Graph, graph, tensor, type Value } from '../index.js'
import { commonSubexpressions } from './index.js'

const feed = tensor([
  [1, -2, 3],
  [4, 5, -6],
])
const x = (g: Graph) => g.input('x', 'float32', [2, 3])

describe('commonSubexpressions', () => {
  test('computes equal nodes once, and what follows from them', async () => {
    const g = graph()
    const a = ops.exp(ops.transpose(x(g)))
    const b = ops.exp(ops.transpose(g.inputs[0]!, { perm: [1, 0] }))
    const c = ops.exp(ops.transpose(g.inputs[0]!))
    const traced = { graph: g, outputs: { sum: ops.add(a, ops.mul(b, c)), c } }
    const shared = commonSubexpressions(traced)
    // Transpose with and without perm are not the same text, so one pair stays.
    expect(operatorsOf(shared)).toEqual(['Add', 'Exp', 'Exp', 'Mul', 'Transpose', 'Transpose'])
    expect(operatorsOf(traced)).toHaveLength(8)
    expect(await runTraced(shared, { x: feed })).toEqual(await runTraced(traced, { x: feed }))
  })

  test('tells attributes, operators and the order of inputs apart', async () => {
    const g = graph()
    const [a, b] = [x(g), g.input('y', 'float32', [2, 3])]
    const parts = [
      ops.leakyRelu(a, { alpha: 0.1 }),
      ops.leakyRelu(a, { alpha: 0.2 }),
      ops.sub(a, b),
      ops.sub(b, a),
      ops.add(a, 0),
      ops.add(a, -0),
      ops.cast(a, { to: 'float64' }),
      ops.cast(a, { to: 'int32' }),
    ]
    const traced = { graph: g, outputs: Object.fromEntries(parts.map((value, i) => [`o${i}`, value])) }
    expect(operatorsOf(commonSubexpressions(traced))).toEqual(operatorsOf(traced))
  })

  test('takes constants of equal content for one, and tells others apart', () => {
    const g = graph()
    const large = new Float32Array(30).map((_, i) => i)
    const sum = (data: Float32Array, shape: number[]) => ops.reshape(ops.add(g.constant(tensor(data, shape)), 1), [30])
    const outputs = {
      a: sum(large, [5, 6]),
      b: sum(large.slice(), [5, 6]),
      c: sum(large, [6, 5]),
      d: sum(large.with(29, 0), [5, 6]),
    }
    expect(operatorsOf(commonSubexpressions({ graph: g, outputs })).filter(op => op === 'Add')).toHaveLength(3)
  })

  test('leaves what is random alone', () => {
    const g = graph()
    const like = x(g)
    const draw = (op: string) => g.node({ op, inputs: [like], outputs: [like] }).outputs[0]!
    for (const op of ['RandomNormalLike', 'RandomUniformLike', 'Bernoulli', 'Multinomial', 'Dropout']) {
      const traced = { graph: g, outputs: { a: draw(op), b: draw(op) } }
      expect(operatorsOf(commonSubexpressions(traced))).toEqual([op, op])
    }
    const none = (op: string) => g.node({ op, inputs: [], outputs: [like] }).outputs[0]!
    const traced = { graph: g, outputs: { a: none('RandomNormal'), b: none('RandomNormal') } }
    expect(operatorsOf(commonSubexpressions(traced))).toHaveLength(2)
  })

  test('leaves nodes with bodies alone, but takes what they use from around them from the new graph', async () => {
    const g = graph()
    const condition = g.input('c', 'bool', [])
    const once = ops.neg(x(g))
    const twice = ops.neg(g.inputs[1]!)
    const branch = (value: Value, name: string): Graph => {
      const body = new Graph(g)
      const doubled = body.node({ op: 'Add', inputs: [value, value], outputs: [value] }).outputs[0]!
      body.results.push({ name, value: doubled })
      return body
    }
    const choose = () =>
      g.node({
        op: 'If',
        inputs: [condition],
        attrs: { then_branch: branch(once, 'then'), else_branch: branch(twice, 'else') },
        outputs: [once],
      }).outputs[0]!
    const traced = { graph: g, outputs: { a: choose(), b: choose(), d: twice } }
    const shared = commonSubexpressions(traced)
    expect(operatorsOf(shared)).toEqual(['If', 'If', 'Neg'])
    const feeds = { x: feed, c: tensor(true) }
    expect(await runTraced(shared, feeds)).toEqual(await runTraced(traced, feeds))
  })
})
