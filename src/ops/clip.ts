import { contentNumbers, ShapeError, scalar, type Value } from '../ir/index.js'
import { cast } from './cast.js'
import { defineOp, type Upgraded } from './define.js'
import { reshapeLike } from './dims.js'
import { broadcastContent, expectDtype, sameDtype } from './infer.js'
import { equal, greater, less, or } from './logic.js'
import { mul } from './math.js'
import { reduceSum } from './reduce.js'
import { normal, values } from './sample.js'

/** Bounds. */

/**
 * Each element brought into [min, max]; either bound may be left out. Where min is above max all become max.
 * The gradient passes at the bounds, as in PyTorch.
 */
export const clip = defineOp('Clip', {
  inputs: ['input', 'min?', 'max?'],
  infer: ({ input, min, max }, _attrs, where) => {
    expectDtype(input, 'number', where)
    const bounds = [min, max].filter(bound => bound !== null)
    sameDtype([input, ...bounds], where)
    for (const bound of bounds)
      if (bound.shape.length > 1 || (bound.shape.length === 1 && bound.shape[0] !== 1))
        throw new ShapeError({
          code: 'clip-bound',
          where,
          expected: 'scalar bounds',
          received: `[${bound.shape.join(', ')}] (${bound.name})`,
          hint: 'for one bound per element use max([x, low]) and min([x, high])',
        })
    const [low, high] = [min, max].map(bound => (bound === null ? undefined : contentNumbers(bound)?.[0]))
    const known = (min === null || low !== undefined) && (max === null || high !== undefined)
    const content = broadcastContent([input], ([x]) =>
      known && typeof x === 'number' ? Math.min(Math.max(x, low ?? x), high ?? Number.POSITIVE_INFINITY) : undefined,
    )
    return { dtype: input.dtype, shape: input.shape, content }
  },
  vjp: {
    // What clipping left as it was: one comparison for both bounds.
    input: (g, { in: { input }, out }): Value => mul(g, cast(equal(input, out[0]!), { to: g.dtype })),
    min: (g, { in: { input, min: low, max: high } }): Value => {
      const moved = reduceSum(mul(g, cast(less(input, low!), { to: g.dtype })), { keepdims: 0 })
      return reshapeLike(high === null ? moved : mul(moved, cast(less(low!, high), { to: g.dtype })), low!)
    },
    max: (g, { in: { input, min: low, max: high } }): Value => {
      const above = greater(input, high!)
      const moved = low === null ? above : or(above, greater(low, high!))
      return reshapeLike(reduceSum(mul(g, cast(moved, { to: g.dtype })), { keepdims: 0 }), high!)
    },
  },
  // The bounds are inputs since opset 11.
  upgrade: (node): Upgraded => {
    if (node.attrs.min === undefined && node.attrs.max === undefined) return undefined
    const bound = (v: unknown) => (v === undefined ? null : scalar(node.graph, node.inputs[0]!.dtype, v as number))
    return [clip(node.inputs[0]!, bound(node.attrs.min), bound(node.attrs.max))]
  },
  samples: [
    {
      inputs: {
        input: normal([2, 3], { kinks: [-0.5, 0.7] }),
        min: values([-0.5], [], 'float'),
        max: values([0.7], [], 'float'),
      },
    },
    { inputs: { input: normal([5], { kinks: [0] }), min: values([0], [], 'float') } },
    { inputs: { input: normal([5], { kinks: [0] }), max: values([0], [], 'float') } },
    {
      inputs: { input: normal([5]), min: values([0.5], [1], 'float'), max: values([-0.5], [], 'float') },
    },
    {
      inputs: { input: values([1, 5, 9]), min: values([2], []), max: values([6], []) },
      forwardOnly: 'integers carry no gradient',
    },
  ],
})
