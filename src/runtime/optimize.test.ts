import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { operatorsOf, runTraced } from '../../test/run-traced.js'
import { gradients, graph, type Tensor, type Traced, tensor, type Value } from '../graph.js'
import * as ops from '../ops/index.js'
import { optimize } from './optimize.js'

/** Results by name; −0 counts as 0, which adding 0 makes of it. */
async function results(traced: Traced, feeds: Record<string, Tensor>) {
  const all = await runTraced(traced, feeds)
  return Object.fromEntries(
    Object.entries(all).map(([name, { shape, numbers }]) => [name, [shape, numbers.map(x => x + 0)]]),
  )
}
async function same(traced: Traced, feeds: Record<string, Tensor>): Promise<Traced> {
  const optimized = await optimize(traced)
  expect(await results(optimized, feeds)).toEqual(await results(traced, feeds))
  return optimized
}

/** A graph grown at random from a few operators, with constants, repeats and identities among them. */
function grow(choices: readonly (readonly [number, number, number])[]): Traced {
  const g = graph()
  const values: Value[] = [
    g.input('x', 'float32', [2, 3]),
    g.input('y', 'float32', ['rows', 3]),
    g.constant(tensor([[1, 2, 3], [4, 5, 6]])), // biome-ignore format: a matrix
    g.constant(tensor([0.5, 0, -1])),
  ]
  const steps: ((a: Value, b: Value) => Value)[] = [
    (a, b) => ops.add(a, b),
    (a, b) => ops.mul(a, b),
    a => ops.mul(a, 1),
    a => ops.add(a, 0),
    a => ops.tanh(a),
    a => ops.identity(a),
    a => ops.transpose(ops.transpose(a)),
    a => ops.reshape(ops.reshape(a, [-1]), [-1, 3]),
    a => ops.expand(a, [2, 3]),
    a => ops.slice(a, [0], [3], [-1]),
    (a, b) => ops.where(ops.greater(a, b), a, b),
    a => ops.mul(ops.constantOfShape(ops.shape(a), { value: tensor([2]) }), a),
    a => ops.expand(ops.reduceSum(a, [-1]), [2, 3]),
    (a, b) => ops.slice(ops.concat([ops.expand(a, [2, 3]), ops.expand(b, [2, 3])], { axis: 0 }), [1], [3], [0]),
  ]
  for (const [step, left, right] of choices) {
    try {
      values.push(steps[step % steps.length]!(values[left % values.length]!, values[right % values.length]!))
    } catch {
      // Shapes that do not fit: another step is drawn.
    }
  }
  return { graph: g, outputs: Object.fromEntries(values.slice(4).map((value, i) => [`o${i}`, value])) }
}

describe('optimize', () => {
  test('leaves the results of graphs grown at random as they are', async () => {
    const feeds = { x: tensor([[1, -2, 0], [3, 0.25, -0.5]]), y: tensor([[2, 1, 0], [-1, 7, 1e-3]]) } // biome-ignore format: matrices
    let fewer = 0
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(13), fc.nat(20), fc.nat(20)), { minLength: 4, maxLength: 24 }),
        async choices => {
          const traced = grow(choices)
          fc.pre(Object.keys(traced.outputs).length > 0)
          const optimized = await same(traced, feeds)
          if (operatorsOf(optimized).length < operatorsOf(traced).length) fewer++
        },
      ),
      { numRuns: 60, seed: 11 },
    )
    expect(fewer).toBeGreaterThan(40)
  })

  test('makes a training step smaller and computes the same, bit for bit', async () => {
    const g = graph()
    const x = g.input('x', 'float32', ['batch', 4])
    const [w, v] = [g.input('w', 'float32', [4, 3]), g.input('v', 'float32', [3])]
    const y = ops.softmax(ops.add(ops.matMul(x, w), v))
    const loss = ops.reduceMean(ops.mul(y, y), { keepdims: 0 })
    const [dw, dv] = gradients(loss, [w, v])
    const traced = { graph: g, outputs: { loss, w1: ops.sub(w, ops.mul(dw!, 0.1)), v1: ops.sub(v, ops.mul(dv!, 0.1)) } }
    const feeds = {
      x: tensor(
        Float32Array.from({ length: 20 }, (_, i) => Math.sin(i)),
        [5, 4],
      ),
      w: tensor(
        Float32Array.from({ length: 12 }, (_, i) => Math.cos(i)),
        [4, 3],
      ),
      v: tensor([0.1, 0.2, 0.3]),
    }
    const optimized = await same(traced, feeds)
    expect(operatorsOf(optimized).length).toBeLessThan(operatorsOf(traced).length)
  })

  test('does not touch the graph it is given', async () => {
    const g = graph()
    const y = ops.mul(ops.identity(g.input('x', 'float32', [2])), 1)
    await optimize({ graph: g, outputs: { y } })
    expect(g.nodes.map(node => node.op)).toEqual(['Identity', 'Mul'])
  })
})
