import { gradients } from '../autodiff/index.js'
import { counterRandom, Graph, type Tensor, tensor, type Value } from '../ir/index.js'
import { mixKey } from '../ops/counter-random.js'
import { compile, type Program } from '../runtime/index.js'
import { initialValue, keyLabel, type Optimizer, stepInfo, traceUpdate } from './optimizer.js'

/** A loss of named parameters. */
export type Objective = (parameters: Readonly<Record<string, Value>>) => Value

/** Parameters, slots and the number of updates made: all there is to an optimization. */
export interface Progress {
  readonly step: number
  readonly parameters: Readonly<Record<string, Tensor>>
  readonly slots: Readonly<Record<string, Tensor>>
}

/** An optimizer at work on a loss, one update at a time, without a model around it. Its programs are compiled once. */
export function minimizer(optimizer: Optimizer, start: Readonly<Record<string, Tensor>>, objective: Objective) {
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
  /** The beginning of a way from other values of the same parameters. */
  const from = (parameters: Progress['parameters']): Progress => ({
    step: 0,
    parameters,
    slots: Object.fromEntries(declared.map(slot => [slot.name, initialValue(slot, parameters[slot.parameter]!)])),
  })
  const byHost = async (now: Progress, rate: number | undefined): Promise<Progress & { loss: number }> => {
    const { program } = await built(null)
    const evaluate = async (at: Readonly<Record<string, Float32Array>>) => {
      const moved = Object.entries(at).map(([path, data]) => [path, { ...start[path]!, data }])
      const out = await program.run({ ...now.parameters, ...Object.fromEntries(moved) }, undefined, {
        ignoreUnknown: true,
      })
      const slopes = infos.map(({ path }) => [path, out[`gradient ${path}`]!.data as Float32Array])
      return { loss: Number(out.loss!.data[0]), gradients: Object.fromEntries(slopes) as Record<string, Float32Array> }
    }
    const first = await evaluate({})
    const info = stepInfo(optimizer, now.step, rate)
    const next = await optimizer.host!({ info, parameters: now.parameters, slots: now.slots, first, evaluate })
    const tensors = (of: Readonly<Record<string, Tensor>>, data: Readonly<Record<string, Float32Array>>) =>
      Object.fromEntries(Object.entries(of).map(([name, t]) => [name, { ...t, data: data[name] ?? t.data }]))
    return {
      step: now.step + 1,
      parameters: tensors(now.parameters, next.parameters),
      slots: tensors(now.slots, next.slots),
      loss: first.loss,
    }
  }
  /** One update, at the schedule's rate or the one given; its loss is the one before it. */
  const next = async (now: Progress, rate?: number): Promise<Progress & { loss: number }> => {
    if (optimizer.host !== undefined) return byHost(now, rate)
    const { step, parameters, slots } = now
    const { program, feeds, updated } = await built(optimizer.phase(step))
    const info = stepInfo(optimizer, step, rate)
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
  return { begin: from(start), from, next, declared: declared.map(slot => slot.name), updatedIn }
}
