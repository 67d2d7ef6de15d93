import { describe, expect, test } from 'vitest'
import { gradients } from '../autodiff/index.js'
import { counterRandom, Graph, type Tensor, tensor, type Value } from '../ir/index.js'
import { mixKey } from '../ops/counter-random.js'
import * as ops from '../ops/index.js'
import { initialValue, keyLabel, type Optimizer, stepInfo, traceUpdate } from '../optim/optimizer.js'
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
  const infos = Object.entries(start).map(([path, { shape }]) => ({ path, shape }))
  const declared = optimizer.slots(infos)
  const programs = new Map<string, ReturnType<typeof build>>()
  const build = async (phase: string | null) => {
    const graph = new Graph()
    const input = (path: string, t: Tensor): Value => graph.input(path, t.dtype, t.shape)
    const values = Object.fromEntries(Object.entries(start).map(([path, t]) => [path, input(path, t)]))
    const at = (others: Readonly<Record<string, Value>>) => {
      const loss = objective(others)
      return { loss, gradients: gradients(loss, Object.values(others), { unconnected: 'zeros' }) }
    }
    const now = at(values)
    const parameters = infos.map(({ path }, i) => ({ path, value: values[path]!, gradient: now.gradients[i]! }))
    const outputs: Record<string, Value> = { loss: now.loss }
    if (phase === null) {
      for (const { path, gradient } of parameters) outputs[`gradient ${path}`] = gradient
      return { program: await compile(graph, { outputs }), feeds: {}, updated: [] }
    }
    let key: Value | undefined
    const trace = traceUpdate(optimizer, {
      parameters,
      phase,
      key: name => {
        key ??= graph.input('key', 'uint32', [])
        return mixKey(key, keyLabel(name))
      },
      gradientsAt: others => at({ ...values, ...Object.fromEntries(others) }).gradients,
    })
    const next = [...trace.parameters, ...trace.slots]
    for (const [name, value] of next) outputs[`next ${name}`] = value
    const program: Program = await compile(graph, { outputs })
    return { program, feeds: trace.feeds, updated: next.map(([name]) => name) }
  }
  const built = (phase: string | null) => {
    const known = programs.get(phase ?? '') ?? build(phase)
    programs.set(phase ?? '', known)
    return known
  }
  const begin: Progress = {
    step: 0,
    parameters: start,
    slots: Object.fromEntries(declared.map(slot => [slot.name, initialValue(slot, start[slot.parameter]!)])),
  }
  const byHost = async (from: Progress): Promise<Progress & { loss: number }> => {
    const { program } = await built(null)
    const evaluate = async (at: Readonly<Record<string, Float32Array>>) => {
      const moved = Object.entries(at).map(([path, data]) => [path, { ...start[path]!, data }])
      const out = await program.run({ ...from.parameters, ...Object.fromEntries(moved) }, undefined, {
        ignoreUnknown: true,
      })
      const slopes = infos.map(({ path }) => [path, out[`gradient ${path}`]!.data as Float32Array])
      return { loss: Number(out.loss!.data[0]), gradients: Object.fromEntries(slopes) as Record<string, Float32Array> }
    }
    const first = await evaluate({})
    const info = stepInfo(optimizer, from.step)
    const next = await optimizer.host!({ info, parameters: from.parameters, slots: from.slots, first, evaluate })
    const tensors = (of: Readonly<Record<string, Tensor>>, data: Readonly<Record<string, Float32Array>>) =>
      Object.fromEntries(Object.entries(of).map(([name, t]) => [name, { ...t, data: data[name] ?? t.data }]))
    return {
      step: from.step + 1,
      parameters: tensors(from.parameters, next.parameters),
      slots: tensors(from.slots, next.slots),
      loss: first.loss,
    }
  }
  const next = async (from: Progress): Promise<Progress & { loss: number }> => {
    if (optimizer.host !== undefined) return byHost(from)
    const { step, parameters, slots } = from
    const { program, feeds, updated } = await built(optimizer.phase(step))
    const info = stepInfo(optimizer, step)
    const scalars = Object.fromEntries(
      Object.entries(feeds).map(([name, at]) => [name, tensor([at(info)], [], 'float32')]),
    )
    const key = tensor(Uint32Array.of(counterRandom(7, 'optimizer').bits(step)), [])
    const out = await program.run({ ...parameters, ...slots, ...scalars, key }, undefined, { ignoreUnknown: true })
    const changed = Object.fromEntries(updated.map(name => [name, out[`next ${name}`]!]))
    const merge = (of: Readonly<Record<string, Tensor>>) =>
      Object.fromEntries(Object.entries(of).map(([name, t]) => [name, changed[name] ?? t]))
    return {
      step: step + 1,
      parameters: merge(parameters),
      slots: merge(slots),
      loss: Number(out.loss!.data[0]),
    }
  }
  /** Slots that some phase among the first `steps` gives a new value. */
  const updatedIn = async (steps: number): Promise<string[]> => {
    const names = new Set<string>()
    for (let step = 0; step < steps; step++)
      for (const name of (await built(optimizer.phase(step))).updated) if (!(name in start)) names.add(name)
    return [...names]
  }
  return { begin, next, declared: declared.map(slot => slot.name), updatedIn }
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
      if (make().host === undefined) expect((await at.updatedIn(24)).sort()).toEqual([...at.declared].sort())
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
