import { ConfigError, NumericError, type Tensor } from '../../ir/index.js'
import { along, dot, largest, layout, sumOfSizes, times } from '../flat.js'
import type { HostUpdate, Optimizer, Slot } from '../optimizer.js'
import { asSchedule, type OptimizerOptions, oneOf, orNull, resolveOptions, sharedDefaults, whole } from '../options.js'
import { type LinePoint, strongWolfe } from '../strong-wolfe.js'

export interface LbfgsOptions {
  /** The first step a line search tries, or the step itself without one; default 1. */
  learningRate?: OptimizerOptions['learningRate']
  /** Iterations in one update; default 20. */
  maxIter?: number
  /** Evaluations of loss and gradient in one update; default null: 1.25 · maxIter, rounded down. */
  maxEval?: number | null
  /** An update ends when no element of the gradient is larger; default 1e-7. */
  toleranceGrad?: number
  /** An update ends when loss or parameters change by less; default 1e-9. */
  toleranceChange?: number
  /** Pairs of steps and gradient changes kept: 2 · historySize times the memory of the parameters. Default 100. */
  historySize?: number
  /** `strongWolfe`, or null: every step is learningRate long (PyTorch's default). Default `strongWolfe`. */
  lineSearchFn?: 'strongWolfe' | null
}

type Options = Required<LbfgsOptions>

/** What an update begins with and ends with: the pairs in order, the last step, and the gradient before it. */
interface Memory {
  readonly begun: boolean
  readonly pairs: readonly Pair[]
  readonly step: Float32Array
  readonly gradient: Float32Array
}

interface Pair {
  readonly s: Float32Array
  readonly y: Float32Array
  readonly rho: number
}

/** −H·g by the two-loop recursion (Nocedal & Wright 2006, algorithm 7.4). */
function direction(gradient: Float32Array, pairs: readonly Pair[]): Float32Array {
  const last = pairs.at(-1)
  let q = times(gradient, -1)
  const alphas = pairs.map(() => 0)
  for (let i = pairs.length - 1; i >= 0; i--) {
    const { s, y, rho } = pairs[i]!
    alphas[i] = rho * dot(s, q)
    q = along(q, -alphas[i]!, y)
  }
  if (last !== undefined) q = times(q, 1 / (last.rho * dot(last.y, last.y)))
  pairs.forEach(({ s, y, rho }, i) => {
    q = along(q, alphas[i]! - rho * dot(y, q), s)
  })
  return q
}

/** One update: up to maxIter iterations on one batch. */
async function minimize(
  o: Options,
  rate: number,
  from: { x: Float32Array; loss: number; gradient: Float32Array; memory: Memory },
  evaluate: (x: Float32Array) => Promise<{ loss: number; gradient: Float32Array }>,
): Promise<{ x: Float32Array; memory: Memory }> {
  let { x, loss, gradient, memory } = from
  const mostEvaluations = o.maxEval ?? Math.floor(o.maxIter * 1.25)
  let evaluations = 1
  if (rate === 0 || largest(gradient) <= o.toleranceGrad) return { x, memory }
  for (let iteration = 1; iteration <= o.maxIter; iteration++) {
    const pairs = memory.begun ? remember(memory, gradient, o.historySize) : []
    const d = direction(gradient, pairs)
    const first = memory.begun ? rate : Math.min(1, 1 / sumOfSizes(gradient)) * rate
    const slope = dot(gradient, d)
    if (!Number.isFinite(slope)) throw notFinite('gradient', slope)
    if (slope > -o.toleranceChange) {
      memory = { begun: true, pairs, step: times(d, first), gradient }
      break
    }
    const before = loss
    const at = async (t: number): Promise<LinePoint> => {
      const there = await evaluate(along(x, t, d))
      return { t, loss: there.loss, gradient: there.gradient, slope: dot(there.gradient, d) }
    }
    let point: LinePoint = { t: first, loss, gradient, slope }
    let used = 0
    if (o.lineSearchFn === 'strongWolfe') {
      const found = await strongWolfe({
        start: { t: 0, loss, slope, gradient },
        t: first,
        extent: largest(d),
        toleranceChange: o.toleranceChange,
        most: mostEvaluations - evaluations,
        at,
      })
      point = found.point
      used = found.evaluations
    } else if (iteration < o.maxIter) {
      point = await at(first)
      used = 1
      if (!Number.isFinite(point.loss)) throw notFinite('loss', point.loss)
    }
    const step = times(d, point.t)
    memory = { begun: true, pairs, step, gradient }
    x = along(x, point.t, d)
    loss = point.loss
    gradient = point.gradient
    evaluations += used
    if (evaluations >= mostEvaluations || largest(gradient) <= o.toleranceGrad) break
    if (largest(step) <= o.toleranceChange || Math.abs(loss - before) < o.toleranceChange) break
  }
  return { x, memory }
}

const notFinite = (what: string, received: number) =>
  new NumericError({
    code: `${what}-not-finite`,
    where: 'optimizers.lbfgs',
    expected: `a finite ${what} at every step`,
    received,
    hint: "use lineSearchFn: 'strongWolfe', a smaller learningRate, or scale the inputs",
  })

/** The pairs with that of the last step, where the loss curves upwards along it. */
function remember({ pairs, step, gradient: before }: Memory, gradient: Float32Array, most: number): readonly Pair[] {
  const y = along(gradient, -1, before)
  const curvature = dot(y, step)
  if (!(curvature > 1e-10)) return pairs
  return [...pairs, { s: step, y, rho: 1 / curvature }].slice(-most)
}

const slotName = (slot: string, path: string) => `lbfgs/${slot}/${path}`

/**
 * The memory as slots and back. Pairs stand in a ring: those of `count` are in order from `count − kept` on, so that an
 * update that goes on from a checkpoint computes what the one that did not stop computes, bit for bit.
 */
function memorySlots(o: Options, parameters: Readonly<Record<string, Tensor>>) {
  const names = Object.keys(parameters)
  const flat = layout(
    names,
    names.map(name => parameters[name]!.data.length),
  )
  const counter = slotName('count', names[0]!)
  const rowOf = (ring: Float32Array, name: string, row: number): Float32Array => {
    const size = parameters[name]!.data.length
    return ring.subarray(row * size, (row + 1) * size)
  }
  const read = (slots: Readonly<Record<string, Tensor>>): { memory: Memory; count: number } => {
    const [begun, kept, count] = slots[counter]!.data as Float32Array
    const data = (slot: string) => (name: string) => slots[slotName(slot, name)]!.data as Float32Array
    const row = (slot: string, at: number) => flat.join(name => rowOf(data(slot)(name), name, at))
    const pairs = Array.from({ length: kept! }, (_, i): Pair => {
      const at = (count! - kept! + i) % o.historySize
      const [s, y] = [row('s', at), row('y', at)]
      return { s, y, rho: 1 / dot(y, s) }
    })
    return {
      memory: { begun: begun === 1, pairs, step: flat.join(data('step')), gradient: flat.join(data('gradient')) },
      count: count!,
    }
  }
  const write = (
    slots: Readonly<Record<string, Tensor>>,
    before: { memory: Memory; count: number },
    { begun, pairs, step, gradient }: Memory,
  ): Record<string, Float32Array> => {
    const known = before.memory.pairs.at(-1)
    const added = known === undefined ? pairs : pairs.slice(pairs.indexOf(known) + 1)
    const next: Record<string, Float32Array> = {}
    names.forEach((name, i) => {
      next[slotName('step', name)] = flat.part(step, i)
      next[slotName('gradient', name)] = flat.part(gradient, i)
      for (const slot of ['s', 'y'] as const) {
        const ring = (slots[slotName(slot, name)]!.data as Float32Array).slice()
        added.forEach((pair, j) => {
          rowOf(ring, name, (before.count + j) % o.historySize).set(flat.part(pair[slot], i))
        })
        next[slotName(slot, name)] = ring
      }
    })
    // Small enough to be exact in float32, and never below the number kept.
    const count = ((before.count + added.length) % o.historySize) + o.historySize
    next[counter] = Float32Array.of(begun ? 1 : 0, pairs.length, count)
    return next
  }
  return { flat, names, read, write }
}

/**
 * L-BFGS (Nocedal 1980; Liu & Nocedal 1989): quasi-Newton steps from the last changes of the gradient, each along a line
 * searched for the strong Wolfe conditions. PyTorch's `LBFGS`: one update makes up to `maxIter` iterations on its batch
 * and evaluates loss and gradient as often as that takes. Give it the whole data set as one batch, `fit(x, y,
 * { batchSize: x.length })`: the memory of one batch misleads on the next. Its line search needs the gradient as it is, so
 * that clipping, decay, noise, accumulation and wrappers are refused; for decay use regularizers, which are in the loss.
 * Weights are moved by the host between runs of the graph; weights with constraints are refused when training begins.
 * @throws ConfigError for options that are unknown, out of range, or of no use here
 */
export function lbfgs(options: LbfgsOptions = {}): Optimizer {
  const where = 'optimizers.lbfgs'
  refuseShared(options, where)
  const o: Options = resolveOptions<Options>(
    where,
    options,
    {
      learningRate: 1,
      maxIter: 20,
      maxEval: null,
      toleranceGrad: 1e-7,
      toleranceChange: 1e-9,
      historySize: 100,
      lineSearchFn: 'strongWolfe',
    },
    {
      maxIter: whole(1),
      maxEval: orNull(whole(1)),
      historySize: whole(1),
      lineSearchFn: orNull(oneOf('strongWolfe')),
    },
  )
  return {
    name: 'lbfgs',
    learningRate: asSchedule(o.learningRate),
    config: o as unknown as Readonly<Record<string, unknown>>, // an interface has no index signature
    slots: parameters => [
      ...parameters.slice(0, 1).map(
        ({ path }): Slot => ({
          name: slotName('count', path),
          shape: [3],
          initial: 0,
          parameter: path,
        }),
      ),
      ...parameters.flatMap(({ path, shape }) => [
        ...['step', 'gradient'].map(
          (slot): Slot => ({ name: slotName(slot, path), shape, initial: 0, parameter: path }),
        ),
        ...['s', 'y'].map(
          (slot): Slot => ({
            name: slotName(slot, path),
            shape: [o.historySize, ...shape],
            initial: 0,
            parameter: path,
          }),
        ),
      ]),
    ],
    phase: () => 'update',
    trace: () => {
      throw new ConfigError({
        code: 'host-optimizer',
        where,
        expected: 'a host that evaluates the loss as often as a line search needs it',
        received: 'one update as a graph',
      })
    },
    host: async ({ info, parameters, slots, first, evaluate }: HostUpdate) => {
      const { flat, names, read, write } = memorySlots(o, parameters)
      const before = read(slots)
      const join = (of: Readonly<Record<string, Float32Array>>) => flat.join(name => of[name]!)
      const split = (x: Float32Array) => Object.fromEntries(names.map((name, i) => [name, flat.part(x, i)]))
      const { x, memory } = await minimize(
        o,
        info.learningRate,
        {
          x: flat.join(name => parameters[name]!.data as Float32Array),
          loss: first.loss,
          gradient: join(first.gradients),
          memory: before.memory,
        },
        async at => {
          const { loss, gradients } = await evaluate(split(at))
          return { loss, gradient: join(gradients) }
        },
      )
      return { parameters: split(x), slots: memory === before.memory ? {} : write(slots, before, memory) }
    },
  }
}

/** Options that other optimizers share change the gradient behind the back of the line search. */
function refuseShared(options: object, where: string): void {
  const given = Object.entries(options).filter(
    ([key, value]) => key in sharedDefaults && value !== undefined && value !== null && value !== false,
  )
  if (given.length > 0)
    throw new ConfigError({
      code: 'not-with-line-search',
      where,
      expected: 'options of lbfgs alone',
      received: given.map(([key]) => key),
      hint: 'its steps are right for the gradient as it is; for weight decay use regularizers, which are part of the loss',
    })
}
