import { z } from 'zod'
import type { TensorType, Value } from '../ir/index.js'
import type { CallContext, Layer, WeightSpec } from './layer.js'
import { snake } from './network.js'

/** What a layer that holds another layer needs: the inner one as an option, its weights, its call. */

/** Whether something is a configured layer. */
export const isLayer = (value: unknown): value is Layer =>
  typeof value === 'object' &&
  value !== null &&
  'type' in value &&
  typeof value.type === 'string' &&
  'config' in value &&
  typeof value.config === 'object' &&
  'call' in value &&
  typeof value.call === 'function'

/** A layer as an option of another. */
export const layerSchema = z.custom<Layer>(isLayer, 'a layer, such as layers.dense({ units: 8 })')

/** The name of a layer inside another: its own, or its type's. */
export const innerName = (layer: Layer): string => layer.config.name ?? snake(layer.type)

/** The inner layer's weights as the outer one's: `kernel` of a dense layer is `dense/kernel`. */
export const innerWeights = (layer: Layer, inputs: readonly TensorType[], path: string): WeightSpec[] =>
  layer.weights(inputs, `${path}/${innerName(layer)}`).map(spec => ({
    ...spec,
    name: `${innerName(layer)}/${spec.name}`,
    trainable: (spec.trainable ?? true) && layer.config.trainable,
  }))

/**
 * Calls the inner layer. `weight` may give it other values for its weights than the model's: it is told the weight's
 * name in the outer layer and its value.
 */
export function callInner(
  layer: Layer,
  ctx: CallContext,
  inputs: readonly Value[],
  weight: (name: string, value: Value) => Value = (_, value) => value,
): Value {
  const name = innerName(layer)
  const outer = (inner: string): string => `${name}/${inner}`
  return ctx.graph.scope(name, () =>
    layer.call(
      {
        ...ctx,
        path: `${ctx.path}/${name}`,
        training: ctx.training && layer.config.trainable,
        weight: inner => weight(outer(inner), ctx.weight(outer(inner))),
        update: (inner, value) => ctx.update(outer(inner), value),
        replace: (inner, build) => ctx.replace(outer(inner), build),
      },
      ...inputs,
    ),
  )
}

/** The last part of a weight's name: `dense/kernel` is a `kernel`. */
export const lastName = (name: string): string => name.slice(name.lastIndexOf('/') + 1)
