import { ConfigError, scalar, type Value } from '../ir/index.js'
import * as ops from '../ops/index.js'
import { LEARNING_RATE, type Slot, type UpdateContext, type UpdateTrace } from './optimizer.js'
import type { Evaluated } from './recipe.js'
import { type HostScalar, type Parameter, type ParameterInfo, slotsFor, type Transform } from './transform.js'

/** A chain of links for some of the parameters, with what stands around it. */
export interface Chain {
  /** Stands behind the names of the scalars the host feeds; '' for the first chain of an optimizer. */
  readonly suffix: string
  readonly links: readonly Transform[]
  /** Decoupled weight decay of a parameter: it loses decay · learning rate · itself before its update. */
  readonly decay: (parameter: ParameterInfo) => number
  /** The learning rate of these parameters, where it is not the optimizer's. */
  readonly rate: HostScalar | null
  /** Which of its graphs the update after `updates` others takes. */
  readonly phase: (updates: number) => string
  /** The value of a parameter to evaluate with, where it is not the one that is trained. */
  readonly evaluate?: (parameter: Evaluated) => Value
}

/** Slots of a chain, by link, slot and parameter. */
export const chainSlots = (chain: Chain, parameters: readonly ParameterInfo[]): Slot[] =>
  chain.links.flatMap(link =>
    parameters.flatMap(parameter =>
      slotsFor(link, parameter).map(({ slot, shape, initial }) => ({
        name: `${link.name}/${slot}/${parameter.path}`,
        shape,
        initial,
        parameter: parameter.path,
      })),
    ),
  )

/** Refuses a chain in which two links would share slots or scalars. */
export function checkChain(chain: Chain, where: string): void {
  const names = new Set<string>()
  for (const { name } of chain.links) {
    if (names.has(name))
      throw new ConfigError({ code: 'duplicate-link', where, expected: 'links of different names', received: name })
    names.add(name)
  }
}

/** Builds one update of the parameters by a chain: decay, the links in order, and the one place that subtracts. */
export function traceChain(chain: Chain, context: UpdateContext, parameters: readonly Parameter[]): UpdateTrace {
  const { graph } = context
  const { rate } = chain
  const learningRate = rate === null ? context.learningRate : context.scalar(`${LEARNING_RATE}${chain.suffix}`, rate)
  const slots = new Map<string, Value>()
  // Parameters of one decay share its value.
  const factor = (decay: number): Value => context.scalar(`optimizer/decay/${decay}${chain.suffix}`, decay)
  const decayed = parameters.map(({ path, value }) => {
    const decay = chain.decay({ path, shape: value.shape as readonly number[] }) // weights are static
    if (decay === 0) return value
    return ops.mul(value, ops.sub(scalar(graph, 'float32', 1), ops.mul(learningRate, factor(decay))))
  })
  let gradients: readonly Value[] = parameters.map(p => p.gradient)
  const scales = new Array<Value | undefined>(parameters.length).fill(undefined)
  const replaced = new Array<Value | undefined>(parameters.length).fill(undefined)
  for (const link of chain.links) {
    const scalars: Record<string, Value> = {}
    for (const [name, at] of Object.entries(link.scalars))
      scalars[name] = context.scalar(
        `optimizer/${link.name}/${name}${chain.suffix}`,
        rate === null || typeof at === 'number' ? at : info => at({ ...info, learningRate: rate(info) }),
      )
    const before = gradients
    const known = parameters.map((p, i) => ({ path: p.path, value: decayed[i]!, gradient: before[i]! }))
    if (link.prepare !== undefined) gradients = link.prepare(before, known)
    gradients = parameters.map(({ path }, i) => {
      const slotName = (slot: string) => `${link.name}/${slot}/${path}`
      const parameter = decayed[i]!
      const own = slotsFor(link, { path, shape: parameter.shape as readonly number[] })
      const result = link.update({
        path,
        parameter,
        gradient: gradients[i]!,
        slots: Object.fromEntries(own.map(({ slot }) => [slot, context.slot(slotName(slot))])),
        scalars: { ...scalars, learningRate },
        graph,
        phase: context.phase,
        key: () => context.key(`${link.name}/${path}`),
      })
      for (const [slot, next] of Object.entries(result.slots)) slots.set(slotName(slot), next)
      if (result.parameter !== undefined) {
        replaced[i] = result.parameter
        return gradients[i]!
      }
      if (result.scale !== undefined)
        scales[i] = scales[i] === undefined ? result.scale : ops.mul(scales[i], result.scale)
      return result.gradient
    })
  }
  const updated = new Map<string, Value>()
  parameters.forEach(({ path }, i) => {
    const step = scales[i] === undefined ? gradients[i]! : ops.mul(gradients[i]!, scales[i])
    updated.set(path, replaced[i] ?? ops.sub(decayed[i]!, step))
  })
  return { parameters: updated, slots }
}
