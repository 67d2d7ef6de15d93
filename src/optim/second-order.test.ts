import { describe, expect, test } from 'vitest'
import { optimizers } from '../index.js'
import { type Tensor, tensor } from '../ir/index.js'
import * as ops from '../ops/index.js'
import { evaluate, expectClose, type Figure, figureTensor, readFigures } from '../testing/figures.js'
import { mixedObjective } from '../testing/objective.js'
import { testOptimizer } from '../testing/optimizer.js'
import type { LbfgsOptions, Optimizer, ShampooOptions } from './index.js'
import { asBlocks, blocksOf, fromBlocks } from './links/blocks.js'
import { inverseRoot } from './links/inverse-root.js'
import { minimizer, type Objective, type Progress } from './minimizer.js'

const { start, objective } = mixedObjective(new URL('./figures/matrix.json', import.meta.url))

// Made by figures/second_order.py.
interface Row {
  name: 'shampoo' | 'lbfgs'
  loss?: 'objective' | 'rosenbrock'
  options: Record<string, unknown>
  float32?: Record<string, number>
  settled?: number
  steps: Record<string, number[][]>
}
const { cases, roots } = readFigures<{
  roots: { root: number; damping: number; condition: number; matrix: Figure; result: Figure }[]
  cases: Row[]
}>(new URL('./figures/second_order.json', import.meta.url))

const rosenbrock: Objective = ({ a }) => {
  const [a0, a1] = [ops.slice(a!, [0], [1], [0]), ops.slice(a!, [1], [2], [0])]
  const off = ops.sub(a1, ops.square(a0))
  const valley = ops.add(ops.square(ops.sub(a0, 1)), ops.mul(ops.square(off), 100))
  return ops.reduceSum(valley, { keepdims: 0 })
}
const valleyStart = { a: tensor(Float32Array.of(-1.2, 1), [2]) }

describe('walks as in the references, 100 steps', () => {
  test.each(cases.map(row => [row.name, row.loss ?? '', row.options, row] as const))(
    '%s %s %j',
    async (name, loss, options, { steps, float32 = {}, settled = 101 }) => {
      const from: Record<string, Tensor> = loss === 'rosenbrock' ? valleyStart : start
      const at = await minimizer(optimizers[name](options), from, loss === 'rosenbrock' ? rosenbrock : objective)
      let now: Progress = at.begin
      for (let step = 1; step <= 100; step++) {
        now = await at.next(now)
        // Line searches decide by losses in float32: as near as PyTorch's own run in float32 comes, to a small factor.
        const tolerance = step >= settled ? 5e-4 : Math.max(1e-5, 5 * (float32[step] ?? 0))
        steps[step]?.forEach((data, i) => {
          const path = Object.keys(from)[i]!
          const wanted = { shape: from[path]!.shape, data }
          expectClose(now.parameters[path]!, wanted, { tolerance, what: `step ${step}, ${path}` })
        })
      }
    },
  )
})

describe('inverse roots by products alone are those of the eigendecomposition', () => {
  test.each(roots)(
    'A^(-1/$root), condition $condition, damping $damping',
    async ({ root, damping, matrix, result }) => {
      const { out } = await evaluate({}, (_, graph) => ({
        out: inverseRoot(graph.constant(figureTensor(matrix)), { root, damping }),
      }))
      const floor = Math.max(...result.data.map(Math.abs))
      expectClose(out!, result, { tolerance: 5e-5, floor })
    },
  )

  test('many at once, and of matrices that are zero', async () => {
    const { out } = await evaluate({}, (_, graph) => {
      const both = Float32Array.of(4, 0, 0, 9, 0, 0, 0, 0)
      return { out: inverseRoot(graph.constant(tensor(both, [2, 2, 2])), { root: 2, damping: 1e-6 }) }
    })
    const [a, b, c, d, ...zero] = [...(out!.data as Float32Array)]
    expectClose(tensor(Float32Array.of(a!, b!, c!, d!), [4]), { shape: [4], data: [1 / 2, 0, 0, 1 / 3] })
    expect(zero.every(Number.isFinite)).toBe(true)
  })
})

describe('blocks', () => {
  test.each([
    [[5, 3], 2],
    [[4, 4], 4],
    [[7], 3],
    [[], 8],
    [[2, 3, 2, 2], 5],
    [[1, 6, 1], 4],
  ])('a parameter %j in blocks of at most %i comes back as it was', async (shape, most) => {
    const size = shape.reduce((a, b) => a * b, 1)
    const x = tensor(
      Float32Array.from({ length: size }, (_, i) => i + 1),
      shape,
    )
    const plan = blocksOf(shape, most)
    expect(Math.max(plan.side.left, plan.side.right)).toBeLessThanOrEqual(most)
    const { out } = await evaluate({ x }, ({ x: value }) => ({ out: fromBlocks(asBlocks(value!, plan), plan) }))
    expect(out).toEqual(x)
  })
})

describe('shampoo', () => {
  const phases = (options: ShampooOptions, updates: number) =>
    Array.from({ length: updates }, (_, i) => optimizers.shampoo(options).phase(i))

  test('takes new roots at intervals, after updates by the graft alone', () => {
    expect(phases({ preconditioningFrequency: 3, preconditioningStart: 2 }, 7)).toEqual([
      'graft',
      'graft',
      'precondition',
      'update',
      'update',
      'precondition',
      'update',
    ])
  })

  test('groups have intervals of their own', async () => {
    const options = { preconditioningFrequency: 3, groups: [{ match: 'b', preconditioningFrequency: 2 }] }
    expect(phases(options, 4)).toEqual([
      'precondition+precondition',
      'update+update',
      'update+precondition',
      'precondition+update',
    ])
    const from = { a: start['dense/kernel']!, b: start['embedding/embeddings']! }
    const bowl: Objective = ({ a, b }) =>
      ops.add(ops.reduceSumSquare(a!, { keepdims: 0 }), ops.reduceSumSquare(b!, { keepdims: 0 }))
    const at = await minimizer(optimizers.shampoo(options), from, bowl)
    const alone = await minimizer(optimizers.shampoo({ preconditioningFrequency: 2 }), { b: from.b }, ({ b }) =>
      ops.reduceSumSquare(b!, { keepdims: 0 }),
    )
    let [now, single]: [Progress, Progress] = [at.begin, alone.begin]
    for (let i = 0; i < 5; i++) [now, single] = [await at.next(now), await alone.next(single)]
    expect(now.parameters.b).toEqual(single.parameters.b)
  })
})

describe('L-BFGS', () => {
  test('goes on from a checkpoint in the middle of its history, bit for bit', async () => {
    const optimizer = optimizers.lbfgs({ maxIter: 2, historySize: 3 })
    const at = await minimizer(optimizer, start, objective)
    let now: Progress = at.begin
    for (let i = 0; i < 4; i++) now = await at.next(now)
    const again = await minimizer(optimizer, start, objective)
    let resumed: Progress = { ...structuredClone(now), step: now.step }
    for (let i = 0; i < 4; i++) [now, resumed] = [await at.next(now), await again.next(resumed)]
    expect(resumed).toEqual(now)
  })

  test('steps over losses that are not finite', async () => {
    // log of what the first step makes negative
    const barrier: Objective = ({ a }) => ops.reduceSum(ops.sub(a!, ops.mul(ops.log(a!), 0.1)), { keepdims: 0 })
    const at = await minimizer(optimizers.lbfgs({ learningRate: 5 }), { a: tensor(Float32Array.of(2), [1]) }, barrier)
    let now: Progress = at.begin
    for (let i = 0; i < 5; i++) now = await at.next(now)
    expectClose(now.parameters.a!, { shape: [1], data: [0.1] }, { tolerance: 1e-3 })
    const bare = await minimizer(
      optimizers.lbfgs({ learningRate: 5, lineSearchFn: null }),
      { a: tensor(Float32Array.of(2), [1]) },
      barrier,
    )
    await expect(bare.next(bare.begin)).rejects.toMatchObject({ name: 'NumericError' })
  })

  test('refuses what changes the gradient behind its line search', () => {
    for (const options of [
      { clipnorm: 1 },
      { globalClipnorm: 1 },
      { weightDecay: 0.1 },
      { gradientAccumulationSteps: 4 },
      { useEma: true },
      { groups: [] },
    ])
      expect(() => optimizers.lbfgs(options as LbfgsOptions)).toThrow(
        expect.objectContaining({ name: 'ConfigError', code: 'not-with-line-search' }),
      )
    for (const wrap of [
      (o: Optimizer) => optimizers.accumulate(o, { steps: 2 }),
      optimizers.ema,
      optimizers.swa,
      optimizers.lookahead,
      optimizers.sam,
    ] as const)
      expect(() => wrap(optimizers.lbfgs())).toThrow(expect.objectContaining({ code: 'host-optimizer' }))
  })
})

testOptimizer(() => optimizers.shampoo({ learningRate: 0.05 }))
testOptimizer(() => optimizers.lbfgs())
testOptimizer(() => optimizers.lbfgs({ lineSearchFn: null, learningRate: 0.1, maxIter: 3, historySize: 2 }))

describe('optimizers refuse', () => {
  test.each<[Row['name'], Record<string, unknown>]>([
    ['shampoo', { blockSize: 0 }],
    ['shampoo', { matrixEpsilon: 0 }],
    ['shampoo', { grafting: 'rmsprop' }],
    ['shampoo', { preconditioningFrequency: 1.5 }],
    ['lbfgs', { historySize: 0 }],
    ['lbfgs', { lineSearchFn: 'wolfe' }],
    ['lbfgs', { maxEval: 0 }],
    ['lbfgs', { momentum: 0.9 }],
  ])('%s with %j', (name, options) => {
    expect(() => optimizers[name](options)).toThrow(expect.objectContaining({ name: 'ConfigError' }))
  })
})
