import { describe, expect, it, test } from 'vitest'
import { compile, type GraphError, gradients, graph, isAnnealError, numbersOf, tensor } from '../graph.js'
import * as ops from './index.js'
import { bindDim, bindDims } from './rebuild.js'

const failure = (run: () => unknown): GraphError => {
  try {
    run()
  } catch (error) {
    if (isAnnealError(error)) return error
    throw error
  }
  throw new Error('did not fail')
}

describe('bindDims', () => {
  test('makes every shape that followed from a symbolic dimension static', async () => {
    const g = graph()
    const x = g.input('x', 'float32', ['batch', 3, 'time'])
    const flat = ops.reshape(x, ops.concat([ops.slice(ops.shape(x), [0], [1]), [-1]], { axis: 0 }))
    const y = ops.matMul(ops.transpose(flat), flat)
    expect(y.shape).toEqual(['(time*3)', '(time*3)'])
    const bound = bindDims({ graph: g, outputs: { y, flat } }, { batch: 2, time: 4 })
    expect(bound.outputs.y!.shape).toEqual([12, 12])
    expect(bound.outputs.flat!.shape).toEqual([2, 12])
    expect(bound.graph.inputs[0]!.shape).toEqual([2, 3, 4])
    expect(bound.image.get(y)).toBe(bound.outputs.y)
    expect(bound.outputs.y!.name).toBe(y.name)
    const half = bindDims({ graph: g, outputs: { y } }, { time: 4 })
    expect(half.graph.inputs[0]!.shape).toEqual(['batch', 3, 4])
    expect(half.outputs.y!.shape).toEqual([12, 12])
  })

  test('a gradient bound to a batch size computes what it did', async () => {
    const g = graph()
    const x = g.input('x', 'float32', ['batch', 3])
    const scale = g.input('scale', 'float32', ['rows', 3])
    const loss = ops.reduceMean(ops.exp(ops.mul(x, scale)), { keepdims: 0 })
    const [dx, ds] = gradients(loss, [x, scale])
    const outputs = { loss, dx: dx!, ds: ds! }
    const feeds = { x: tensor([[1, 2, 3], [4, 5, 6]]), scale: tensor([[0.1, 0.2, 0.3]]) } // biome-ignore format: matrices
    const before = await (await compile(g, { outputs })).run(feeds)
    const bound = bindDims({ graph: g, outputs }, { batch: 2, rows: 1 })
    expect(bound.outputs.ds!.shape).toEqual([1, 3])
    const after = await (await compile(bound.graph, { outputs: bound.outputs })).run(feeds)
    for (const name of Object.keys(outputs)) {
      expect(after[name]!.shape).toEqual(before[name]!.shape)
      for (const [i, value] of numbersOf(after[name]!).entries())
        expect(value).toBeCloseTo(numbersOf(before[name]!)[i]!, 6)
    }
  })

  test('refuses names no input has, numbers that are no extents, and numbers that do not fit', () => {
    const g = graph()
    const y = ops.add(g.input('x', 'float32', ['batch', 3]), g.input('z', 'float32', [4, 3]))
    const traced = { graph: g, outputs: { y } }
    expect(failure(() => bindDims(traced, { bach: 4 }))).toMatchObject({
      name: 'ConfigError',
      code: 'unknown-dimension',
      where: 'dims.bach',
    })
    expect(failure(() => bindDims(traced, { batch: 0 }))).toMatchObject({ name: 'ConfigError', code: 'bad-dimension' })
    expect(failure(() => bindDims(traced, { batch: 5 }))).toMatchObject({ name: 'ShapeError', code: 'broadcast' })
    expect(bindDims(traced, { batch: 4 }).outputs.y!.shape).toEqual([4, 3])
  })

  it.each([
    ['batch', 4],
    ['other', 'other'],
    ['(batch*3)', 12],
    ['((batch*3)+other)', '(12+other)'],
    ['((batch+2)/3)', 2],
    ['(my-batch+1)', '(my-batch+1)'],
    ['(batch-1)', 3],
    ['max(batch,other)', 'max(batch,other)'],
  ])('%s becomes %s', (dim, expected) => {
    expect(bindDim(dim, { batch: 4 })).toBe(expected)
  })
})
