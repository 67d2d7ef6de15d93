import { ConfigError, scalar, tunable, type Value } from '../../ir/index.js'
import * as ops from '../../ops/index.js'
import { type Transform, transform } from '../transform.js'
import { atMostOne, norm } from './trust.js'
import { inputAxes } from './units.js'

/** Links that bound gradients. */

const least = (value: Value): Value => ops.max([value, scalar(value.graph, value.dtype, 1e-30)])

/** Each element to [−limit, limit]. */
export const clipByValue = (limit: number): Transform =>
  transform({
    name: 'clipvalue',
    scalars: { low: -limit, high: limit },
    update: ({ gradient, scalars }) => ({ gradient: ops.clip(gradient, scalars.low, scalars.high), slots: {} }),
  })

/** Each gradient to at most this norm. */
export const clipByNorm = (limit: number): Transform =>
  transform({
    name: 'clipnorm',
    scalars: { limit },
    update: ({ gradient, scalars }) => ({
      gradient: ops.mul(gradient, atMostOne(ops.div(scalars.limit, least(norm(gradient))))),
      slots: {},
    }),
  })

/** All gradients together to at most this norm (Pascanu et al. 2013). */
export const clipByGlobalNorm = (limit: number): Transform =>
  transform({
    name: 'globalClipnorm',
    prepare: gradients => {
      const squares = gradients.map(g => ops.reduceSumSquare(g, { keepdims: 0 }))
      const norm = ops.sqrt(squares.length === 1 ? squares[0]! : ops.sum(squares))
      const factor = atMostOne(ops.div(tunable(norm, limit), least(norm)))
      return gradients.map(g => ops.mul(g, factor))
    },
  })

/** The link for the one clipping option given; Keras allows one at most. */
export function clipTransforms(
  options: { clipvalue?: number | null; clipnorm?: number | null; globalClipnorm?: number | null },
  where = 'optimizer',
): Transform[] {
  const given = [
    typeof options.clipvalue === 'number' ? clipByValue(options.clipvalue) : null,
    typeof options.clipnorm === 'number' ? clipByNorm(options.clipnorm) : null,
    typeof options.globalClipnorm === 'number' ? clipByGlobalNorm(options.globalClipnorm) : null,
  ].filter(link => link !== null)
  if (given.length > 1)
    throw new ConfigError({
      code: 'clipping',
      where,
      expected: 'one of clipvalue, clipnorm, globalClipnorm',
      received: given.map(link => link.name),
    })
  return given
}

/**
 * Adaptive gradient clipping (Brock et al. 2021): each unit's gradient to at most `limit` times the norm of the unit's
 * weights, which counts as 1e-3 at least. A vector (a bias, a scale) is one unit, as in the authors' code.
 */
export const adaptiveClip = (limit: number | null): Transform[] =>
  limit === null
    ? []
    : [
        transform({
          name: 'adaptiveClip',
          scalars: { limit },
          update: ({ path, parameter, gradient, scalars, graph }) => {
            const axes = inputAxes(path, gradient.shape.length)
            const size = (x: Value): Value => (axes === null ? norm(x) : ops.sqrt(ops.reduceSumSquare(x, axes)))
            const most = ops.mul(ops.max([size(parameter), scalar(graph, 'float32', 1e-3)]), scalars.limit)
            const given = ops.max([size(gradient), scalar(graph, 'float32', 1e-6)])
            return { gradient: ops.mul(gradient, atMostOne(ops.div(most, given))), slots: {} }
          },
        }),
      ]
