import { z } from 'zod'
import { stopGradient } from '../../autodiff/index.js'
import { ConfigError, scalar, type TensorType, type Value } from '../../ir/index.js'
import * as ops from '../../ops/index.js'
import { defineLayer, type Layer, layerOptions, type WeightSpec } from '../layer.js'
import { callInner, innerWeights, lastName, layerSchema } from '../wrapper.js'

/**
 * Wraps a layer and holds the largest singular value σ of its kernel (or its embeddings) at 1 (Miyato et al. 2018). The
 * kernel counts as a matrix with one column per output; σ is estimated by `powerIterations` steps of power iteration a
 * training step, which start at the weight `vector_u` that the last step left. A kernel of zeros stays as it is.
 *
 * `method: 'assign'` (default) is Keras's: each training step first sets the kernel to kernel / σ, then takes the
 * gradient at that kernel; inference uses the kernel as the last update left it. `method: 'reparametrize'` is the
 * paper's and PyTorch's: the kernel is never set, the layer uses kernel / σ in training and inference, and the gradient
 * passes through σ, with the singular vectors held constant.
 */
export const spectralNormalization = defineLayer({
  type: 'SpectralNormalization',
  schema: z.strictObject({
    ...layerOptions,
    layer: layerSchema,
    powerIterations: z.int().positive().default(1),
    method: z.enum(['assign', 'reparametrize']).default('assign'),
  }),
  weights: (c, inputs, path) => {
    const specs = innerWeights(c.layer, inputs, path)
    const kernel = specs.find(spec => isNormalized(spec.name))
    if (kernel === undefined)
      throw new ConfigError({
        code: 'no-kernel',
        where: path,
        expected: 'a layer with a kernel or embeddings',
        received: c.layer.type,
      })
    const { outputs } = layoutOf(kernel)
    const start = { type: 'truncatedNormal', mean: 0, stddev: 0.02 }
    return [...specs, { name: 'vector_u', shape: [1, outputs], initializer: start, trainable: false }]
  },
  call: (c, ctx, ...inputs) => {
    const layer: Layer = c.layer
    const specs = innerWeights(layer, inputs as readonly TensorType[], ctx.path)
    const spec = specs.find(({ name }) => isNormalized(name))!
    const iterate = (kernel: Value): { u: Value; sigma: Value } => {
      const matrix = matrixOf(kernel, spec)
      const constant = stopGradient(matrix)
      let u = ctx.weight('vector_u')
      let v = unit(ops.matMul(u, ops.transpose(constant)))
      for (let i = 0; i < (ctx.training ? c.powerIterations : 0); i++) {
        if (i > 0) v = unit(ops.matMul(u, ops.transpose(constant)))
        u = unit(ops.matMul(v, constant))
      }
      const sigma = ops.reshape(ops.matMul(ops.matMul(v, matrix), ops.transpose(u)), [])
      // A kernel of zeros has no direction.
      const empty = ops.equal(ops.reduceMax(ops.abs(constant), { keepdims: 0 }), 0)
      return {
        u: ops.where(empty, ctx.weight('vector_u'), u),
        sigma: ops.where(empty, scalar(ctx.graph, 'float32', 1), sigma),
      }
    }
    const normalize = (kernel: Value): Value => {
      const { u, sigma } = iterate(kernel)
      if (ctx.training) ctx.update('vector_u', u)
      return ops.div(kernel, sigma)
    }
    if (c.method === 'reparametrize')
      return callInner(layer, ctx, inputs, (name, value) => (name === spec.name ? normalize(value) : value))
    if (ctx.training) ctx.replace(spec.name, normalize)
    return callInner(layer, ctx, inputs)
  },
})

const isNormalized = (name: string): boolean => ['kernel', 'embeddings'].includes(lastName(name))
const unit = (x: Value): Value => ops.div(x, ops.sqrt(ops.max([ops.reduceSumSquare(x), 1e-14])))

/** Where the outputs stand: last in matrices, first in convolutions; per channel in depthwise ones, as in Keras. */
function layoutOf({ shape, fanShape }: WeightSpec): { outputs: number; groups: number } {
  if (shape.length < 3) return { outputs: shape.at(-1)!, groups: 1 }
  const outputs = fanShape?.[0] ?? shape[0]!
  return { outputs, groups: shape[0]! / outputs }
}

/** The kernel as a matrix [inputs, outputs]. */
function matrixOf(kernel: Value, spec: WeightSpec): Value {
  if (kernel.shape.length < 3) return kernel
  const { outputs, groups } = layoutOf(spec)
  const rows = ops.reshape(kernel, [groups, outputs, -1])
  return ops.reshape(ops.transpose(rows, { perm: [0, 2, 1] }), [-1, outputs])
}
