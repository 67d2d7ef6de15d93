import { z } from 'zod'
import type { DType, Graph, Shape, TensorType, Value } from '../ir/index.js'
import type { Constraint } from './constraints.js'
import type { Initializer } from './initializers.js'
import { type SymbolicTensor, symbolicCall } from './network.js'
import { parseOptions } from './plugin.js'
import type { RandomKey } from './random.js'
import type { Regularizer } from './regularizers.js'

/** A weight as a layer declares it; the model gives it a path (`dense_1/kernel`) and a value. */
export interface WeightSpec {
  readonly name: string
  readonly shape: readonly number[]
  readonly initializer: Initializer
  /** Shape by whose extents the initializer scales, where it is another than the weight's (of as many elements). */
  readonly fanShape?: readonly number[]
  readonly regularizer?: Regularizer | null
  readonly constraint?: Constraint | null
  /** False for what training does not learn by gradient, such as running statistics. Default true. */
  readonly trainable?: boolean
}

/** What a layer's `call` may use. */
export interface CallContext {
  readonly graph: Graph
  /** True in a training step. A layer that is not trainable is always called with false. */
  readonly training: boolean
  /** The layer's path in the model. */
  readonly path: string
  weight(name: string): Value
  /** Gives a non-trainable weight its value after this step. */
  update(name: string, value: Value): void
  /**
   * Gives a weight another value from here on, in this step and after it: `build` makes it from the present one, once
   * a step however often the layer is applied. The gradient and the optimizer's update are of the new value.
   */
  replace(name: string, build: (weight: Value) => Value): Value
  /** Adds a penalty to the loss; `build` is called where a loss is wanted. */
  addLoss(build: () => Value): void
  /**
   * The key of whatever randomness the layer needs (see `random`): a new one at every step, for every layer and for
   * every call of this function. A layer's own `seed` stands in the place of its position in the model: two layers of
   * one seed draw the same numbers, wherever they stand.
   */
  randomKey(seed?: number): RandomKey
}

/** A kind of layer: the schema of its options, the weights it declares, and what it computes. */
export interface LayerDefinition<C> {
  readonly type: string
  readonly schema: z.ZodType<C>
  readonly weights?: (config: C, inputs: readonly TensorType[], path: string) => readonly WeightSpec[]
  readonly call: (config: C, ctx: CallContext, ...inputs: Value[]) => Value
}

/** Options every layer has. */
export const layerOptions = {
  /** Name in paths; the type with a number when left out. */
  name: z
    .string()
    .regex(/^[^/\s]+$/, 'a name without slashes or spaces')
    .optional(),
  /** Whether training changes the layer's weights. Default true. */
  trainable: z.boolean().default(true),
  /** Shape of one example, for the first layer of a sequential model. */
  inputShape: z.array(z.int().positive()).optional(),
  /** Dtype of the input, for the first layer of a sequential model. */
  inputDtype: z.enum(['float32', 'int32', 'int64']).optional(),
}
export interface LayerConfig {
  readonly name?: string | undefined
  readonly trainable: boolean
  readonly inputShape?: readonly number[] | undefined
  readonly inputDtype?: DType | undefined
}

/** A configured layer. It holds no weights; applied twice, it shares them. */
export interface Layer {
  readonly type: string
  readonly config: LayerConfig
  readonly weights: (inputs: readonly TensorType[], path: string) => readonly WeightSpec[]
  readonly call: (ctx: CallContext, ...inputs: Value[]) => Value
  /** Applies the layer to symbolic tensors (the functional API). */
  apply(input: SymbolicTensor | readonly SymbolicTensor[]): SymbolicTensor
}

export type LayerFactory<Options, Type extends string = string> = {
  (...args: Record<never, never> extends Options ? [options?: Options] : [options: Options]): Layer
  readonly type: Type
}

/** Defines a layer: returns its factory, which checks the options and takes their defaults. */
export function defineLayer<S extends z.ZodType<LayerConfig>>(
  definition: LayerDefinition<z.output<S>> & { readonly schema: S },
): LayerFactory<z.input<S>> {
  const make = (options: unknown = {}): Layer => {
    const config = parseOptions(definition.schema, options, `layers.${camel(definition.type)}`)
    const layer: Layer = {
      type: definition.type,
      config,
      weights: (inputs, path) => definition.weights?.(config, inputs, path) ?? [],
      call: (ctx, ...inputs) => definition.call(config, ctx, ...inputs),
      apply: input => symbolicCall(layer, Array.isArray(input) ? input : [input as SymbolicTensor]),
    }
    return layer
  }
  // The arguments are those of `make`, whose schema checks what the type promises.
  return Object.assign(make, { type: definition.type }) as unknown as LayerFactory<z.input<S>>
}

/** `Conv2D` → `conv2d`: the name of the factory. */
const camel = (type: string): string => type.charAt(0).toLowerCase() + type.slice(1).replace(/(\d)D$/, '$1d')

/** Static extents of one axis, or an error of the layer. */
export const extent = (shape: Shape, axis: number): number => Number(shape[axis < 0 ? axis + shape.length : axis])
