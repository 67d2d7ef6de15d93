import { contentNumbers, normalizeAxis, type Value } from '../ir/index.js'
import { defineOp, flag } from './define.js'
import { expectDtype } from './infer.js'
import { normal, values } from './sample.js'

/** Running totals. */

/** Sums along an axis up to each element: `exclusive` leaves the element itself out, `reverse` starts at the end. */
export const cumSum = defineOp('CumSum', {
  inputs: ['x', 'axis'],
  integers: ['axis'],
  attrs: { exclusive: flag(0), reverse: flag(0) },
  infer: ({ x, axis }, { exclusive, reverse }, where) => {
    expectDtype(x, 'number', where)
    const at = contentNumbers(axis)?.[0]
    if (at !== undefined) normalizeAxis(at, x.shape.length, where)
    return { dtype: x.dtype, shape: x.shape, content: runningTotals(x, exclusive, reverse) }
  },
  // What an element adds to, seen from the other end.
  vjp: {
    x: (g, { in: { axis }, attrs: { exclusive, reverse } }): Value =>
      cumSum(g, axis, { exclusive, reverse: reverse === 1 ? 0 : 1 }),
    axis: null,
  },
  samples: [
    { inputs: { x: normal([2, 4]), axis: values([1], []) } },
    { inputs: { x: normal([3, 2]), axis: values([-2], []) }, attrs: { exclusive: 1 } },
    { inputs: { x: normal([5]), axis: values([0], [1]) }, attrs: { reverse: 1 } },
    { inputs: { x: normal([2, 3, 2]), axis: values([1], []) }, attrs: { exclusive: 1, reverse: 1 } },
  ],
})

function runningTotals(x: Value, exclusive: number, reverse: number): readonly number[] | undefined {
  const numbers = x.shape.length === 1 ? contentNumbers(x) : undefined
  if (numbers === undefined) return undefined
  const ordered = reverse === 1 ? numbers.toReversed() : numbers
  let total = 0
  const sums = ordered.map(n => {
    const before = total
    total += n
    return exclusive === 1 ? before : total
  })
  return reverse === 1 ? sums.reverse() : sums
}
