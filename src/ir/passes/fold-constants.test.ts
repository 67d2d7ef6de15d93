import { describe, expect, test, vi } from 'vitest'
import { operatorsOf, runTraced } from '../../../test/run-traced.js'
import * as ops from '../../ops/index.js'
import { graph, type Tensor, type Traced, tensor, type Value } from '../index.js'
import { foldConstants } from './index.js'

const feed = tensor([
  [1, -2, 3],
  [4, 5, -6],
])
const evaluate = vi.fn(async (traced: Traced): Promise<Record<string, Tensor>> => {
  const results = await runTraced(traced)
  return Object.fromEntries(
    Object.entries(traced.outputs).map(([name, { dtype }]) => [
      name,
      tensor(results[name]!.numbers, results[name]!.shape, dtype),
    ]),
  )
})
const never = async (): Promise<never> => {
  throw new Error('nothing was left to evaluate')
}
const constant = (x: Value, data: number[]) => x.graph.constant(tensor(data))

describe('foldConstants', () => {
  test('computes what constants lead to, in a single run, and nothing that depends on inputs', async () => {
    evaluate.mockClear()
    const g = graph()
    const x = g.input('x', 'float32', [2, 3])
    const w = ops.exp(ops.add(constant(x, [1, 2, 3]), constant(x, [4, 5, 6])))
    const traced = { graph: g, outputs: { y: ops.mul(x, w), z: ops.add(x, ops.sqrt(w)), w } }
    const folded = await foldConstants(traced, evaluate)
    expect(operatorsOf(folded)).toEqual(['Add', 'Mul'])
    expect(evaluate).toHaveBeenCalledTimes(1)
    expect(Object.keys(evaluate.mock.calls[0]![0].outputs)).toHaveLength(2)
    expect(folded.outputs.w!.constant).not.toBeNull()
    expect(await runTraced(folded, { x: feed })).toEqual(await runTraced(traced, { x: feed }))
  })

  test('needs no run for shapes, zeros and ones, and reshaped constants', async () => {
    const g = graph()
    const x = g.input('x', 'float32', ['batch', 3])
    const still = g.input('still', 'float32', [2, 3])
    const sizes = ops.mul(ops.shape(still), ops.gather(ops.shape(x), [1]))
    const ones = ops.constantOfShape(ops.shape(still), { value: tensor([1]) })
    const w = ops.squeeze(ops.unsqueeze(ops.reshape(constant(x, [1, 2, 3, 4, 5, 6]), [2, 3]), [0]), [0])
    const spread = ops.expand(constant(x, [2]), [2, 3])
    const y = ops.add(ops.mul(still, ones), ops.mul(ops.sub(still, w), spread))
    const traced = { graph: g, outputs: { sizes, y } }
    const folded = await foldConstants(traced, never)
    expect(operatorsOf(folded)).toEqual(['Add', 'Mul', 'Mul', 'Sub'])
    expect(folded.outputs.sizes!.constant).toEqual(tensor(BigInt64Array.of(6n, 9n)))
    const feeds = { x: feed, still: feed }
    expect(await runTraced(folded, feeds)).toEqual(await runTraced(traced, feeds))
  })

  test('a shape with a symbolic extent stays', async () => {
    const g = graph()
    const x = g.input('x', 'float32', ['batch', 3])
    const traced = { graph: g, outputs: { y: ops.shape(x) } }
    expect(operatorsOf(await foldConstants(traced, never))).toEqual(['Shape'])
  })

  test('what would grow large stays a node, and what becomes small again is folded', async () => {
    evaluate.mockClear()
    const g = graph()
    const x = g.input('x', 'float32', [1000, 1000])
    const zeros = ops.constantOfShape(ops.shape(x))
    const total = ops.reduceSum(ops.exp(zeros), { keepdims: 0 })
    const folded = await foldConstants({ graph: g, outputs: { y: ops.add(x, zeros), total } }, evaluate)
    expect(operatorsOf(folded)).toEqual(['Add', 'ConstantOfShape'])
    expect(folded.outputs.total!.constant).toEqual(tensor(1e6))
  })

  test('a large constant that only changes its order is folded, since it does not grow', async () => {
    const g = graph()
    const x = g.input('x', 'float32', [200, 100])
    const w = g.constant(
      tensor(
        Float32Array.from({ length: 20_000 }, (_, i) => i),
        [100, 200],
      ),
    )
    const folded = await foldConstants({ graph: g, outputs: { y: ops.add(x, ops.transpose(w)) } }, evaluate)
    expect(operatorsOf(folded)).toEqual(['Add'])
  })

  test('of a node with a large output all outputs stay', async () => {
    const g = graph()
    const big = ops.expand(g.constant(tensor([1, 2, 3])), [20_000, 3])
    const [large, small] = ops.split(big, [19_999, 1], { axis: 0 })
    const traced = { graph: g, outputs: { large: large!, small: small! } }
    const folded = await foldConstants(traced, evaluate)
    expect(operatorsOf(folded)).toEqual(['Expand', 'Split'])
    expect(await runTraced(folded)).toEqual(await runTraced(traced))
  })

  test('random numbers and bodies are not folded', async () => {
    const g = graph()
    const c = g.constant(tensor([1, 2]))
    const a = g.node({ op: 'RandomNormalLike', inputs: [c], outputs: [c] }).outputs[0]!
    const b = g.node({ op: 'RandomNormal', inputs: [], attrs: { shape: [2] }, outputs: [c] }).outputs[0]!
    expect(operatorsOf(await foldConstants({ graph: g, outputs: { a, b } }, never))).toEqual([
      'RandomNormal',
      'RandomNormalLike',
    ])
  })

  test('integers beyond 2^53, which inference does not know exactly, are left to the run', async () => {
    const g = graph()
    const end = g.constant(tensor(BigInt64Array.of(2n ** 63n - 1n)))
    const traced = { graph: g, outputs: { y: ops.unsqueeze(end, [0]) } }
    const results = await foldConstants(traced, never)
    expect(results.outputs.y!.constant!.data[0]).toBe(2n ** 63n - 1n)
  })

  test('truth values are folded as such', async () => {
    const g = graph()
    const x = g.input('x', 'float32', [2, 3])
    const truth = ops.equal(ops.shape(x), [2, 4])
    const folded = await foldConstants({ graph: g, outputs: { truth } }, never)
    expect(folded.outputs.truth!.constant).toEqual(tensor([true, false]))
  })
})
