import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, it, test, vi } from 'vitest'
import { compile, compileStateful, graph, numbersOf, RuntimeError, ShapeError, type Tensor, tensor } from '../graph.js'
import * as ops from '../ops/index.js'
import { engineOf } from './session.js'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

const matrix = (rows: number, columns: number) => tensor(new Float32Array(rows * columns).fill(1), [rows, columns])
async function sum() {
  const g = graph()
  const x = g.input('x', 'float32', ['batch', 3])
  const z = g.input('z', 'float32', ['batch', 3])
  const n = g.input('n', 'int64', [2])
  const unused = g.input('unused', 'float32', [1])
  expect(unused.name).toBe('unused')
  return compile(g, { outputs: { y: ops.add(x, z), m: ops.add(n, 1) } })
}
const good = { x: matrix(2, 3), z: matrix(2, 3), n: BigInt64Array.of(1n, 2n) }
async function refused(
  feeds: Record<string, Tensor | Float32Array | Float64Array | BigInt64Array>,
): Promise<ShapeError> {
  const program = await sum()
  try {
    await program.run(feeds)
  } catch (error) {
    if (error instanceof ShapeError) return error
    throw error
  }
  throw new Error('was accepted')
}

describe('Program', () => {
  test('runs with tensors, and with plain arrays where the shape is known', async () => {
    const { y, m } = await (await sum()).run(good)
    expect(y).toEqual(tensor(new Float32Array(6).fill(2), [2, 3]))
    expect(m).toEqual(tensor(BigInt64Array.of(2n, 3n)))
  })

  it.each<[string, object, string, string, RegExp | undefined]>([
    ['a missing feed', { x: good.x, n: good.n }, 'missing-feed', 'z', /float32 \[batch, 3\]/],
    ['an unknown feed', { ...good, zz: good.x }, 'unknown-feed', 'zz', undefined],
    ['another dtype', { ...good, x: tensor(new Float64Array(6), [2, 3]) }, 'feed-shape', 'x', /float32 \[batch, 3\]/],
    ['an array of another type', { ...good, n: new Float32Array(2) }, 'feed-shape', 'n', /int64 \[2\]/],
    ['another rank', { ...good, x: tensor([1, 2, 3]) }, 'feed-shape', 'x', undefined],
    ['another extent', { ...good, x: matrix(2, 4) }, 'feed-shape', 'x', undefined],
    ['another number of elements', { ...good, n: BigInt64Array.of(1n) }, 'feed-shape', 'n', undefined],
    [
      'a shape that does not fit its data',
      { ...good, x: { dtype: 'float32', shape: [2, 3], data: new Float32Array(5) } },
      'feed-shape',
      'x',
      undefined,
    ],
    ['an array where the shape is not known', { ...good, x: new Float32Array(6) }, 'feed-shape', 'x', undefined],
    ['one name bound to two extents', { ...good, z: matrix(4, 3) }, 'feed-shape', 'z', /batch = 2, 3/],
  ])('refuses %s', async (_, feeds, code, where, expected) => {
    const error = await refused(feeds as typeof good)
    expect(error).toMatchObject({ code, where })
    if (expected !== undefined) expect(error.expected).toMatch(expected)
  })

  test('takes a feed for an input of the graph that no output needs', async () => {
    const { y } = await (await sum()).run({ ...good, unused: tensor([1]) })
    expect(y!.shape).toEqual([2, 3])
  })

  test('a name is bound anew at each run', async () => {
    const program = await sum()
    await program.run(good)
    const { y } = await program.run({ ...good, x: matrix(5, 3), z: matrix(5, 3) })
    expect(y!.shape).toEqual([5, 3])
  })

  test('results are the caller’s to keep, also when it runs again, or several times at once', async () => {
    const g = graph()
    const x = g.input('x', 'float32', [4])
    let y = ops.mul(x, 2)
    for (let i = 0; i < 50; i++) y = ops.tanh(y)
    const program = await compile(g, { outputs: { y, double: ops.mul(x, 2) } })
    const feeds = Array.from({ length: 20 }, (_, i) => new Float32Array(4).fill(i))
    const together = await Promise.all(feeds.map(x => program.run({ x })))
    expect(together.map(({ double }) => numbersOf(double!)[0])).toEqual(feeds.map((_, i) => 2 * i))
    const first = await program.run({ x: feeds[1]! })
    await program.run({ x: feeds[2]! })
    expect(numbersOf(first.double!)).toEqual([2, 2, 2, 2])
  })

  test('an error of the runtime is a RuntimeError, and the program goes on after it', async () => {
    const g = graph()
    const x = g.input('x', 'float32', ['n'])
    const i = g.input('i', 'int64', [1])
    const program = await compile(g, { outputs: { y: ops.gather(x, i) } })
    await expect(program.run({ x: tensor([1, 2]), i: BigInt64Array.of(9n) })).rejects.toThrow(RuntimeError)
    expect(numbersOf((await program.run({ x: tensor([1, 2]), i: BigInt64Array.of(1n) })).y!)).toEqual([2])
  })

  test('equal graphs share a session, also when compiled at once; others do not', async () => {
    const { ort } = await engineOf('cpu')
    const create = vi.spyOn(ort.InferenceSession, 'create')
    try {
      const build = (factor: number) => {
        const g = graph()
        return compile(g, { outputs: { y: ops.mul(g.input('shared', 'float32', [3]), factor) } })
      }
      const programs = await Promise.all([build(41), build(41), build(41)])
      programs.push(await build(41))
      expect(create).toHaveBeenCalledTimes(1)
      await build(43)
      expect(create).toHaveBeenCalledTimes(2)
      expect(new Set(programs).size).toBe(4)
    } finally {
      create.mockRestore()
    }
  })

  test('sessions leave the cores to others: no spinning threads, as many as asked for, denormals as zero', async () => {
    const { ort } = await engineOf('cpu')
    const create = vi.spyOn(ort.InferenceSession, 'create')
    try {
      const g = graph()
      await compile(g, { outputs: { y: ops.mul(g.input('options', 'float32', [3]), 2) }, threads: 2 })
      expect(create.mock.calls[0]![1 as 0]).toMatchObject({
        intraOpNumThreads: 2,
        extra: { session: { intra_op: { allow_spinning: '0' }, set_denormal_as_zero: '1' } },
      })
    } finally {
      create.mockRestore()
    }
  })

  test('a device that is not there is refused with the list of those that are', async () => {
    const g = graph()
    const outputs = { y: ops.neg(g.input('x', 'float32', [1])) }
    const error = await compile(g, { outputs, device: 'npu' as 'cpu' }).catch(cause => cause as RuntimeError)
    expect(error).toMatchObject({ name: 'RuntimeError', code: 'no-device', received: 'npu' })
    expect((error as RuntimeError).expected).toMatch(/cpu.*wasm/)
  })

  it.each([0, 1.5, -1])('refuses %s threads', async threads => {
    const g = graph()
    const outputs = { y: ops.neg(g.input('x', 'float32', [1])) }
    await expect(compile(g, { outputs, threads })).rejects.toMatchObject({ name: 'ConfigError', code: 'threads' })
  })
})

/** w ← w − 0.1·x, with a running count. */
async function counter(size: number) {
  const g = graph()
  const w = g.input('w', 'float32', [size])
  const count = g.input('count', 'int64', [])
  const next = ops.sub(w, ops.mul(g.input('x', 'float32', [size]), 0.1))
  return compileStateful(g, {
    outputs: { before: ops.reduceSum(w, { keepdims: 0 }) },
    updates: { w: next, count: ops.add(count, 1) },
    initial: { w: tensor(new Float32Array(size).fill(1)), count: tensor(BigInt64Array.of(0n), []) },
  })
}

describe('StatefulProgram', () => {
  test('each step sees what the one before left, whichever of the two buffers holds it', async () => {
    const { step, state } = await counter(3)
    const x = new Float32Array([1, 2, 3])
    const seen: number[] = []
    for (let i = 0; i < 7; i++) seen.push((await step({ x })).before!.data[0] as number)
    for (const [i, value] of seen.entries()) expect(value).toBeCloseTo(3 - 0.6 * i, 5)
    expect((await state.read('count')).data[0]).toBe(7n)
    const copy = await state.read('w')
    await step({ x })
    expect(numbersOf(copy)[0]).toBeCloseTo(0.3, 5)
  })

  test('a step that fails leaves the state as it was', async () => {
    const g = graph()
    const w = g.input('w', 'float32', [2])
    const next = ops.add(w, ops.gather(g.input('x', 'float32', ['n']), g.input('i', 'int64', [1])))
    const { step, state } = await compileStateful(g, {
      outputs: {},
      updates: { w: next },
      initial: { w: tensor([1, 2]) },
    })
    const x = tensor([10, 20])
    await step({ x, i: BigInt64Array.of(0n) })
    await expect(step({ x, i: BigInt64Array.of(7n) })).rejects.toThrow(RuntimeError)
    expect(numbersOf(await state.read('w'))).toEqual([11, 12])
    await step({ x, i: BigInt64Array.of(1n) })
    expect(numbersOf(await state.read('w'))).toEqual([31, 32])
  })

  test('two programs may share one state', async () => {
    const first = await counter(2)
    const g = graph()
    const w = g.input('w', 'float32', [2])
    const doubling = await compile(g, { outputs: {}, updates: { w: ops.mul(w, 2) } })
    await first.step({ x: new Float32Array(2) })
    await doubling.run({}, first.state)
    await first.step({ x: new Float32Array([10, 0]) })
    expect(numbersOf(await first.state.read('w'))).toEqual([1, 2])
  })

  test('memory stays flat over 2,000 steps', async () => {
    const { step } = await counter(20_000)
    const x = new Float32Array(20_000).fill(1e-3)
    const run = async (steps: number) => {
      for (let i = 0; i < steps; i++) await step({ x })
      collectGarbage()
      return process.memoryUsage.rss()
    }
    const before = await run(200)
    const after = await run(2000)
    // A leak of one buffer of 80 kB per step would be 160 MB.
    expect(after - before).toBeLessThan(30e6)
  })
})
