import { z } from 'zod'
import type { Value } from '../../ir/index.js'
import * as ops from '../../ops/index.js'
import { defineLayer, layerOptions } from '../layer.js'
import { channelsOf } from './conv.js'

/** Pooling over [batch, channels, …]. The stride is the window's size when left out, as in Keras. */

const perAxis = (rank: number) =>
  z
    .union([z.int().positive(), z.array(z.int().positive()).length(rank)])
    .transform(v => (typeof v === 'number' ? new Array<number>(rank).fill(v) : v))

interface PoolAttributes {
  kernel_shape: readonly number[]
  strides: readonly number[]
  auto_pad: 'SAME_UPPER' | 'VALID'
}
const pooling = (type: string, rank: number, pool: (x: Value, attributes: PoolAttributes) => Value) =>
  defineLayer({
    type: `${type}${rank}D`,
    schema: z.strictObject({
      ...layerOptions,
      poolSize: perAxis(rank).default(new Array(rank).fill(2)),
      strides: perAxis(rank).optional(),
      padding: z.enum(['valid', 'same']).default('valid'),
      dataFormat: z
        .literal('channelsFirst', { message: "'channelsFirst': images are [batch, channels, height, width]" })
        .optional(),
    }),
    weights: (_c, [x], path) => {
      channelsOf(x!, rank, path)
      return []
    },
    call: (c, _ctx, x) =>
      pool(x, {
        kernel_shape: c.poolSize,
        strides: c.strides ?? c.poolSize,
        auto_pad: c.padding === 'same' ? 'SAME_UPPER' : 'VALID',
      }),
  })

const maxPool = (x: Value, attributes: PoolAttributes): Value => ops.maxPool(x, attributes)
const averagePool = (x: Value, attributes: PoolAttributes): Value => ops.averagePool(x, attributes)
export const maxPooling1d = pooling('MaxPooling', 1, maxPool)
export const maxPooling2d = pooling('MaxPooling', 2, maxPool)
export const maxPooling3d = pooling('MaxPooling', 3, maxPool)
export const averagePooling1d = pooling('AveragePooling', 1, averagePool)
export const averagePooling2d = pooling('AveragePooling', 2, averagePool)
export const averagePooling3d = pooling('AveragePooling', 3, averagePool)

const globalPooling = (type: string, rank: number, reduce: (x: Value, axes: number[], keepdims: boolean) => Value) =>
  defineLayer({
    type: `${type}${rank}D`,
    schema: z.strictObject({ ...layerOptions, keepdims: z.boolean().default(false) }),
    weights: (_c, [x], path) => {
      channelsOf(x!, rank, path)
      return []
    },
    call: (c, _ctx, x) =>
      reduce(
        x,
        Array.from({ length: rank }, (_, i) => i + 2),
        c.keepdims,
      ),
  })
const mean = (x: Value, axes: number[], keepdims: boolean): Value => ops.reduceMean(x, axes, { keepdims })
const max = (x: Value, axes: number[], keepdims: boolean): Value => ops.reduceMax(x, axes, { keepdims })
export const globalAveragePooling1d = globalPooling('GlobalAveragePooling', 1, mean)
export const globalAveragePooling2d = globalPooling('GlobalAveragePooling', 2, mean)
export const globalAveragePooling3d = globalPooling('GlobalAveragePooling', 3, mean)
export const globalMaxPooling1d = globalPooling('GlobalMaxPooling', 1, max)
export const globalMaxPooling2d = globalPooling('GlobalMaxPooling', 2, max)
export const globalMaxPooling3d = globalPooling('GlobalMaxPooling', 3, max)
