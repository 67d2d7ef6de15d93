import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test, vi } from 'vitest'
import { encodeOnnx, graph, RuntimeError, tensor } from '../graph.js'
import * as ops from '../ops/index.js'
import { engineOf, openSession } from './session.js'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

/** A model of about `size` bytes. */
function bytesOf(factor: number, size = 4): Uint8Array {
  const g = graph()
  const w = g.constant(tensor(new Float32Array(size / 4).fill(factor)))
  return encodeOnnx(g, { outputs: { y: ops.mul(g.input('x', 'float32', [size / 4]), w) } })
}

test('equal bytes give one session, other bytes or options another', async () => {
  const first = await openSession(bytesOf(2))
  expect(await openSession(bytesOf(2))).toBe(first)
  expect(await openSession(bytesOf(3))).not.toBe(first)
  expect(await openSession(bytesOf(2), { threads: 1 })).not.toBe(first)
  expect(await openSession(bytesOf(2), { optimization: 'all' })).not.toBe(first)
  expect(await openSession(bytesOf(2))).toBe(first)
})

test('what ONNX Runtime refuses is a RuntimeError with its words, each time anew', async () => {
  const create = vi.spyOn((await engineOf('cpu')).ort.InferenceSession, 'create')
  for (let i = 1; i <= 2; i++) {
    const error = await openSession(Uint8Array.of(1, 2, 3)).catch(cause => cause as RuntimeError)
    expect(error).toBeInstanceOf(RuntimeError)
    expect(error).toMatchObject({ code: 'session', where: 'cpu', received: expect.stringMatching(/protobuf|model/i) })
    expect(create).toHaveBeenCalledTimes(i)
  }
  create.mockRestore()
})

test('sessions nobody uses any more are given back with the bytes they were made of', async () => {
  const open = async (from: number, count: number) => {
    for (let i = from; i < from + count; i++) {
      await openSession(bytesOf(i + 0.5, 4_000_000))
      if (i % 5 === 0) {
        collectGarbage()
        await new Promise(resolve => setTimeout(resolve, 5))
      }
    }
    collectGarbage()
    await new Promise(resolve => setTimeout(resolve, 20))
    collectGarbage()
    return process.memoryUsage.rss()
  }
  const before = await open(0, 10)
  const after = await open(10, 40)
  // Forty models of 4 MB, held twice: as bytes here and as tensors in the runtime.
  expect(after - before).toBeLessThan(120e6)
})
