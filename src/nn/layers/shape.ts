import { z } from 'zod'
import { ShapeError, sizeOf } from '../../ir/index.js'
import * as ops from '../../ops/index.js'
import { activate, activationSchema } from '../activations.js'
import { constraintSchema } from '../constraints.js'
import { initializerSchema } from '../initializers.js'
import { defineLayer, layerOptions } from '../layer.js'
import { regularizerSchema } from '../regularizers.js'

/** Layers without mathematics of their own: reshaping, padding, looking up, scaling. */

/** Everything but the batch in one axis. */
export const flatten = defineLayer({
  type: 'Flatten',
  schema: z.strictObject({ ...layerOptions }),
  call: (_c, _ctx, x) => (x.shape.length === 1 ? ops.reshape(x, [-1, 1]) : ops.flatten(x)),
})

/** To another shape of as many elements; one extent may be −1. The batch axis is not named. */
export const reshape = defineLayer({
  type: 'Reshape',
  schema: z.strictObject({
    ...layerOptions,
    targetShape: z
      .array(z.union([z.int().positive(), z.literal(-1)]))
      .refine(dims => dims.filter(dim => dim === -1).length <= 1, 'at most one -1'),
  }),
  call: (c, ctx, x) => {
    const from = x.shape.slice(1)
    const size = from.every(dim => typeof dim === 'number') ? sizeOf(from) : undefined
    const known = c.targetShape.filter(dim => dim !== -1).reduce((a, b) => a * b, 1)
    const hole = c.targetShape.indexOf(-1)
    if (size === undefined || (hole < 0 ? known !== size : size % known !== 0))
      throw new ShapeError({
        code: 'reshape-size',
        where: ctx.path,
        expected: `${size ?? 'a known number of'} elements, as in [${from}]`,
        received: c.targetShape,
      })
    return ops.reshape(x, [-1, ...c.targetShape.map(dim => (dim === -1 ? size / known : dim))])
  },
})

/** Reorders the axes of each example: `dims` counts from 1, as in Keras. */
export const permute = defineLayer({
  type: 'Permute',
  schema: z.strictObject({ ...layerOptions, dims: z.array(z.int().positive()) }),
  call: (c, _ctx, x) => ops.transpose(x, { perm: [0, ...c.dims] }),
})

/** An activation as a layer of its own. */
export const activation = defineLayer({
  type: 'Activation',
  schema: z.strictObject({ ...layerOptions, activation: activationSchema }),
  call: (c, _ctx, x) => activate(c.activation, x),
})

/** x · scale + offset: say, bytes to [0, 1] with scale 1/255. */
export const rescaling = defineLayer({
  type: 'Rescaling',
  schema: z.strictObject({ ...layerOptions, scale: z.number(), offset: z.number().default(0) }),
  call: (c, _ctx, x) => {
    const floats = x.dtype === 'float32' ? x : ops.cast(x, { to: 'float32' })
    return ops.add(ops.mul(floats, c.scale), c.offset)
  },
})

const width = z.int().nonnegative()
const sides = (rank: number) =>
  z
    .union([width, z.array(z.union([width, z.array(width).length(2)])).length(rank)])
    .transform(v =>
      Array.from(
        { length: rank },
        (_, i) => (typeof v === 'number' ? [v, v] : typeof v[i] === 'number' ? [v[i], v[i]] : v[i]) as [number, number],
      ),
    )

const zeroPadding = (rank: 1 | 2 | 3) =>
  defineLayer({
    type: `ZeroPadding${rank}D`,
    schema: z.strictObject({ ...layerOptions, padding: sides(rank).default(new Array(rank).fill([1, 1])) }),
    call: (c, _ctx, x) => ops.pad(x, [0, 0, ...c.padding.map(p => p[0]), 0, 0, ...c.padding.map(p => p[1])]),
  })
/** Zeros around [batch, channels, …]: one number, one per axis, or [before, after] per axis. */
export const zeroPadding1d = zeroPadding(1)
export const zeroPadding2d = zeroPadding(2)
export const zeroPadding3d = zeroPadding(3)

/** Whole numbers below `inputDim` to rows of a learned table [inputDim, outputDim]. */
export const embedding = defineLayer({
  type: 'Embedding',
  schema: z.strictObject({
    ...layerOptions,
    inputDim: z.int().positive(),
    outputDim: z.int().positive(),
    embeddingsInitializer: initializerSchema.default({ type: 'randomUniform', minval: -0.05, maxval: 0.05 }),
    embeddingsRegularizer: regularizerSchema.optional(),
    embeddingsConstraint: constraintSchema.optional(),
  }),
  weights: c => [
    {
      name: 'embeddings',
      shape: [c.inputDim, c.outputDim],
      initializer: c.embeddingsInitializer!,
      regularizer: c.embeddingsRegularizer ?? null,
      constraint: c.embeddingsConstraint ?? null,
    },
  ],
  call: (_c, ctx, x) =>
    ops.gather(ctx.weight('embeddings'), x.dtype === 'int32' || x.dtype === 'int64' ? x : ops.cast(x, { to: 'int32' })),
})
