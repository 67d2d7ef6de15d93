import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterEach, describe, expect, test, vi } from 'vitest'
import {
  type CompileOptions,
  compile,
  createState,
  graph,
  numbersOf,
  ShapeError,
  type Tensor,
  tensor,
} from '../graph.js'
import * as ops from '../ops/index.js'
import type { State } from './state.js'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void
afterEach(() => vi.restoreAllMocks())

/** w ← w − m′ with m′ ← m/2 + tanh(x); the loss is the sum of x. Padded lengths, and many elements where asked. */
async function momentum(size = 3, options: Partial<CompileOptions> = {}) {
  const g = graph()
  const [w, m, x] = ['w', 'm', 'x'].map(name => g.input(name, 'float32', [size]))
  const next = ops.add(ops.mul(m!, 0.5), ops.tanh(x!))
  return compile(g, {
    outputs: { loss: ops.reduceSum(x!, { keepdims: 0 }) },
    updates: { m: next, w: ops.sub(w!, next) },
    ...options,
  })
}
async function stateOf(entries: Record<string, Tensor>): Promise<State> {
  const state = await createState()
  for (const [name, value] of Object.entries(entries)) state.write(name, value)
  return state
}
const zeros = (size: number) => tensor(new Float32Array(size))
const both = (size = 3) => stateOf({ w: zeros(size), m: zeros(size) })
const x = (value: number, size = 3) => ({ x: tensor(new Float32Array(size).fill(value)) })
const numbers = async (state: State, name: string) => numbersOf(await state.read(name))

/** What `steps` steps with x = 1 leave in every element of w. */
function expected(steps: number): number {
  let [w, m] = [0, 0]
  for (let i = 0; i < steps; i++) {
    m = 0.5 * m + Math.tanh(1)
    w -= m
  }
  return w
}

describe('a step in place', () => {
  test.each([[['fused-update']], [false]])(
    'that is not accepted leaves everything as it was (lowering %j)',
    async lowering => {
      const program = await momentum(3, { lowering })
      const state = await both()
      const accept = ({ loss }: Readonly<Record<string, Tensor>>) => Number.isFinite(Number(loss!.data[0]))
      await program.run(x(1), state, { accept })
      const before = [await state.read('w'), await state.read('m')]
      for (let i = 0; i < 3; i++) {
        const { loss } = await program.run(x(Number.NaN), state, { accept })
        expect(loss!.data[0]).toBeNaN()
        expect([await state.read('w'), await state.read('m')]).toEqual(before)
      }
      await program.run(x(1), state, { accept })
      expect((await numbers(state, 'w'))[2]).toBeCloseTo(expected(2), 6)
    },
  )

  test('sees what was written between steps, and what was read is the caller’s', async () => {
    const [program, state] = [await momentum(), await both()]
    await program.run(x(1), state)
    const read = await state.read('w')
    const kept = read.data.slice()
    ;(read.data as Float32Array).fill(9)
    state.write('m', zeros(3))
    state.write('w', tensor([10, 20, 30]))
    await program.run(x(1), state)
    expect((await numbers(state, 'w')).map(value => value - Math.round(value / 10) * 10)).toEqual(
      [10, 20, 30].map(value => expect.closeTo(expected(1) + value - Math.round(value / 10) * 10, 5)),
    )
    expect(kept[0]).toBeCloseTo(expected(1), 6)
  })

  test('of several programs and plain ones on one state, in any order, sees what the others left', async () => {
    const state = await both()
    const programs = [
      await momentum(),
      await momentum(3, { lowering: false }),
      await momentum(3, { outputs: {} }),
      await momentum(3, { lowering: false }),
    ]
    const g = graph()
    const looking = await compile(g, { outputs: { seen: ops.neg(g.input('w', 'float32', [3])) } })
    for (let i = 0; i < 12; i++) {
      await programs[(i * i) % 4]!.run(x(1), state, { ignoreUnknown: true })
      expect(numbersOf((await looking.run({}, state)).seen!)[1]).toBeCloseTo(-expected(i + 1), 5)
    }
  })

  test('of a subset, while others rest: each program moves what it updates', async () => {
    const state = await stateOf({ w: zeros(3), m: zeros(3), sum: zeros(3) })
    const g = graph()
    const sum = g.input('sum', 'float32', [3])
    const adding = await compile(g, {
      outputs: {},
      updates: { sum: ops.add(sum, ops.tanh(g.input('x', 'float32', [3]))) },
    })
    const h = graph()
    const [total, w] = [h.input('sum', 'float32', [3]), h.input('w', 'float32', [3])]
    const applying = await compile(h, {
      outputs: {},
      updates: { w: ops.sub(w, ops.mul(total, 0.5)), sum: ops.mul(total, 0) },
    })
    for (let round = 1; round <= 3; round++) {
      await adding.run(x(1), state)
      await adding.run(x(1), state)
      await applying.run({}, state)
      expect((await numbers(state, 'w'))[2]).toBeCloseTo(-round * Math.tanh(1), 5)
      expect(await numbers(state, 'sum')).toEqual([0, 0, 0])
    }
  })

  test('of one program on several states keeps them apart', async () => {
    const program = await momentum()
    const states = [await both(), await both(), await both()]
    for (let i = 0; i < 6; i++) for (let j = 0; j <= i % 3; j++) await program.run(x(1), states[j]!)
    const ran = [6, 4, 2]
    for (const [j, state] of states.entries()) expect((await numbers(state, 'w'))[0]).toBeCloseTo(expected(ran[j]!), 5)
  })

  test('goes on when the memory grows, and when entries go and come', async () => {
    const [small, large] = [await momentum(3), await momentum(200_000)]
    const state = await both()
    await small.run(x(1), state)
    await large.run(x(1, 200_000), await both(200_000))
    const g = graph()
    const big = g.input('big', 'float32', [200_000])
    const growing = await compile(g, { outputs: {}, updates: { big: ops.add(big, 1) } })
    state.write('big', zeros(200_000))
    await growing.run({}, state)
    await small.run(x(1), state)
    expect((await numbers(state, 'w'))[0]).toBeCloseTo(expected(2), 6)
    expect((await numbers(state, 'big')).at(-1)).toBe(1)
    state.delete('big')
    state.write('m', tensor([0, 0, 0]))
    state.delete('m')
    await expect(small.run(x(1), state)).rejects.toMatchObject({ code: 'unknown-state', where: 'm' })
    state.write('m', zeros(3))
    state.write('w', zeros(3))
    await small.run(x(1), state)
    expect((await numbers(state, 'w'))[0]).toBeCloseTo(expected(1), 6)
  })

  test('begun several at once are made one after the other, and readers see whole steps', async () => {
    const size = 50_000
    const [program, state] = [await momentum(size), await both(size)]
    const g = graph()
    const w = g.input('w', 'float32', [size])
    let spread = ops.sub(w, ops.reduceMean(w))
    for (let i = 0; i < 5; i++) spread = ops.add(spread, ops.sub(w, ops.reduceMean(w)))
    const looking = await compile(g, { outputs: { spread: ops.reduceL1(spread, { keepdims: 0 }) } })
    const steps = Array.from({ length: 20 }, () => program.run(x(1, size), state))
    const looks = Array.from({ length: 20 }, () => looking.run({}, state))
    await Promise.all(steps)
    for (const { spread } of await Promise.all(looks)) expect(Number(spread!.data[0])).toBeLessThan(size * 1e-3)
    expect((await numbers(state, 'w')).at(-1)).toBeCloseTo(expected(20), 3)
  })

  test('without memory for kernels is the plain step', async () => {
    class None {
      constructor() {
        throw new RangeError('WebAssembly.Memory(): could not allocate memory')
      }
    }
    vi.spyOn(WebAssembly, 'Memory').mockImplementation(None as never)
    const [program, state] = [await momentum(), await both()]
    for (let i = 0; i < 3; i++) await program.run(x(1), state)
    expect((await numbers(state, 'w'))[0]).toBeCloseTo(expected(3), 6)
    vi.restoreAllMocks()
    await program.run(x(1), state)
    expect((await numbers(state, 'w'))[0]).toBeCloseTo(expected(4), 6)
  })

  test('wants the entries it updates: their names, dtypes and sizes', async () => {
    const program = await momentum()
    await expect(program.run(x(1), await stateOf({ w: zeros(3) }))).rejects.toMatchObject({ code: 'unknown-state' })
    await expect(program.run(x(1), await stateOf({ w: zeros(3), m: zeros(4) }))).rejects.toThrow(ShapeError)
    await expect(program.run(x(1))).rejects.toMatchObject({ code: 'state-device', received: 'none' })
    await expect(program.run({}, await both())).rejects.toMatchObject({ code: 'missing-feed', where: 'x' })
    await expect(program.run({ ...x(1), y: zeros(1) }, await both())).rejects.toMatchObject({ code: 'unknown-feed' })
  })

  test('sets to zero what has become too small, every hundred steps', async () => {
    const g = graph()
    const program = await compile(g, { outputs: {}, updates: { m: ops.mul(g.input('m', 'float32', [5]), 0.9) } })
    const state = await stateOf({ m: tensor([1, 1e-38, -1e-38, 2e-45, 1e-37]) })
    for (let i = 0; i < 100; i++) await program.run({}, state)
    const [normal, ...rest] = await numbers(state, 'm')
    expect(normal).toBeCloseTo(0.9 ** 100, 8)
    expect(rest.map(Math.abs)).toEqual([0, 0, 0, 0])
  })

  test('takes a program’s every state with it when that goes', async () => {
    const size = 1_000_000
    const program = await momentum(size)
    const work = async (times: number) => {
      for (let i = 0; i < times; i++) {
        const state = await both(size)
        await program.run(x(1, size), state)
        await program.run(x(1, size), state)
      }
      collectGarbage()
      return process.memoryUsage.rss()
    }
    const before = await work(3)
    // Each state is 12 MB with its gradients: kept, they would be 240 MB.
    expect((await work(20)) - before).toBeLessThan(100e6)
  })
})
