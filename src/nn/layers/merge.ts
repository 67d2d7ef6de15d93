import { z } from 'zod'
import { ShapeError, type Value } from '../../ir/index.js'
import * as ops from '../../ops/index.js'
import { defineLayer, layerOptions } from '../layer.js'

/** Layers that join several inputs into one; shapes broadcast. */

const merging = (type: string, merge: (inputs: readonly Value[]) => Value) =>
  defineLayer({
    type,
    schema: z.strictObject({ ...layerOptions }),
    weights: (_c, inputs, path) => {
      if (inputs.length < 2)
        throw new ShapeError({
          code: 'merge-inputs',
          where: path,
          expected: 'two inputs or more',
          received: inputs.length,
          hint: 'apply it to an array: layer.apply([a, b])',
        })
      return []
    },
    call: (_c, _ctx, ...inputs) => merge(inputs),
  })

export const add = merging('Add', inputs => inputs.reduce((a, b) => ops.add(a, b)))
export const subtract = merging('Subtract', inputs => inputs.reduce((a, b) => ops.sub(a, b)))
export const multiply = merging('Multiply', inputs => inputs.reduce((a, b) => ops.mul(a, b)))
export const average = merging('Average', inputs =>
  ops.div(
    inputs.reduce((a, b) => ops.add(a, b)),
    inputs.length,
  ),
)
export const maximum = merging('Maximum', inputs => ops.max(inputs))
export const minimum = merging('Minimum', inputs => ops.min(inputs))

/** Joins along an axis: −1 by default, as in Keras; 1 is the channels of images. */
export const concatenate = defineLayer({
  type: 'Concatenate',
  schema: z.strictObject({ ...layerOptions, axis: z.int().default(-1) }),
  call: (c, _ctx, ...inputs) => ops.concat(inputs, { axis: c.axis }),
})
