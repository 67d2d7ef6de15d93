import { broadcastShapes, type Dim, type Value } from '../ir/index.js'
import { cast } from './cast.js'
import { defineOp } from './define.js'
import { broadcastContent, broadcasting, compareContent, elementwise, expectDtype, sameDtype } from './infer.js'
import { mul } from './math.js'
import { normal, type Sample, values } from './sample.js'

/** Comparison, logic and choice. Truth values carry no gradient. */

const boolSamples: Sample[] = [
  { inputs: { A: normal([2, 3]), B: normal([3]) }, forwardOnly: 'the output is a truth value' },
]

const comparison = (op: string, test: (a: number, b: number) => boolean, allowed: 'any' | 'number' = 'number') =>
  defineOp(op, {
    inputs: ['A', 'B'],
    broadcast: true,
    infer: broadcasting(allowed, 'bool', compareContent(test)),
    vjp: { A: null, B: null },
    samples: boolSamples,
  })
export const equal = comparison('Equal', (a, b) => a === b, 'any')
export const greater = comparison('Greater', (a, b) => a > b)
export const greaterOrEqual = comparison('GreaterOrEqual', (a, b) => a >= b)
export const less = comparison('Less', (a, b) => a < b)
export const lessOrEqual = comparison('LessOrEqual', (a, b) => a <= b)

const truths = values([0, 1, 1, 0], [2, 2], 'bool')
const logical = (op: string, test: (a: boolean, b: boolean) => boolean) =>
  defineOp(op, {
    inputs: ['A', 'B'],
    broadcast: true,
    infer: broadcasting('bool', 'bool', (a, b) =>
      typeof a === 'number' && typeof b === 'number' ? Number(test(a !== 0, b !== 0)) : undefined,
    ),
    vjp: { A: null, B: null },
    samples: [{ inputs: { A: truths, B: values([1, 0], [2], 'bool') }, forwardOnly: 'truth values' }],
  })
export const and = logical('And', (a, b) => a && b)
export const or = logical('Or', (a, b) => a || b)
export const xor = logical('Xor', (a, b) => a !== b)

export const not = defineOp('Not', {
  inputs: ['X'],
  infer: ({ X }, attrs, where) => ({
    ...elementwise('bool')({ X }, attrs, where),
    content: X.content?.every(dim => typeof dim === 'number') ? X.content.map(dim => (dim === 0 ? 1 : 0)) : undefined,
  }),
  vjp: { X: null },
  samples: [{ inputs: { X: truths }, forwardOnly: 'truth values' }],
})

const test = (op: string) =>
  defineOp(op, {
    inputs: ['X'],
    infer: elementwise('float', 'bool'),
    vjp: { X: null },
    samples: [{ inputs: { X: normal([3]) }, forwardOnly: 'the output is a truth value' }],
  })
// biome-ignore lint/suspicious/noShadowRestrictedNames: ONNX's own name, only ever reached as ops.isNaN
export const isNaN = test('IsNaN')
export const isInf = test('IsInf')

/** X where the condition holds, Y elsewhere. */
export const where = defineOp('Where', {
  inputs: ['condition', 'X', 'Y'],
  broadcast: true,
  infer: ({ condition, X, Y }, _attrs, at) => {
    expectDtype(condition, 'bool', at)
    return {
      dtype: sameDtype([X, Y], at),
      shape: broadcastShapes([condition.shape, X.shape, Y.shape], at),
      content: broadcastContent([condition, X, Y], ([c, x, y]): Dim | undefined =>
        typeof c === 'number' ? (c !== 0 ? x : y) : undefined,
      ),
    }
  },
  vjp: {
    condition: null,
    X: (g, { in: { condition } }): Value => mul(g, cast(condition, { to: g.dtype })),
    Y: (g, { in: { condition } }): Value => mul(g, cast(not(condition), { to: g.dtype })),
  },
  samples: [
    { inputs: { condition: truths, X: normal([2, 2]), Y: normal([2, 2]) } },
    { inputs: { condition: values([0, 1], [2], 'bool'), X: normal([3, 1]), Y: normal([]) } },
  ],
})
