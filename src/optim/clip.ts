import { ConfigError, scalar, type Value } from '../ir/index.js'
import * as ops from '../ops/index.js'
import { type Transform, transform } from './transform.js'

/** Links that bound gradients. */

const least = (value: Value): Value => ops.max([value, scalar(value.graph, value.dtype, 1e-30)])
const atMostOne = (value: Value): Value => ops.min([value, scalar(value.graph, value.dtype, 1)])

/** Each element to [−limit, limit]. */
export const clipByValue = (limit: number): Transform =>
  transform({
    name: 'clipvalue',
    update: ({ gradient }) => ({ gradient: ops.clip(gradient, -limit, limit), slots: {} }),
  })

/** Each gradient to at most this norm. */
export const clipByNorm = (limit: number): Transform =>
  transform({
    name: 'clipnorm',
    update: ({ gradient, graph }) => {
      const norm = ops.sqrt(ops.reduceSumSquare(gradient, { keepdims: 0 }))
      return {
        gradient: ops.mul(gradient, atMostOne(ops.div(scalar(graph, 'float32', limit), least(norm)))),
        slots: {},
      }
    },
  })

/** All gradients together to at most this norm (Pascanu et al. 2013). */
export const clipByGlobalNorm = (limit: number): Transform =>
  transform({
    name: 'globalClipnorm',
    prepare: gradients => {
      const squares = gradients.map(g => ops.reduceSumSquare(g, { keepdims: 0 }))
      const norm = ops.sqrt(squares.length === 1 ? squares[0]! : ops.sum(squares))
      const factor = atMostOne(ops.div(scalar(norm.graph, 'float32', limit), least(norm)))
      return gradients.map(g => ops.mul(g, factor))
    },
  })

/** The link for the one clipping option given; Keras allows one at most. */
export function clipTransforms(options: {
  clipvalue?: number | null
  clipnorm?: number | null
  globalClipnorm?: number | null
}): Transform[] {
  const given = [
    typeof options.clipvalue === 'number' ? clipByValue(options.clipvalue) : null,
    typeof options.clipnorm === 'number' ? clipByNorm(options.clipnorm) : null,
    typeof options.globalClipnorm === 'number' ? clipByGlobalNorm(options.globalClipnorm) : null,
  ].filter(link => link !== null)
  if (given.length > 1)
    throw new ConfigError({
      code: 'clipping',
      where: 'optimizer',
      expected: 'one of clipvalue, clipnorm, globalClipnorm',
      received: given.map(link => link.name),
    })
  return given
}
