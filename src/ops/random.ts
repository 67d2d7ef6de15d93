import { dtypeFromOnnx, type Shape, ShapeError, type Value } from '../ir/index.js'
import { cast } from './cast.js'
import { defineOp, dtypeAttr, float, int, ints, type OldNode, type Upgraded } from './define.js'
import { less, where } from './logic.js'
import { div, mul, sub } from './math.js'
import { normal, uniform, values } from './sample.js'

/**
 * Random draws by the runtime. Its generator can neither be saved nor rewound, and an attribute `seed` only fixes where a
 * program starts. Training in anneal draws from a counter-based generator instead; these are for graphs from files.
 */

const why = 'random numbers carry no gradient'
const seed = float.optional()
const [FLOAT32, INT32] = [1, 6]

/** Draws of a shape given as an attribute: built with `applyOp`, since no operand says which graph they belong to. */
export const randomNormal = defineOp('RandomNormal', {
  inputs: [],
  attrs: { dtype: dtypeAttr(FLOAT32), mean: float(0), scale: float(1), seed, shape: ints.required() },
  infer: (_inputs, { dtype, shape }) => ({ dtype: dtypeFromOnnx(dtype)!, shape: shape as Shape }),
  vjp: {},
  samples: [{ inputs: {}, attrs: { shape: [2, 3] }, forwardOnly: why }],
})
export const randomUniform = defineOp('RandomUniform', {
  inputs: [],
  attrs: { dtype: dtypeAttr(FLOAT32), high: float(1), low: float(0), seed, shape: ints.required() },
  infer: (_inputs, { dtype, shape }) => ({ dtype: dtypeFromOnnx(dtype)!, shape: shape as Shape }),
  vjp: {},
  samples: [{ inputs: {}, attrs: { shape: [2, 3] }, forwardOnly: why }],
})

const dtypeLike = (input: Value, dtype: number | undefined) => ({
  dtype: dtype === undefined ? input.dtype : dtypeFromOnnx(dtype)!,
  shape: input.shape,
})

/** Draws of the shape (and unless said otherwise the dtype) of the input. */
export const randomNormalLike = defineOp('RandomNormalLike', {
  inputs: ['input'],
  attrs: { dtype: dtypeAttr.optional(), mean: float(0), scale: float(1), seed },
  infer: ({ input }, { dtype }) => dtypeLike(input, dtype),
  vjp: { input: null },
  samples: [{ inputs: { input: normal([2, 3]) }, forwardOnly: why }],
})
export const randomUniformLike = defineOp('RandomUniformLike', {
  inputs: ['input'],
  attrs: { dtype: dtypeAttr.optional(), high: float(1), low: float(0), seed },
  infer: ({ input }, { dtype }) => dtypeLike(input, dtype),
  vjp: { input: null },
  samples: [{ inputs: { input: normal([2, 3]) }, forwardOnly: why }],
})

/** `sample_size` class indices for each row of unnormalized log probabilities. */
export const multinomial = defineOp('Multinomial', {
  inputs: ['input'],
  attrs: { dtype: dtypeAttr(INT32), sample_size: int(1), seed },
  infer: ({ input }, { dtype, sample_size }, where) => {
    if (input.shape.length !== 2)
      throw new ShapeError({ code: 'multinomial-rank', where, expected: '[batch, classes]', received: input.shape })
    return { dtype: dtypeFromOnnx(dtype)!, shape: [input.shape[0]!, sample_size] }
  },
  vjp: { input: null },
  samples: [{ inputs: { input: normal([2, 3]) }, attrs: { sample_size: 4 }, forwardOnly: why }],
})

/**
 * 1 with the probability given by each element. The runtime's own CPU kernel returns 1 with probability 1 − p, so nodes
 * of files become a comparison with uniform numbers; write `less(randomUniformLike(p), p)` yourself.
 */
export const bernoulli = defineOp('Bernoulli', {
  inputs: ['input'],
  attrs: { dtype: dtypeAttr.optional(), seed },
  infer: ({ input }, { dtype }) => dtypeLike(input, dtype),
  vjp: { input: null },
  upgrade: (node: OldNode): Upgraded => {
    const p = node.inputs[0]!
    const draw = randomUniformLike(p, { seed: node.attrs.seed as number | undefined })
    const to = node.attrs.dtype as number | undefined
    return [cast(less(draw, p), { to: to === undefined ? p.dtype : dtypeFromOnnx(to)! })]
  },
  samples: [{ inputs: { input: uniform([2, 3], 0, 1) }, forwardOnly: why }],
})

/**
 * In training (a truth value, which may be fed) zeroes elements with probability `ratio` (default 0.5) and divides the
 * others by 1 − ratio; otherwise the identity. The mask says what was kept.
 */
export const dropout = defineOp('Dropout', {
  inputs: ['data', 'ratio?', 'training_mode?'],
  outputs: ['output', 'mask?'],
  attrs: { seed: int.optional() },
  infer: ({ data }) => [
    { dtype: data.dtype, shape: data.shape },
    { dtype: 'bool' as const, shape: data.shape },
  ],
  vjp: {
    data: (g, { in: { ratio, training_mode }, out }): Value => {
      if (training_mode === null || training_mode.content?.[0] === 0) return g
      const kept = mul(g, cast(out[1]!, { to: g.dtype }))
      const scaled = ratio === null ? mul(kept, 2) : div(kept, sub(1, cast(ratio, { to: g.dtype })))
      return training_mode.content?.[0] === 1 ? scaled : where(training_mode, scaled, kept)
    },
    ratio: null,
    training_mode: null,
  },
  upgrade: (node: OldNode, opset): Upgraded => {
    if (opset >= 12) return undefined
    // Until opset 12 the operator was for inference only. The mask then had the data's dtype (bool from opset 10 on).
    const { output, mask } = dropout.all(node.inputs[0]!, (node.attrs.ratio as number | undefined) ?? 0.5)
    const old = opset >= 10 || node.outputCount < 2 ? mask : cast(mask, { to: node.inputs[0]!.dtype })
    return [output, old].slice(0, node.outputCount)
  },
  samples: [
    { inputs: { data: normal([2, 3]) } },
    { inputs: { data: normal([2, 3]), ratio: values([0.3], [], 'float'), training_mode: values([0], [], 'bool') } },
    { inputs: { data: normal([2, 3]), ratio: values([0], [], 'float'), training_mode: values([1], [], 'bool') } },
  ],
})
