import { describe, expect, test } from 'vitest'
import { gradients } from '../autodiff/index.js'
import { Graph, type Tensor, tensor, type Value } from '../ir/index.js'
import * as ops from '../ops/index.js'
import { LEARNING_RATE, type Optimizer, rateAt, slotsOf, traceUpdate } from '../optim/optimizer.js'
import { compile, type Program } from '../runtime/index.js'

export interface OptimizerSuiteOptions {
  /** Parts of the contract that do not hold, each with the reason. */
  skip?: readonly { readonly reason: string; readonly tests: readonly string[] }[]
}

/** A loss of named parameters, for tests. */
export type Objective = (parameters: Readonly<Record<string, Value>>) => Value

/** Parameters, slots and the number of updates made: all there is to an optimization. */
export interface Progress {
  readonly step: number
  readonly parameters: Readonly<Record<string, Tensor>>
  readonly slots: Readonly<Record<string, Tensor>>
}

/** An optimizer at work on a loss, one update at a time, without a model around it. */
export async function minimizer(optimizer: Optimizer, start: Readonly<Record<string, Tensor>>, objective: Objective) {
  const graph = new Graph()
  const values = Object.fromEntries(
    Object.entries(start).map(([path, t]) => [path, graph.input(path, t.dtype, t.shape)]),
  )
  const loss = objective(values)
  const wrt = Object.values(values)
  const grads = gradients(loss, wrt, { unconnected: 'zeros' })
  const parameters = Object.keys(values).map((path, i) => ({ path, value: wrt[i]!, gradient: grads[i]! }))
  const trace = traceUpdate(optimizer, parameters, (name, like) => graph.input(name, like.dtype, like.shape))
  const outputs: Record<string, Value> = { loss }
  for (const [path, value] of trace.parameters) outputs[`next ${path}`] = value
  for (const [name, value] of trace.slots) outputs[`next ${name}`] = value
  const program: Program = await compile(graph, { outputs })
  const one = (x: number): Tensor => tensor([x], [], 'float32')
  const declared = slotsOf(
    optimizer,
    Object.entries(start).map(([path, { shape }]) => ({ path, shape })),
  )
  const begin: Progress = {
    step: 0,
    parameters: start,
    slots: Object.fromEntries(
      declared.map(({ name, shape, initial }) => {
        const size = shape.reduce((a, b) => a * b, 1)
        return [name, tensor(new Float32Array(size).fill(initial), shape)]
      }),
    ),
  }
  const next = async ({ step, parameters: now, slots }: Progress): Promise<Progress & { loss: number }> => {
    const scalars = Object.fromEntries(Object.entries(trace.feeds).map(([name, f]) => [name, one(f(step + 1))]))
    const rate = one(rateAt(optimizer.learningRate, step))
    const out = await program.run({ ...now, ...slots, ...scalars, [LEARNING_RATE]: rate }, undefined, {
      ignoreUnknown: true,
    })
    const pick = (names: Iterable<string>) => Object.fromEntries([...names].map(name => [name, out[`next ${name}`]!]))
    return {
      step: step + 1,
      parameters: pick(Object.keys(start)),
      slots: pick(trace.slots.keys()),
      loss: Number(out.loss!.data[0]),
    }
  }
  return { begin, next, declared: declared.map(slot => slot.name), updated: [...trace.slots.keys()] }
}

/** The contract of an optimizer, as tests. `make` makes it anew each time, with a learning rate of 0.01 to 0.1. */
export function testOptimizer(make: () => Optimizer, { skip = [] }: OptimizerSuiteOptions = {}): void {
  const check = (name: string, run: () => Promise<void>) => {
    const exception = skip.find(entry => entry.tests.includes(name))
    if (exception !== undefined) test.skip(`${name} (${exception.reason})`, run)
    else test(name, run)
  }
  const start = { a: tensor(Float32Array.of(1, -2, 0.5), [3]), b: tensor(Float32Array.of(3), [1, 1]) }
  const bowl: Objective = ({ a, b }) =>
    ops.add(ops.reduceSumSquare(a!, { keepdims: 0 }), ops.reduceSumSquare(b!, { keepdims: 0 }))
  const run = async (updates: number, from?: Progress, objective = bowl) => {
    const at = await minimizer(make(), start, objective)
    const losses: number[] = []
    let now = from ?? at.begin
    for (let i = 0; i < updates; i++) {
      const result = await at.next(now)
      losses.push(result.loss)
      now = result
    }
    return { now, losses, at }
  }

  describe(`${make().name} ${JSON.stringify(make().config)} keeps the contract of an optimizer`, () => {
    check('goes down a bowl', async () => {
      const { losses } = await run(60)
      expect(losses[59]!).toBeLessThan(losses[0]! * 0.9)
      expect(losses.every(Number.isFinite)).toBe(true)
    })

    check('gives every slot it declares a new value, and no other', async () => {
      const { at } = await run(0)
      expect([...at.updated].sort()).toEqual([...at.declared].sort())
    })

    check('goes the same way twice, bit for bit', async () => {
      expect((await run(10)).now).toEqual((await run(10)).now)
    })

    check('goes on from parameters and slots as if it had not stopped', async () => {
      const half = await run(5)
      const resumed = await run(5, JSON.parse(JSON.stringify(half.now), revive) as Progress)
      expect(resumed.now).toEqual((await run(10)).now)
    })

    check('stays where it is when the learning rate is 0', async () => {
      const at = await minimizer({ ...make(), learningRate: 0 }, start, bowl)
      expect((await at.next(await at.next(at.begin))).parameters).toEqual(start)
    })

    check('survives gradients that are all zero', async () => {
      const flat: Objective = ({ a, b }) => ops.mul(bowl({ a: a!, b: b! }), 0)
      const { now } = await run(3, undefined, flat)
      for (const t of Object.values(now.parameters))
        expect(Array.from(t.data as Float32Array).every(Number.isFinite)).toBe(true)
    })

    check('follows a schedule of the number of updates', async () => {
      const seen: number[] = []
      const scheduled: Optimizer = {
        ...make(),
        learningRate: step => {
          seen.push(step)
          return step === 1 ? 0 : 0.01
        },
      }
      const at = await minimizer(scheduled, start, bowl)
      const first = await at.next(at.begin)
      const second = await at.next(first)
      expect(seen).toEqual([0, 1])
      expect(first.parameters).not.toEqual(start)
      if (make().config.momentum === undefined || make().config.momentum === 0)
        expect(second.parameters).toEqual(first.parameters)
    })
  })
}

/** Float32 arrays come back from JSON as records of numbers. */
const revive = (key: string, value: unknown): unknown =>
  key === 'data' ? Float32Array.from(Object.values(value as Record<string, number>)) : value
