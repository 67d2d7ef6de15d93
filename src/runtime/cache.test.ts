import { expect, test } from 'vitest'
import { Graph, tensor } from '../ir/index.js'
import * as ops from '../ops/index.js'
import { programCache } from './cache.js'
import { compile } from './program.js'

const scaled = (factor: number, size = 2) => {
  const graph = new Graph()
  const x = graph.input('x', 'float32', [size])
  return { graph, outputs: { y: ops.mul(x, factor) } }
}
const x = tensor(Float32Array.of(1, 2), [2])

test('equal graphs share a program; another constant or shape makes another', async () => {
  const cache = programCache()
  const made = async (factor: number, size?: number) => {
    const { graph, outputs } = scaled(factor, size)
    return compile(graph, { outputs, cache })
  }
  const [a, b, c, d] = [await made(2), await made(2), await made(3), await made(2, 3)]
  expect(b).toBe(a)
  expect(new Set([a, c, d]).size).toBe(3)
  expect(cache.counts).toEqual({ compiled: 3, found: 1 })
  expect((await a.run({ x })).y!.data).toEqual(Float32Array.of(2, 4))
  expect((await c.run({ x })).y!.data).toEqual(Float32Array.of(3, 6))
})

test('what is tunable is fed by each program itself, and makes no other', async () => {
  const cache = programCache()
  const made = async (factor: number) => {
    const graph = new Graph(null, new Map())
    const y = ops.mul(graph.input('x', 'float32', [2]), graph.tunable('float32', factor))
    return compile(graph, { outputs: { y }, cache })
  }
  const [a, b] = [await made(2), await made(3)]
  expect(cache.counts).toEqual({ compiled: 1, found: 1 })
  expect(a.inputs.map(input => input.name)).toEqual(['x'])
  const [p, q] = await Promise.all([a.run({ x }), b.run({ x })])
  expect(p.y!.data).toEqual(Float32Array.of(2, 4))
  expect(q.y!.data).toEqual(Float32Array.of(3, 6))
})

test('the programs used last are kept', async () => {
  const cache = programCache({ size: 2 })
  for (const factor of [1, 2, 1, 3, 1, 2]) {
    const { graph, outputs } = scaled(factor)
    await compile(graph, { outputs, cache })
  }
  expect(cache.counts).toEqual({ compiled: 4, found: 2 })
})

test('what failed to compile is tried again', async () => {
  const cache = programCache()
  const { graph, outputs } = scaled(2)
  const threads = 0
  await expect(compile(graph, { outputs, threads, cache })).rejects.toMatchObject({ code: 'threads' })
  await expect(compile(graph, { outputs, threads, cache })).rejects.toMatchObject({ code: 'threads' })
  expect(cache.counts.compiled).toBe(2)
})
