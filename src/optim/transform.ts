import type { Graph, Value } from '../ir/index.js'

/** What the host knows at a step. */
export interface StepInfo {
  /** Number of this update, from 1. */
  readonly step: number
}

/** A link's view of one parameter at one step. */
export interface Update<Slot extends string, Scalar extends string> {
  readonly path: string
  readonly parameter: Value
  readonly gradient: Value
  readonly slots: Readonly<Record<Slot, Value>>
  /** Scalars of this link, and the learning rate. */
  readonly scalars: Readonly<Record<Scalar | 'learningRate', Value>>
  readonly graph: Graph
}

/** What a link gives: the new gradient (the last link's is subtracted from the parameter) and new slots. */
export interface Updated<Slot extends string> {
  readonly gradient: Value
  /** A scalar still to be multiplied with the gradient: kept apart so that all scalars cost one pass over memory. */
  readonly scale?: Value
  readonly slots: Readonly<Record<Slot, Value>>
}

/**
 * One link of an optimizer: named slots, scalars computed on the host at each step in double precision, and one pure
 * function. `prepare` sees the gradients of all parameters at once (for a norm over all of them).
 */
export interface Transform<Slot extends string = string, Scalar extends string = string> {
  readonly name: string
  /** For each slot its first value. */
  readonly slots: Readonly<Record<Slot, number>>
  readonly scalars: Readonly<Record<Scalar, (info: StepInfo) => number>>
  readonly prepare?: (gradients: readonly Value[]) => Value[]
  readonly update: (update: Update<Slot, Scalar>) => Updated<Slot>
}

/** Defines a link; forgetting to return a slot does not compile. */
export const transform = <const Slot extends string = never, const Scalar extends string = never>(definition: {
  name: string
  slots?: Readonly<Record<Slot, number>>
  scalars?: Readonly<Record<Scalar, (info: StepInfo) => number>>
  prepare?: (gradients: readonly Value[]) => Value[]
  update?: (update: Update<Slot, Scalar>) => Updated<Slot>
}): Transform => ({
  name: definition.name,
  slots: definition.slots ?? {},
  scalars: definition.scalars ?? {},
  ...(definition.prepare === undefined ? {} : { prepare: definition.prepare }),
  // True because the caller passes exactly the slots and scalars declared above.
  update: (definition.update as Transform['update'] | undefined) ?? (({ gradient }) => ({ gradient, slots: {} })),
})
