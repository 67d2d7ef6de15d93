import type { Constraint } from '../../nn/constraints.js'
import { layers } from '../../nn/index.js'
import type { Layer } from '../../nn/layer.js'
import type { Optimizer, Schedule } from '../../optim/index.js'
import { type Callback, type CompileOptions, type Model, sequential, type TrainingSource } from '../../train/index.js'
import type { Examples } from './digits.js'

/** What is known before a training starts. */
export interface Plan {
  readonly seed: number
  readonly epochs: number
  readonly batchSize: number
  /** Updates of the whole training. */
  readonly updates: number
}

/** Everything in which a variant may differ from the plain network. One entry in a table makes a new variant. */
export interface Recipe {
  readonly name: string
  readonly family: string
  /** Its settings in words. */
  readonly what: string
  readonly learningRate: number
  readonly optimizer: (learningRate: Schedule) => Optimizer
  /** A schedule that begins at, or rises to, a rate. Default: the rate stays. */
  readonly schedule?: (learningRate: number, plan: Plan) => Schedule
  /** Layers on the pixels, and after each hidden layer. */
  readonly onInput?: (place: { inputShape: number[] }) => readonly Layer[]
  readonly onHidden?: () => readonly Layer[]
  readonly kernelConstraint?: Constraint
  readonly compile?: Partial<Omit<CompileOptions, 'optimizer'>>
  /** They see `val_loss`. */
  readonly callbacks?: () => readonly Callback[]
  /** Training data made of the examples, in batches. */
  readonly feed?: (examples: Examples, plan: Plan) => TrainingSource
  /** All examples in one batch: one update per epoch. */
  readonly fullBatch?: boolean
}

/** The plain classifier with what a recipe adds. */
export function build(recipe: Recipe, hidden: readonly number[], seed: number): Model {
  const constraint = recipe.kernelConstraint === undefined ? {} : { kernelConstraint: recipe.kernelConstraint }
  const place = { inputShape: [784] }
  const first = recipe.onInput?.(place) ?? []
  return sequential(
    [
      ...first,
      ...hidden.flatMap((units, i) => [
        layers.dense({
          units,
          activation: 'relu',
          ...constraint,
          ...(i === 0 && first.length === 0 ? place : {}),
        }),
        ...(recipe.onHidden?.() ?? []),
      ]),
      layers.dense({ units: 10, activation: 'softmax', ...constraint }),
    ],
    { seed },
  )
}

export const planOf = (
  recipe: Recipe,
  examples: Examples,
  { epochs, batchSize }: { epochs: number; batchSize: number },
  seed: number,
): Plan => {
  const size = recipe.fullBatch ? examples.count : Math.min(batchSize, examples.count)
  return { seed, epochs, batchSize: size, updates: epochs * Math.ceil(examples.count / size) }
}
