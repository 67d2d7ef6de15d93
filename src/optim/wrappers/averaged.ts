import type { Value } from '../../ir/index.js'
import type { Optimizer, UpdateContext } from '../optimizer.js'
import { addSlots } from './inner.js'

/** How averages are kept beside the weights. */
export interface Averaging {
  /** What is done after the update that follows `batches` batches. */
  phase(batches: number): string
  /** A new average, and where the weights change too, new weights; null where nothing changes. */
  trace(context: UpdateContext, average: Value, value: Value): { average: Value; parameter?: Value } | null
  /** Whether the averages are what is evaluated. */
  readonly evaluate: boolean
}

/** An optimizer with one more slot for each parameter, `name/average/path`, that follows it. */
export function averaged(inner: Optimizer, name: string, averaging: Averaging): Optimizer {
  const slotOf = (path: string) => `${name}/average/${path}`
  return {
    ...inner,
    slots: parameters =>
      addSlots(
        inner.slots(parameters),
        parameters.map(({ path, shape }) => ({ name: slotOf(path), shape, initial: 'parameter', parameter: path })),
        `optimizers.${name}`,
      ),
    phase: batches => `${averaging.phase(batches)}/${inner.phase(batches)}`,
    trace: context => {
      const cut = context.phase.indexOf('/')
      const [own, rest] = [context.phase.slice(0, cut), context.phase.slice(cut + 1)]
      const trace = inner.trace({ ...context, phase: rest })
      const parameters = new Map(trace.parameters)
      const slots = new Map(trace.slots)
      for (const { path, value } of context.parameters) {
        const now = parameters.get(path) ?? value
        const result = averaging.trace({ ...context, phase: own }, context.slot(slotOf(path)), now)
        if (result === null) continue
        slots.set(slotOf(path), result.average)
        if (result.parameter !== undefined) parameters.set(path, result.parameter)
      }
      return { parameters, slots }
    },
    average: slotOf,
    // Averages of what the inner optimizer would evaluate with are not kept: one wrapper at a time decides.
    ...(averaging.evaluate
      ? {
          evaluate: ({ parameters, slot }) =>
            new Map(parameters.map(({ path }) => [path, slot(slotOf(path))] as const)),
        }
      : {}),
  }
}
