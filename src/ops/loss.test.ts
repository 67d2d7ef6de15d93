import { describe, expect, test } from 'vitest'
import { compile, gradients, graph, numbersOf, tensor, type Value } from '../graph.js'
import * as ops from './index.js'

const scores = tensor([1, 2, 3, 0.5, -1, 0.25], [2, 3])
const labels = (data: number[], dims = [data.length]) => tensor(BigInt64Array.from(data, BigInt), dims)

/** Largest difference between the gradient of the loss operator and that of the same loss from parts. */
async function gap(
  rank: 2 | 3,
  whole: (x: Value, t: Value) => Value,
  parts: (x: Value, t: Value) => Value,
  target: number[],
) {
  const g = graph()
  const x = g.input('x', 'float32', rank === 2 ? ['batch', 3] : ['batch', 3, 'length'])
  const t = g.input('t', 'int64', rank === 2 ? ['batch'] : ['batch', 'length'])
  const [a, b] = [gradients(whole(x, t), [x])[0]!, gradients(parts(x, t), [x])[0]!]
  const dims = rank === 2 ? [2] : [1, 2]
  const result = await (await compile(g, { outputs: { a, b } })).run({
    x: rank === 2 ? scores : tensor(scores.data, [1, 3, 2]),
    t: labels(target, dims),
  })
  const [found, wanted] = [numbersOf(result.a!), numbersOf(result.b!)]
  return Math.max(...found.map((v, i) => Math.abs(v - wanted[i]!)))
}
const picked = (logp: Value, t: Value): Value =>
  ops.neg(ops.squeeze(ops.gatherElements(logp, ops.unsqueeze(t, [1]), { axis: 1 }), [1]))

describe('softmaxCrossEntropyLoss', () => {
  test.each([2, 3] as const)('has the gradient of its parts for a symbolic batch, rank %i', async rank => {
    const parts = (x: Value, t: Value) => ops.reduceMean(picked(ops.logSoftmax(x, { axis: 1 }), t))
    expect(await gap(rank, (x, t) => ops.softmaxCrossEntropyLoss(x, t), parts, [2, 0])).toBeLessThan(1e-6)
  })

  test('passes gradients through its second output too', async () => {
    const whole = (x: Value, t: Value) => {
      const { output, log_prob } = ops.softmaxCrossEntropyLoss.all(x, t)
      return ops.add(output, ops.reduceSum(ops.square(log_prob), { keepdims: 0 }))
    }
    const parts = (x: Value, t: Value) => {
      const logp = ops.logSoftmax(x, { axis: 1 })
      return ops.add(ops.reduceMean(picked(logp, t), { keepdims: 0 }), ops.reduceSum(ops.square(logp), { keepdims: 0 }))
    }
    expect(await gap(2, whole, parts, [1, 1])).toBeLessThan(1e-5)
    const alone = (x: Value, t: Value) => ops.square(ops.softmaxCrossEntropyLoss.all(x, t).log_prob)
    expect(await gap(2, alone, x => ops.square(ops.logSoftmax(x, { axis: 1 })), [1, 1])).toBeLessThan(1e-5)
  })

  test('counts nothing where the label is to be ignored, be it no class at all', async () => {
    const g = graph()
    const x = g.input('x', 'float32', [2, 3])
    const loss = ops.softmaxCrossEntropyLoss(x, labels([-100, 1]), { ignore_index: -100 })
    const [dx] = gradients(loss, [x])
    const result = await (await compile(g, { outputs: { dx: dx! } })).run({ x: scores })
    const [first, second] = [numbersOf(result.dx!).slice(0, 3), numbersOf(result.dx!).slice(3)]
    expect(first).toEqual([0, 0, 0])
    expect(second[1]).toBeLessThan(0)
    expect(second.reduce((a, b) => a + b)).toBeCloseTo(0, 6)
  })
})

test('labels and weights that do not fit are refused', () => {
  const g = graph()
  const x = g.input('x', 'float32', ['batch', 3])
  const t = g.input('t', 'int64', ['batch'])
  expect(() => ops.softmaxCrossEntropyLoss(x, x)).toThrow(/int32 or int64 class numbers.*argMax/i)
  expect(() => ops.negativeLogLikelihoodLoss(x, g.input('two', 'int64', ['batch', 1]))).toThrow(/loss-shape/)
  expect(() => ops.negativeLogLikelihoodLoss(x, t, [1, 2])).toThrow(/loss-weights/)
  expect(() => ops.negativeLogLikelihoodLoss(x, t, { reduction: 'average' as 'mean' })).toThrow(/none \| sum \| mean/)
})
