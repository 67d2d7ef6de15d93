import { z } from 'zod'
import { ShapeError, type Value } from '../../ir/index.js'
import * as ops from '../../ops/index.js'
import { activate, activationSchema } from '../activations.js'
import { constraintSchema } from '../constraints.js'
import { initializerSchema } from '../initializers.js'
import { type CallContext, defineLayer, layerOptions } from '../layer.js'
import { penalty, type Regularizer, regularizerSchema } from '../regularizers.js'

/** Options of every layer with a kernel and a bias. */
export const kernelOptions = {
  activation: activationSchema.optional(),
  useBias: z.boolean().default(true),
  kernelInitializer: initializerSchema.default({ type: 'glorotUniform' }),
  biasInitializer: initializerSchema.default({ type: 'zeros' }),
  kernelRegularizer: regularizerSchema.optional(),
  biasRegularizer: regularizerSchema.optional(),
  activityRegularizer: regularizerSchema.optional(),
  kernelConstraint: constraintSchema.optional(),
  biasConstraint: constraintSchema.optional(),
}

/**
 * y = activation(x · kernel + bias) on the last axis. Kernel [inputs, units].
 * Keras's Dense; TensorFlow.js's options are the same.
 */
export const dense = defineLayer({
  type: 'Dense',
  schema: z.strictObject({ ...layerOptions, units: z.int().positive(), ...kernelOptions }),
  weights: (c, [x], path) => {
    const inputs = x!.shape.at(-1)
    if (typeof inputs !== 'number')
      throw new ShapeError({
        code: 'dense-input',
        where: path,
        expected: 'a known last axis',
        received: x!.shape,
        hint: 'put flatten() before dense()',
      })
    return [
      {
        name: 'kernel',
        shape: [inputs, c.units],
        initializer: c.kernelInitializer!,
        regularizer: c.kernelRegularizer ?? null,
        constraint: c.kernelConstraint ?? null,
      },
      ...(c.useBias
        ? [
            {
              name: 'bias',
              shape: [c.units],
              initializer: c.biasInitializer!,
              regularizer: c.biasRegularizer ?? null,
              constraint: c.biasConstraint ?? null,
            },
          ]
        : []),
    ]
  },
  call: (c, ctx, x) => {
    const kernel = ctx.weight('kernel')
    const bias = c.useBias ? ctx.weight('bias') : null
    const linear =
      x.shape.length === 2
        ? ops.gemm(x, kernel, bias)
        : bias === null
          ? ops.matMul(x, kernel)
          : ops.add(ops.matMul(x, kernel), bias)
    const y = activate(c.activation, linear)
    regularizeActivity(ctx, c.activityRegularizer, y)
    return y
  },
})

/** Adds the penalty on a layer's output, divided by the number of examples, as in Keras. */
export function regularizeActivity(ctx: CallContext, regularizer: Regularizer | null | undefined, y: Value): void {
  if (!regularizer) return
  ctx.addLoss(() => {
    const batch = y.shape[0]
    const examples =
      typeof batch === 'number'
        ? batch
        : ops.cast(ops.squeeze(ops.shape(y, { start: 0, end: 1 }), [0]), { to: y.dtype })
    return ops.div(penalty(regularizer, y), examples)
  })
}
