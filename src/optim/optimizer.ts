import { ConfigError, type Graph, nearest, scalar, type Value } from '../ir/index.js'
import * as ops from '../ops/index.js'
import { clipTransforms } from './clip.js'
import type { Transform } from './transform.js'

/** A learning rate: a number, or a function of the number of updates made so far (0, 1, …). */
export type Schedule = number | ((step: number) => number)

/** Options every optimizer has, with Keras's names and meaning. */
export interface OptimizerOptions {
  learningRate?: Schedule
  /** Decoupled weight decay: each step subtracts weightDecay · learningRate · w. */
  weightDecay?: number | null
  /** Each element of a gradient is cut to [−clipvalue, clipvalue]. */
  clipvalue?: number | null
  /** Each gradient is scaled down to this norm. */
  clipnorm?: number | null
  /** All gradients together are scaled down to this norm. */
  globalClipnorm?: number | null
}

/** A chain of transforms and a learning rate. */
export interface Optimizer {
  readonly name: string
  readonly learningRate: Schedule
  readonly weightDecay: number
  readonly transforms: readonly Transform[]
  /** The options it was made with, for saving. */
  readonly config: Readonly<Record<string, unknown>>
}

/** An optimizer from its own links: clipping stands in front, as in Keras; every recipe goes through here. */
export function optimizer<O extends OptimizerOptions>(
  name: string,
  options: O,
  defaults: Required<O>,
  links: (o: Required<O>) => readonly Transform[],
): Optimizer {
  for (const key of Object.keys(options))
    if (!(key in defaults) && !(key in sharedDefaults))
      throw new ConfigError({
        code: 'unknown-option',
        where: `optimizers.${name}.${key}`,
        expected: `one of ${Object.keys({ ...sharedDefaults, ...defaults }).join(', ')}`,
        received: key,
        hint: `did you mean ${nearest(key, Object.keys({ ...sharedDefaults, ...defaults }), 1)[0]}?`,
      })
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
  const config = { ...sharedDefaults, ...defaults, ...given } as Required<O>
  for (const [key, value] of Object.entries(config)) {
    const expected = problemOf(key, value, (defaults as Readonly<Record<string, unknown>>)[key])
    if (expected !== null)
      throw new ConfigError({ code: 'bad-option', where: `optimizers.${name}.${key}`, expected, received: value })
  }
  return {
    name,
    learningRate: config.learningRate as Schedule,
    weightDecay: config.weightDecay ?? 0,
    transforms: [...clipTransforms(config), ...links(config)],
    config: config as Readonly<Record<string, unknown>>,
  }
}
const sharedDefaults = { weightDecay: null, clipvalue: null, clipnorm: null, globalClipnorm: null }

/** What an option must be, where it is not; null where it is fine. */
function problemOf(key: string, value: unknown, fallback: unknown): string | null {
  if (key === 'learningRate' && typeof value === 'function') return null
  if (typeof fallback === 'boolean') return typeof value === 'boolean' ? null : 'true or false'
  if (value === null && fallback === null) return null
  if (value === null && key in sharedDefaults) return null
  if (typeof value !== 'number' || !Number.isFinite(value) || value < 0) return 'a finite number ≥ 0'
  if (/^clip|Clipnorm$/.test(key) && value === 0) return 'a number above 0: at 0 nothing is learned'
  if (/^(beta\d|rho)$/.test(key) && value >= 1) return 'a number from 0 to below 1'
  if (key === 'momentum' && value > 1) return 'a number from 0 to 1'
  return null
}

/** The learning rate after `step` updates. */
export function rateAt(schedule: Schedule, step: number): number {
  const rate: unknown = typeof schedule === 'function' ? schedule(step) : schedule
  if (typeof rate !== 'number' || !Number.isFinite(rate))
    throw new ConfigError({
      code: 'learning-rate',
      where: `learning rate at step ${step}`,
      expected: 'a finite number',
      received: rate,
    })
  return rate
}

/** A parameter, by path, with its gradient. */
export interface Parameter {
  readonly path: string
  readonly value: Value
  readonly gradient: Value
}

export interface OptimizerTrace {
  /** New value of each parameter, by path. */
  readonly parameters: ReadonlyMap<string, Value>
  /** New value of each slot, by name (`adam/m/dense/kernel`). */
  readonly slots: ReadonlyMap<string, Value>
  /** Graph inputs the host feeds at each step: name and value from the number of the update (from 1) and the rate. */
  readonly feeds: Readonly<Record<string, (step: number) => number>>
}

/** Names, shapes and first values of the slots an optimizer keeps for parameters. */
export const slotsOf = (o: Optimizer, parameters: readonly { path: string; shape: readonly number[] }[]) =>
  o.transforms.flatMap(link =>
    Object.entries(link.slots).flatMap(([slot, initial]) =>
      parameters.map(p => ({ name: `${link.name}/${slot}/${p.path}`, shape: p.shape, initial })),
    ),
  )

export const LEARNING_RATE = 'optimizer/learning_rate'

/** Builds one update of all parameters in their graph. Slots are graph inputs named as in `slotsOf`. */
export function traceUpdate(
  o: Optimizer,
  parameters: readonly Parameter[],
  slotInput: (name: string, like: Value) => Value,
): OptimizerTrace {
  const graph: Graph | undefined = parameters[0]?.value.graph
  if (graph === undefined) return { parameters: new Map(), slots: new Map(), feeds: {} }
  const feeds: Record<string, (step: number) => number> = {}
  const learningRate = graph.input(LEARNING_RATE, 'float32', [])
  const slots = new Map<string, Value>()
  let gradients = parameters.map(p => p.gradient)
  const scales = new Array<Value | undefined>(parameters.length).fill(undefined)
  for (const link of o.transforms) {
    const scalars: Record<string, Value> = { learningRate }
    for (const [name, f] of Object.entries(link.scalars)) {
      const feed = `optimizer/${link.name}/${name}`
      scalars[name] = graph.input(feed, 'float32', [])
      feeds[feed] = step => f({ step })
    }
    if (link.prepare !== undefined) gradients = link.prepare(gradients)
    gradients = parameters.map(({ path, value }, i) => {
      const own = Object.fromEntries(
        Object.keys(link.slots).map(slot => [slot, slotInput(`${link.name}/${slot}/${path}`, value)]),
      )
      const result = link.update({
        path,
        parameter: value,
        gradient: gradients[i]!,
        slots: own,
        scalars: scalars as Record<'learningRate', Value>,
        graph,
      })
      for (const [slot, next] of Object.entries(result.slots)) slots.set(`${link.name}/${slot}/${path}`, next as Value)
      if (result.scale !== undefined)
        scales[i] = scales[i] === undefined ? result.scale : ops.mul(scales[i], result.scale)
      return result.gradient
    })
  }
  const updated = new Map<string, Value>()
  const keep =
    o.weightDecay > 0 ? ops.sub(scalar(graph, 'float32', 1), ops.mul(learningRate, o.weightDecay)) : undefined
  parameters.forEach(({ path, value }, i) => {
    const step = scales[i] === undefined ? gradients[i]! : ops.mul(gradients[i]!, scales[i])
    updated.set(path, ops.sub(keep === undefined ? value : ops.mul(value, keep), step))
  })
  return { parameters: updated, slots, feeds }
}
