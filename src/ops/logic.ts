import { broadcastShapes, type Dim, type Value } from '../ir/index.js'
import { defineOp, flag } from './define.js'
import { broadcastContent, broadcasting, compareContent, elementwise, expectDtype, sameDtype } from './infer.js'
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

const truthful = 'the output is a truth value'
// biome-ignore lint/suspicious/noShadowRestrictedNames: ONNX's own name, only ever reached as ops.isNaN
export const isNaN = defineOp('IsNaN', {
  inputs: ['X'],
  infer: elementwise('float', 'bool'),
  vjp: { X: null },
  samples: [{ inputs: { X: normal([3]) }, forwardOnly: truthful }],
})
export const isInf = defineOp('IsInf', {
  inputs: ['X'],
  attrs: { detect_negative: flag(1), detect_positive: flag(1) },
  infer: elementwise('float', 'bool'),
  vjp: { X: null },
  samples: [
    { inputs: { X: normal([3]) }, forwardOnly: truthful },
    { inputs: { X: normal([3]) }, attrs: { detect_negative: 0 }, forwardOnly: truthful },
  ],
})

/** X where the condition holds, Y elsewhere. What is not chosen gets gradient 0, even where the other's is infinite. */
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
    X: (g, { in: { condition } }): Value => where(condition, g, 0),
    Y: (g, { in: { condition } }): Value => where(condition, 0, g),
  },
  samples: [
    { inputs: { condition: truths, X: normal([2, 2]), Y: normal([2, 2]) } },
    { inputs: { condition: values([0, 1], [2], 'bool'), X: normal([3, 1]), Y: normal([]) } },
    { inputs: { condition: values([1], [], 'bool'), X: normal([2]), Y: normal([2, 2]) } },
  ],
})
