import { z } from 'zod'
import { normalizeAxis, type Shape, ShapeError, scalar } from '../../ir/index.js'
import * as ops from '../../ops/index.js'
import { defineLayer, layerOptions } from '../layer.js'

/** Normalizations to a length: no mean is taken off. */

const axisOption = z.union([z.int(), z.array(z.int()).nonempty()]).default(-1)
/** The axes in order, checked; never the batch. */
function axesOf(axis: number | readonly number[], shape: Shape, where: string): number[] {
  const given = typeof axis === 'number' ? [axis] : axis
  const axes = [...new Set(given.map(a => normalizeAxis(a, shape.length, where)))].sort((a, b) => a - b)
  if (axes[0] === 0 || axes.some(a => typeof shape[a] !== 'number'))
    throw new ShapeError({
      code: 'norm-axis',
      where,
      expected: 'axes of known extent, batch excluded',
      received: `axis ${axis} of [${shape.join(', ')}]`,
    })
  return axes
}

/**
 * x / √(mean of x² + epsilon) · scale over `axis`, one axis or several (Zhang & Sennrich 2019). Keras: axis −1,
 * epsilon 1e-6, a learned scale that starts at 1. PyTorch's RMSNorm has the machine epsilon.
 */
export const rmsNormalization = defineLayer({
  type: 'RMSNormalization',
  schema: z.strictObject({ ...layerOptions, axis: axisOption, epsilon: z.number().positive().default(1e-6) }),
  weights: (c, [x], path) => [
    { name: 'scale', shape: axesOf(c.axis, x!.shape, path).map(a => x!.shape[a] as number), initializer: 'ones' },
  ],
  call: (c, ctx, x) => {
    const axes = axesOf(c.axis, x.shape, ctx.path)
    const scale = ctx.weight('scale')
    if (axes.length === 1 && axes[0] === x.shape.length - 1)
      return ops.rmsNormalization(x, scale, { axis: -1, epsilon: c.epsilon })
    const broadcast = x.shape.map((dim, a) => (axes.includes(a) ? (dim as number) : 1))
    const size = ops.sqrt(ops.add(ops.reduceMean(ops.mul(x, x), axes), c.epsilon))
    return ops.mul(ops.div(x, size), ops.reshape(scale, broadcast))
  },
})

/** Scales each example to length 1 over `axis`, one axis or several (default the last). Zeros stay zeros. */
export const unitNormalization = defineLayer({
  type: 'UnitNormalization',
  schema: z.strictObject({ ...layerOptions, axis: axisOption }),
  weights: (c, [x], path) => {
    axesOf(c.axis, x!.shape, path)
    return []
  },
  call: (c, ctx, x) => {
    const squares = ops.reduceSumSquare(x, axesOf(c.axis, x.shape, ctx.path))
    // Lengths below 1e-12 count as 1e-12, as in Keras.
    return ops.div(x, ops.sqrt(ops.max([squares, scalar(x.graph, x.dtype, 1e-24)])))
  },
})
