import { ConfigError, type Graph, type Value } from '../ir/index.js'
import type { RandomKey } from '../ops/counter-random.js'
import { rateAt, type Schedule } from './schedules/schedule.js'

/** What the host knows of an update. */
export interface StepInfo {
  /** Number of this update, from 1. */
  readonly step: number
  /** Number of batches before this one: more than updates where gradients are accumulated. */
  readonly batches: number
  /** The learning rate of this update. */
  readonly learningRate: number
}

/** A scalar computed on the host at each update, in double precision. */
export type HostScalar = (info: StepInfo) => number

/** A scalar of an update: a number that stays as it is (`tunable`), or one computed anew for each update. */
export type UpdateScalar = number | HostScalar

/** A hyperparameter that may change while training: a number, or a function of the number of updates made so far. */
export type Hyper = Schedule

/** A hyperparameter as a scalar the host feeds. @throws ConfigError where a schedule leaves the range 0 … 1 */
export const shareOf =
  (value: Hyper, name: string): HostScalar =>
  ({ step }) => {
    const now = rateAt(value, step - 1, name)
    if (now <= 1) return now
    throw new ConfigError({
      code: 'out-of-range',
      where: `${name} at step ${step - 1}`,
      expected: 'a number from 0 to 1',
      received: now,
    })
  }

/** A parameter as it is known before there are values. */
export interface ParameterInfo {
  readonly path: string
  readonly shape: readonly number[]
}

/** What a slot holds before the first update: a number, the parameter's own value, or the identity (for matrices) times a factor. */
export type Initial = number | 'parameter' | { readonly identity: number }

/** A slot: its first value, and its shape where that is not the parameter's. */
export type SlotInit = Initial | { readonly shape: readonly number[]; readonly initial: Initial }

/** The slots a link keeps for a parameter: the same for all, or chosen by path and shape. */
export type Slots<Slot extends string> =
  | Readonly<Record<Slot, SlotInit>>
  | ((parameter: ParameterInfo) => Readonly<Record<string, SlotInit>>)

/** A parameter at an update, by path, with its gradient. */
export interface Parameter {
  readonly path: string
  readonly value: Value
  readonly gradient: Value
}

/** A link's view of one parameter at one update. */
export interface Update<Slot extends string, Scalar extends string> {
  readonly path: string
  /** The parameter's value, after decoupled weight decay. */
  readonly parameter: Value
  readonly gradient: Value
  readonly slots: Readonly<Record<Slot, Value>>
  /** Scalars of this link as values, and the learning rate. */
  readonly scalars: Readonly<Record<Scalar | 'learningRate', Value>>
  readonly graph: Graph
  /** Which of the optimizer's graphs is being built: see `Recipe.phase`. */
  readonly phase: string
  /** The key of this link, parameter and update alone, for whatever randomness the link needs. */
  key(): RandomKey
}

/**
 * What a link gives: the new gradient (the last link's is subtracted from the parameter) and new slots. A link that
 * computes the new parameter itself gives that instead of a gradient; it must be the last.
 */
export type Updated<Slot extends string> = {
  readonly slots: Readonly<Record<Slot, Value>>
} & (
  | {
      readonly gradient: Value
      /** A scalar still to be multiplied with the gradient: kept apart so that all scalars cost one pass over memory. */
      readonly scale?: Value
      readonly parameter?: undefined
    }
  | { readonly parameter: Value; readonly gradient?: undefined; readonly scale?: undefined }
)

/**
 * One link of an optimizer: named slots, scalars (numbers, or computed on the host at each step in double precision),
 * and one pure function. `prepare` sees the gradients of all parameters at once (for a norm over all of them).
 */
export interface Transform<Slot extends string = string, Scalar extends string = string> {
  readonly name: string
  readonly slots: Slots<Slot>
  readonly scalars: Readonly<Record<Scalar, UpdateScalar>>
  readonly prepare?: (gradients: readonly Value[], parameters: readonly Parameter[]) => readonly Value[]
  readonly update: (update: Update<Slot, Scalar>) => Updated<Slot>
}

/** Defines a link; forgetting to return a slot does not compile. */
export const transform = <const Slot extends string = string, const Scalar extends string = never>(definition: {
  name: string
  slots?: Slots<Slot>
  scalars?: Readonly<Record<Scalar, UpdateScalar>>
  prepare?: Transform['prepare']
  update?: (update: Update<Slot, Scalar>) => Updated<Slot>
}): Transform => ({
  name: definition.name,
  slots: (definition.slots ?? {}) as Transform['slots'], // a record without entries is one of every Slot
  scalars: definition.scalars ?? {},
  ...(definition.prepare === undefined ? {} : { prepare: definition.prepare }),
  // True because the caller passes exactly the slots and scalars declared above.
  update: (definition.update as Transform['update'] | undefined) ?? (({ gradient }) => ({ gradient, slots: {} })),
})

/** The slots of a link for one parameter, shapes filled in. */
export function slotsFor(
  link: Transform,
  parameter: ParameterInfo,
): readonly { readonly slot: string; readonly shape: readonly number[]; readonly initial: Initial }[] {
  const slots = typeof link.slots === 'function' ? link.slots(parameter) : link.slots
  return Object.entries(slots).map(([slot, init]) =>
    typeof init === 'object' && 'shape' in init
      ? { slot, shape: init.shape, initial: init.initial }
      : { slot, shape: parameter.shape, initial: init },
  )
}
