import { describe, expect, it, test } from 'vitest'
import { operatorsOf, runTraced } from '../../../test/run-traced.js'
import { stopGradient } from '../../autodiff/index.js'
import * as ops from '../../ops/index.js'
import { type Graph, graph, type Shape, tensor, type Value } from '../index.js'
import { removeIdentities } from './index.js'

const feed = tensor([
  [1, -2, 3],
  [4, 5, -6],
])
type Build = (x: Value, g: Graph) => Value
const build = (make: Build, shape: Shape = [2, 3]) => {
  const g = graph()
  return { graph: g, outputs: { y: ops.neg(make(g.input('x', 'float32', shape), g)) } }
}

describe('removeIdentities', () => {
  it.each<[string, Build]>([
    ['Identity', x => ops.identity(x)],
    ['a stop-gradient mark', x => stopGradient(x)],
    ['a Reshape to the same shape', x => ops.reshape(x, [2, 3])],
    ['a Reshape there and back', x => ops.reshape(ops.reshape(x, [3, 2]), [2, -1])],
    ['Unsqueeze and a Reshape back', x => ops.reshape(ops.unsqueeze(x, [0]), [2, 3])],
    ['Flatten of a matrix', x => ops.flatten(x)],
    ['a Transpose of nothing', x => ops.transpose(x, { perm: [0, 1] })],
    ['a Transpose there and back', x => ops.transpose(ops.transpose(x))],
    ['a Cast to the same dtype', x => ops.cast(x, { to: 'float32' })],
    ['an Expand to the same shape', x => ops.expand(x, [2, 3])],
    ['a Slice of the whole', x => ops.slice(x, [0], [100], [1])],
    ['a Pad by nothing', x => ops.pad(x, [0, 0, 0, 0])],
    ['adding 0', x => ops.add(x, 0)],
    ['adding to 0', x => ops.add(x.graph.constant(tensor(0)), x)],
    ['subtracting 0', x => ops.sub(x, 0)],
    ['multiplying by 1', x => ops.mul(x, 1)],
    ['multiplying 1 by it', x => ops.mul(x.graph.constant(tensor([[1]])), x)],
    ['dividing by 1', x => ops.div(x, 1)],
    ['Concat of one', x => ops.concat([x], { axis: 0 })],
    ['Max of one', x => ops.max([x])],
    ['several at once', x => ops.add(ops.mul(ops.identity(ops.reshape(x, [2, 3])), 1), 0)],
  ])('takes out %s', async (_, make) => {
    const traced = build(make)
    const less = removeIdentities(traced)
    expect(operatorsOf(traced).length).toBeGreaterThan(1)
    expect(operatorsOf(less)).toEqual(['Neg'])
    expect(await runTraced(less, { x: feed })).toEqual(await runTraced(traced, { x: feed }))
  })

  it.each<[string, Build]>([
    ['a Reshape to another shape', x => ops.reshape(x, [3, 2])],
    ['a Slice that turns the order round', x => ops.slice(x, [-1], [-100], [1], [-1])],
    ['a Slice of a part', x => ops.slice(x, [0], [2], [1])],
    ['a Transpose', x => ops.transpose(x)],
    ['a Cast to another dtype', x => ops.cast(x, { to: 'float64' })],
    ['an Expand that grows', x => ops.expand(x, [2, 2, 3])],
    ['a Pad that moves', x => ops.pad(x, [0, 1, 0, -1])],
    ['adding 1', x => ops.add(x, 1)],
    ['subtracting from 0', x => ops.sub(x.graph.constant(tensor(0)), x)],
    ['dividing 1 by it', x => ops.div(x.graph.constant(tensor(1)), x)],
    ['multiplying by a 1 that makes it larger', x => ops.mul(x, tensor([[[1]]]))],
    ['multiplying by several ones', x => ops.mul(x, tensor([1, 1, 2]))],
  ])('leaves %s', async (_, make) => {
    const traced = build(make)
    const less = removeIdentities(traced)
    expect(operatorsOf(less)).toEqual(operatorsOf(traced))
    expect(await runTraced(less, { x: feed })).toEqual(await runTraced(traced, { x: feed }))
  })

  test('half precision keeps a constant whose bits are those of the integer 1', () => {
    const g = graph()
    const x = g.input('x', 'float16', [2])
    const least = g.constant({ dtype: 'float16', shape: [], data: Uint16Array.of(1) })
    const y = g.node({ op: 'Mul', inputs: [x, least], outputs: [x] }).outputs[0]!
    expect(operatorsOf(removeIdentities({ graph: g, outputs: { y } }))).toEqual(['Mul'])
  })

  test('joins transposes of transposes and reshapes of reshapes', async () => {
    const g = graph()
    const x = g.input('x', 'float32', [2, 3, 4])
    const turned = ops.transpose(ops.transpose(x, { perm: [1, 2, 0] }), { perm: [1, 2, 0] })
    const shaped = ops.reshape(ops.reshape(ops.squeeze(ops.unsqueeze(x, [1]), [1]), [6, 4]), [4, -1])
    const copied = ops.reshape(ops.reshape(x, [6, 4]), [0, 2, 2])
    const traced = { graph: g, outputs: { turned, shaped, copied } }
    const less = removeIdentities(traced)
    // The zero copies an extent of the matrix in between, which therefore stays.
    expect(operatorsOf(less)).toEqual(['Reshape', 'Reshape', 'Reshape', 'Transpose'])
    const data = tensor(
      Float32Array.from({ length: 24 }, (_, i) => i),
      [2, 3, 4],
    )
    expect(await runTraced(less, { x: data })).toEqual(await runTraced(traced, { x: data }))
  })

  test('one symbolic extent is decided by the others, two are not', () => {
    const one = build(x => ops.reshape(x, [-1, 3]), ['batch', 3])
    expect(operatorsOf(removeIdentities(one))).toEqual(['Neg'])
    const g = graph()
    const x = g.input('x', 'float32', ['a', 'b'])
    const y = g.node({ op: 'Reshape', inputs: [x, g.input('s', 'int64', [2])], outputs: [x] }).outputs[0]!
    expect(operatorsOf(removeIdentities({ graph: g, outputs: { y } }))).toEqual(['Reshape'])
  })

  test('an output that was an identity of an input is still an output', async () => {
    const g = graph()
    const x = g.input('x', 'float32', [2, 3])
    const traced = { graph: g, outputs: { y: ops.identity(x), z: ops.mul(x, 1) } }
    const less = removeIdentities(traced)
    expect(await runTraced(less, { x: feed })).toEqual(await runTraced(traced, { x: feed }))
  })
})
