import { expect, test } from 'vitest'
import { Graph, type Tensor, tensor, type Value } from '../../ir/index.js'
import { logSoftmax } from '../../ops/index.js'
import { compile } from '../index.js'
import { logSoftmaxByParts } from './log-softmax.js'

async function values(by: (x: Value) => Promise<Value>, x: Tensor): Promise<number[]> {
  const graph = new Graph()
  const y = await by(graph.input('x', 'float32', x.shape))
  return [...((await (await compile(y.graph, { outputs: { y }, lowering: false })).run({ x })).y!.data as Float32Array)]
}

test.each([-1, 0, 1])('over axis %i it is what the kernel computes, for large numbers too', async axis => {
  const x = tensor(Float32Array.of(1, 2, -3, 88.5, 1e4, -1e4, 0, 0, 0.5, -0.25, 300, 299), [2, 2, 3])
  const kernel = await values(async x => logSoftmax(x, { axis }), x)
  const parts = await values(async x => {
    const { graph, outputs } = await logSoftmaxByParts.apply(
      { graph: x.graph, outputs: { y: logSoftmax(x, { axis }) } },
      {},
    )
    expect(graph.nodes.map(node => node.op)).not.toContain('LogSoftmax')
    return outputs.y!
  }, x)
  expect(parts).toHaveLength(12)
  parts.forEach((value, i) => {
    expect(Math.abs(value - kernel[i]!)).toBeLessThanOrEqual(2e-6 * Math.max(1, Math.abs(kernel[i]!)))
  })
})

test('it applies to WebGPU alone', () => {
  expect(logSoftmaxByParts.applies({ device: 'webgpu' })).toBe(true)
  expect(logSoftmaxByParts.applies({ device: 'cpu' })).toBe(false)
})
