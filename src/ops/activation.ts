import { broadcastShapes, ShapeError, sameShape, type Value } from '../ir/index.js'
import { cast } from './cast.js'
import { clip } from './clip.js'
import { defineOp, float, string } from './define.js'
import { elementwise, expectDtype, sameDtype } from './infer.js'
import { and, greater, less, where } from './logic.js'
import { abs, add, div, erf, exp, mul, square, sub, unary } from './math.js'
import { normal, type Sample } from './sample.js'

/**
 * ONNX's activations. At a kink the gradient is the one PyTorch gives: that of the left side for relu, leakyRelu, pRelu,
 * elu, selu, thresholdedRelu and shrink (so relu'(0) = 0), that of the flat side for hardSigmoid and hardSwish.
 */

const smooth: Sample[] = [{ inputs: { X: normal([2, 3]) } }, { inputs: { X: normal([5], { scale: 3 }) } }]
const bent = (...kinks: number[]): Sample[] => [
  { inputs: { X: normal([2, 3], { kinks }) } },
  { inputs: { X: normal([7], { scale: 2, kinks }) } },
]
const gate = (g: Value, test: Value): Value => mul(g, cast(test, { to: g.dtype }))
/** e^min(x, 0): below 0 the exponential, without the cancellation of y + α, and never too large. */
const decay = (x: Value): Value => exp(clip(x, null, 0))

export const sigmoid = unary('Sigmoid', (g, _x, y): Value => mul(g, mul(y, sub(1, y))), { samples: smooth })
export const tanh = unary('Tanh', (g, _x, y): Value => mul(g, sub(1, square(y))), { samples: smooth })
export const relu = unary('Relu', (g, _x, y): Value => gate(g, greater(y, 0)), { samples: bent(0) })
/** log(1 + eˣ). */
export const softplus = unary('Softplus', (g, x): Value => mul(g, sigmoid(x)), { samples: smooth })
/** x / (1 + |x|). */
export const softsign = unary('Softsign', (g, x): Value => div(g, square(add(abs(x), 1))), { samples: bent(0) })

type Scaled = { readonly alpha: number }
const withAlpha = (
  op: string,
  alpha: number,
  rule: (g: Value, x: Value, attrs: Scaled) => Value,
  samples: readonly Sample[],
) =>
  defineOp(op, {
    inputs: ['X'],
    attrs: { alpha: float(alpha) },
    infer: elementwise('float'),
    vjp: { X: (g, { in: { X }, attrs }): Value => rule(g, X, attrs) },
    samples: [...samples, { ...samples[0]!, attrs: { alpha: 0.7 } }],
  })
export const leakyRelu = withAlpha(
  'LeakyRelu',
  0.01,
  (g, x, { alpha }): Value => where(greater(x, 0), g, mul(g, alpha)),
  bent(0),
)
/** x, or α(eˣ − 1) below 0. */
export const elu = withAlpha(
  'Elu',
  1,
  (g, x, { alpha }): Value => (alpha === 1 ? mul(g, decay(x)) : where(greater(x, 0), g, mul(g, mul(decay(x), alpha)))),
  bent(0),
)
/** max(0, x) + min(0, α(e^(x/α) − 1)). */
export const celu = withAlpha('Celu', 1, (g, x, { alpha }): Value => mul(g, decay(div(x, alpha))), bent(0))
/** x above α, 0 up to it. */
export const thresholdedRelu = withAlpha(
  'ThresholdedRelu',
  1,
  (g, x, { alpha }): Value => gate(g, greater(x, alpha)),
  bent(0.7, 1),
)

/** γ·x, or γ·α(eˣ − 1) below 0: the constants keep mean 0 and variance 1 (Klambauer et al. 2017). */
export const selu = defineOp('Selu', {
  inputs: ['X'],
  attrs: { alpha: float(1.6732631921768188), gamma: float(1.0507010221481323) },
  infer: elementwise('float'),
  vjp: {
    X: (g, { in: { X }, attrs: { alpha, gamma } }): Value =>
      where(greater(X, 0), mul(g, gamma), mul(g, mul(decay(X), alpha * gamma))),
  },
  samples: [...bent(0), { inputs: { X: normal([5], { kinks: [0] }) }, attrs: { alpha: 1.2, gamma: 0.9 } }],
})

/** max(0, min(1, αx + β)). Keras and PyTorch have α = 1/6. */
export const hardSigmoid = defineOp('HardSigmoid', {
  inputs: ['X'],
  attrs: { alpha: float(0.2), beta: float(0.5) },
  infer: elementwise('float'),
  vjp: {
    X: (g, { out, attrs: { alpha } }): Value => mul(gate(g, and(greater(out[0]!, 0), less(out[0]!, 1))), alpha),
  },
  samples: [...bent(-2.5, 2.5), { inputs: { X: normal([5], { kinks: [-3, 3] }) }, attrs: { alpha: 1 / 6 } }],
})
/** x · max(0, min(1, x/6 + ½)). */
export const hardSwish = unary(
  'HardSwish',
  (g, x): Value => {
    const sixth = mul(x, 1 / 6)
    const inside = cast(less(abs(x), 3), { to: x.dtype })
    return mul(g, add(clip(add(sixth, 0.5), 0, 1), mul(sixth, inside)))
  },
  { samples: bent(-3, 3) },
)

/**
 * x · tanh(softplus(x)) (Misra 2019). With e = eˣ and w = e(e + 2) that is x · w/(w + 2), and 1 from 20 on, where e would
 * begin to overflow. The runtime has no Mish of its own: its way by softplus takes four times as long as these parts.
 */
export const mish = defineOp('Mish', {
  inputs: ['X'],
  expand: true,
  infer: elementwise('float'),
  vjp: 'body',
  body: ({ X }): Value => {
    const e = exp(clip(X, null, 20))
    const w = mul(e, add(e, 2))
    return mul(X, div(w, add(w, 2)))
  },
  samples: smooth,
})

/** x·σ(αx), also called SiLU (α = 1). Newer than the operator set that graphs are written in, so its parts are written. */
export const swish = defineOp('Swish', {
  inputs: ['X'],
  attrs: { alpha: float(1) },
  expand: true,
  infer: elementwise('float'),
  vjp: 'body',
  body: ({ X }, { alpha }): Value => mul(X, sigmoid(alpha === 1 ? X : mul(X, alpha))),
  samples: [...smooth, { inputs: { X: normal([5]) }, attrs: { alpha: 1.5 } }],
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
        const scale = 2 * Math.sqrt(2 / Math.PI)
        const squared = square(X)
        const s = sigmoid(mul(mul(X, add(mul(squared, 0.044715), 1)), scale))
        const slope = mul(add(mul(squared, 3 * 0.044715), 1), scale)
        return mul(g, mul(s, add(mul(mul(X, slope), sub(1, s)), 1)))
      }
      const phi = mul(add(erf(mul(X, Math.SQRT1_2)), 1), 0.5)
      const density = mul(exp(mul(square(X), -0.5)), 1 / Math.sqrt(2 * Math.PI))
      return mul(g, add(phi, mul(X, density)))
    },
  },
  samples: [...smooth, { inputs: { X: normal([5]) }, attrs: { approximate: 'tanh' } }],
})

/** x above 0, slope · x up to it; the slopes broadcast to X, as [channels, 1, 1] do to [batch, channels, height, width]. */
export const pRelu = defineOp('PRelu', {
  inputs: ['X', 'slope'],
  broadcast: true,
  infer: ({ X, slope }, _attrs, at) => {
    expectDtype(X, 'float', at)
    const dtype = sameDtype([X, slope], at)
    if (!sameShape(broadcastShapes([X.shape, slope.shape], at), X.shape))
      throw new ShapeError({
        code: 'prelu-slope',
        where: at,
        expected: `slopes that broadcast to X, [${X.shape.join(', ')}]`,
        received: `[${slope.shape.join(', ')}] (${slope.name})`,
        hint: 'for one slope per channel of [batch, channels, height, width] the shape is [channels, 1, 1]',
      })
    return { dtype, shape: X.shape }
  },
  vjp: {
    X: (g, { in: { X, slope } }): Value => where(greater(X, 0), g, mul(g, slope)),
    slope: (g, { in: { X } }): Value => mul(g, clip(X, null, 0)),
  },
  samples: [
    { inputs: { X: normal([2, 3, 2], { kinks: [0] }), slope: normal([3, 1]) } },
    { inputs: { X: normal([4], { kinks: [0] }), slope: normal([1]) } },
    { inputs: { X: normal([2, 3], { kinks: [0] }), slope: normal([2, 3]) } },
  ],
})

/** x − bias above lambd, x + bias below −lambd, 0 between. */
export const shrink = defineOp('Shrink', {
  inputs: ['X'],
  attrs: { bias: float(0), lambd: float(0.5) },
  infer: elementwise('number'),
  vjp: { X: (g, { in: { X }, attrs: { lambd } }): Value => gate(g, greater(abs(X), lambd)) },
  samples: [...bent(-0.5, 0.5), { ...bent(-1, 1)[0]!, attrs: { lambd: 1, bias: 0.5 } }].map(sample => ({
    ...sample,
    tolerance: { value: 2e-2, why: 'the double kernel computes in single precision' },
  })),
})
