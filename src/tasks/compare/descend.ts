import { gradients } from '../../autodiff/index.js'
import { Graph, type Tensor, tensor, type Value } from '../../ir/index.js'
import { mixKey } from '../../ops/counter-random.js'
import { initialValue, type Optimizer, stepInfo, traceUpdate } from '../../optim/optimizer.js'
import { compile, type Program } from '../../runtime/index.js'

/** A point and an optimizer's memory of how it came there. */
interface Place {
  readonly point: Tensor
  readonly slots: Readonly<Record<string, Tensor>>
}

/** The path of an optimizer on a loss of one small vector, at any learning rate: its programs are compiled once. */
export function descender(optimizer: Optimizer, loss: (point: Value) => Value, size: number) {
  const shape = [size]
  const declared = optimizer.slots([{ path: 'point', shape }])
  const programs = new Map<string, ReturnType<typeof build>>()

  async function build(phase: string | null) {
    const graph = new Graph()
    const point = graph.input('point', 'float32', shape)
    const slopeAt = (at: Value) => gradients(loss(at), [at], { unconnected: 'zeros' })[0]!
    const outputs: Record<string, Value> = { loss: loss(point) }
    const gradient = slopeAt(point)
    if (phase === null) {
      outputs.gradient = gradient
      return { program: await compile(graph, { outputs }), feeds: {}, updated: [] }
    }
    let key: Value | undefined
    const trace = traceUpdate(optimizer, {
      parameters: [{ path: 'point', value: point, gradient }],
      phase,
      key: name => {
        key ??= graph.input('key', 'uint32', [])
        return mixKey(key, name.length)
      },
      gradientsAt: others => [slopeAt(others.get('point') ?? point)],
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

  async function byHost({ point, slots }: Place, step: number, learningRate: number): Promise<Place> {
    const { program } = await built(null)
    const evaluate = async (at: Readonly<Record<string, Float32Array>>) => {
      const data = at.point ?? (point.data as Float32Array) // points are float32
      const out = await program.run({ point: { ...point, data } })
      return { loss: Number(out.loss!.data[0]), gradients: { point: out.gradient!.data as Float32Array } }
    }
    const info = stepInfo(optimizer, step, learningRate)
    const next = await optimizer.host!({ info, parameters: { point }, slots, first: await evaluate({}), evaluate })
    const kept = Object.entries(slots).map(([name, t]) => [name, { ...t, data: next.slots[name] ?? t.data }])
    return {
      point: { ...point, data: next.parameters.point ?? point.data },
      slots: Object.fromEntries(kept) as Record<string, Tensor>,
    }
  }

  async function next(place: Place, step: number, learningRate: number): Promise<Place> {
    if (optimizer.host !== undefined) return byHost(place, step, learningRate)
    const { program, feeds, updated } = await built(optimizer.phase(step))
    const info = stepInfo(optimizer, step, learningRate)
    const scalars = Object.fromEntries(
      Object.entries(feeds).map(([name, at]) => [name, tensor([at(info)], [], 'float32')]),
    )
    const key = tensor(Uint32Array.of(step * 2654435761), [])
    const out = await program.run({ point: place.point, ...place.slots, ...scalars, key }, undefined, {
      ignoreUnknown: true,
    })
    const changed = new Map(updated.map(name => [name, out[`next ${name}`]!]))
    const slots = Object.entries(place.slots).map(([name, t]) => [name, changed.get(name) ?? t])
    return { point: changed.get('point') ?? place.point, slots: Object.fromEntries(slots) as Record<string, Tensor> }
  }

  /** All points of the way, the start first; it ends early where a coordinate leaves ±`limit` or is no number. */
  return async (start: readonly number[], learningRate: number, steps: number, limit = 1e3): Promise<number[][]> => {
    const point = tensor(Float32Array.from(start), shape)
    let place: Place = {
      point,
      slots: Object.fromEntries(declared.map(slot => [slot.name, initialValue(slot, point)])),
    }
    const points = [[...start]]
    for (let step = 0; step < steps; step++) {
      place = await next(place, step, learningRate)
      const at = Array.from(place.point.data as Float32Array)
      if (!at.every(v => Math.abs(v) <= limit)) break
      points.push(at)
    }
    return points
  }
}
