import type { Value } from '../ir/index.js'
import { cast } from './cast.js'
import { defineOp, float, string } from './define.js'
import { elementwise, expectDtype } from './infer.js'
import { greater, less, lessOrEqual, where } from './logic.js'
import { abs, add, clip, div, erf, exp, mul, sub, unary } from './math.js'
import { normal, type Sample } from './sample.js'

/** ONNX's activations. At a kink the gradient is the one PyTorch gives: 0 for relu at 0. */

const smooth: Sample[] = [{ inputs: { X: normal([2, 3]) } }, { inputs: { X: normal([5], { scale: 3 }) } }]
const bent = (...kinks: number[]): Sample[] => [
  { inputs: { X: normal([2, 3], { kinks }) } },
  { inputs: { X: normal([7], { scale: 2, kinks }) } },
]
const gate = (g: Value, test: Value): Value => mul(g, cast(test, { to: g.dtype }))

export const sigmoid = unary('Sigmoid', (g, _x, y): Value => mul(g, mul(y, sub(y.graph.constant(one(y)), y))), smooth)
export const tanh = unary('Tanh', (g, _x, y): Value => mul(g, sub(y.graph.constant(one(y)), mul(y, y))), smooth)
export const relu = unary('Relu', (g, _x, y): Value => gate(g, greater(y, 0)), bent(0))
export const softplus = unary('Softplus', (g, x): Value => mul(g, sigmoid(x)), smooth)
export const softsign = unary(
  'Softsign',
  (g, x): Value => {
    const d = add(abs(x), 1)
    return div(g, mul(d, d))
  },
  bent(0),
)
const one = (like: Value) => ({
  dtype: like.dtype,
  shape: [],
  data: like.dtype === 'float64' ? Float64Array.of(1) : Float32Array.of(1),
})

type Scaled = { alpha: number }
const withAlpha = (
  op: string,
  alpha: number,
  rule: (g: Value, x: Value, y: Value, a: Scaled) => Value,
  samples: Sample[],
) =>
  defineOp(op, {
    inputs: ['X'],
    attrs: { alpha: float(alpha) },
    infer: elementwise('float'),
    vjp: { X: (g, { in: { X }, out, attrs }): Value => rule(g, X, out[0]!, attrs) },
    samples,
  })
export const leakyRelu = withAlpha(
  'LeakyRelu',
  0.01,
  (g, x, _y, { alpha }): Value => where(greater(x, 0), g, mul(g, alpha)),
  bent(0),
)
/** x, or α(eˣ − 1) below 0. Its slope there is y + α. */
export const elu = withAlpha(
  'Elu',
  1,
  (g, x, y, { alpha }): Value => where(greater(x, 0), g, mul(g, add(y, alpha))),
  bent(0),
)
/** max(0, x) + min(0, α(e^(x/α) − 1)). */
export const celu = withAlpha(
  'Celu',
  1,
  (g, x, _y, { alpha }): Value => mul(g, exp(div(clip(x, null, 0), alpha))),
  bent(0),
)
export const thresholdedRelu = withAlpha(
  'ThresholdedRelu',
  1,
  (g, x, _y, { alpha }): Value => gate(g, greater(x, alpha)),
  bent(1),
)

export const selu = defineOp('Selu', {
  inputs: ['X'],
  attrs: { alpha: float(1.6732631921768188), gamma: float(1.0507010221481323) },
  infer: elementwise('float'),
  vjp: {
    X: (g, { in: { X }, out, attrs: { alpha, gamma } }): Value =>
      where(greater(X, 0), mul(g, gamma), mul(g, add(out[0]!, alpha * gamma))),
  },
  samples: bent(0),
})

export const hardSigmoid = defineOp('HardSigmoid', {
  inputs: ['X'],
  attrs: { alpha: float(0.2), beta: float(0.5) },
  infer: elementwise('float'),
  vjp: {
    X: (g, { in: { X }, attrs: { alpha, beta } }): Value => {
      const line = add(mul(X, alpha), beta)
      return mul(gate(gate(g, greater(line, 0)), less(line, 1)), alpha)
    },
  },
  samples: bent(-2.5, 2.5),
})
/** x · max(0, min(1, x/6 + ½)). */
export const hardSwish = unary(
  'HardSwish',
  (g, x): Value => {
    const inside = mul(g, add(div(x, 3), 0.5))
    return where(lessOrEqual(x, -3), mul(g, 0), where(less(x, 3), inside, g))
  },
  bent(-3, 3),
)
/** x · tanh(softplus(x)). */
export const mish = defineOp('Mish', {
  inputs: ['X'],
  infer: elementwise('float'),
  vjp: 'body',
  body: ({ X }): Value => mul(X, tanh(softplus(X))),
  samples: smooth,
})

/** x·Φ(x) (Hendrycks & Gimpel 2016), exactly or by tanh. */
export const gelu = defineOp('Gelu', {
  inputs: ['X'],
  attrs: { approximate: string('none', ['none', 'tanh']) },
  infer: elementwise('float'),
  vjp: {
    X: (g, { in: { X }, attrs: { approximate } }): Value => {
      if (approximate === 'tanh') {
        // y = x·σ(2u), u = √(2/π)(x + 0.044715x³).
        const square = mul(X, X)
        const s = sigmoid(mul(mul(X, add(mul(square, 0.044715), 1)), 2 * Math.sqrt(2 / Math.PI)))
        const slope = mul(add(mul(square, 3 * 0.044715), 1), 2 * Math.sqrt(2 / Math.PI))
        return mul(g, mul(s, add(mul(mul(X, slope), sub(s.graph.constant(one(s)), s)), 1)))
      }
      const phi = mul(add(erf(mul(X, Math.SQRT1_2)), 1), 0.5)
      const density = mul(exp(mul(mul(X, X), -0.5)), 1 / Math.sqrt(2 * Math.PI))
      return mul(g, add(phi, mul(X, density)))
    },
  },
  samples: [...smooth, { inputs: { X: normal([5]) }, attrs: { approximate: 'tanh' } }],
})

/** Slopes for negative values come from a tensor that broadcasts to X. */
export const pRelu = defineOp('PRelu', {
  inputs: ['X', 'slope'],
  broadcast: true,
  infer: ({ X }, _attrs, at) => {
    expectDtype(X, 'number', at)
    return { dtype: X.dtype, shape: X.shape }
  },
  vjp: {
    X: (g, { in: { X, slope } }): Value => where(greater(X, 0), g, mul(g, slope)),
    slope: (g, { in: { X } }): Value => mul(g, clip(X, null, 0)),
  },
  samples: [
    { inputs: { X: normal([2, 3, 2], { kinks: [0] }), slope: normal([3, 1]) } },
    { inputs: { X: normal([4], { kinks: [0] }), slope: normal([1]) } },
  ],
})

/** x − bias above lambd, x + bias below −lambd, 0 between. */
export const shrink = defineOp('Shrink', {
  inputs: ['X'],
  attrs: { bias: float(0), lambd: float(0.5) },
  infer: elementwise('number'),
  vjp: { X: (g, { in: { X }, attrs: { lambd } }): Value => gate(g, greater(abs(X), lambd)) },
  samples: bent(-0.5, 0.5).map(sample => ({
    ...sample,
    tolerance: { value: 2e-2, why: 'the double kernel computes in single precision' },
  })),
})
