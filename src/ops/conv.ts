import { addDim, type Dim, isStatic, mulDim, ShapeError, subDim, type Value } from '../ir/index.js'
import { convPerExample, inputGradient } from './conv-gradient.js'
import { kernelGradient } from './conv-kernel-gradient.js'
import { fitSpatial } from './conv-views.js'
import { defineOp, int, ints, string } from './define.js'
import { sameDtype } from './infer.js'
import { reduceSum, reduceSumSquare } from './reduce.js'
import { normal, type Sample } from './sample.js'
import { resolveWindow, slideShape, staticSpatial, windowAttrs } from './window.js'

/** Convolution and its transpose over one, two or three spatial axes. */

const autoPad = string('NOTSET', ['NOTSET', 'SAME_UPPER', 'SAME_LOWER', 'VALID'])
const attrs = {
  auto_pad: autoPad,
  dilations: ints.optional(),
  group: int(1),
  kernel_shape: ints.optional(),
  pads: ints.optional(),
  strides: ints.optional(),
}
const sizesOf = (W: Value, where: string): number[] => {
  const kernel = W.shape.slice(2)
  if (kernel.some(k => typeof k !== 'number'))
    throw new ShapeError({ code: 'dynamic-kernel', where, expected: 'a kernel of static shape', received: W.shape })
  return kernel as number[]
}
/** Channels, groups and bias must agree before a window is laid on anything. */
function checkChannels(
  X: Value,
  wanted: Dim,
  divided: Dim,
  outputs: Dim,
  B: Value | null,
  group: number,
  where: string,
): void {
  const differs = (a: Dim | undefined, b: Dim) => typeof a === 'number' && typeof b === 'number' && a !== b
  if (differs(X.shape[1], wanted))
    throw new ShapeError({
      code: 'conv-channels',
      where,
      expected: `${wanted} channels on axis 1${group > 1 ? ` (${group} groups)` : ''}`,
      received: X.shape,
      hint: 'images are [batch, channels, height, width]',
    })
  if (group < 1 || (typeof divided === 'number' && divided % group !== 0))
    throw new ShapeError({ code: 'conv-groups', where, expected: `a divisor of ${divided} in group`, received: group })
  if (B !== null && (B.shape.length !== 1 || differs(B.shape[0], outputs)))
    throw new ShapeError({ code: 'conv-bias', where, expected: [outputs], received: B.shape })
}
const biasGradient = (g: Value): Value => reduceSum(g, [0, ...g.shape.map((_, i) => i).slice(2)], { keepdims: 0 })

const samples: Sample[] = [
  { inputs: { X: normal([2, 3, 5, 4]), W: normal([4, 3, 3, 2]), B: normal([4]) } },
  { inputs: { X: normal([2, 2, 6, 5]), W: normal([3, 2, 3, 3]) }, attrs: { strides: [2, 1], pads: [1, 0, 1, 2] } },
  {
    inputs: { X: normal([1, 4, 7]), W: normal([6, 2, 3]), B: normal([6]) },
    attrs: { group: 2, dilations: [2], pads: [2, 1] },
  },
  {
    inputs: { X: normal([2, 3, 5, 5]), W: normal([3, 1, 3, 3]) },
    attrs: { group: 3, auto_pad: 'SAME_UPPER', strides: [2, 2] },
  },
  { inputs: { X: normal([1, 2, 4, 4, 3]), W: normal([2, 2, 2, 2, 2]) }, attrs: { pads: [0, 1, 0, 1, 0, 1] } },
  { inputs: { X: normal([2, 6, 4, 4]), W: normal([5, 6, 1, 1]) } },
  { inputs: { X: normal([2, 1, 6, 6]), W: normal([4, 1, 3, 3]) }, attrs: { strides: [2, 2] } },
  { inputs: { X: normal([1, 9, 4, 4]), W: normal([2, 9, 3, 3]) }, attrs: { auto_pad: 'SAME_LOWER' } },
]

export const conv = defineOp('Conv', {
  inputs: ['X', 'W', 'B?'],
  attrs,
  infer: ({ X, W, B }, a, where) => {
    const dtype = sameDtype(B === null ? [X, W] : [X, W, B], where)
    checkChannels(X, mulDim(W.shape[1]!, a.group), W.shape[0]!, W.shape[0]!, B, a.group, where)
    const kernel = W.shape.slice(2)
    // A kernel computed from data (the gradient of a kernel gradient) may have extents of its own.
    const spatial = isStatic(kernel)
      ? slideShape(X, kernel, a, where)
      : X.shape.slice(2).map((extent, i): Dim => `conv(${extent},${kernel[i]},${a.pads},${a.strides},${a.dilations})`)
    return { dtype, shape: [X.shape[0]!, W.shape[0]!, ...spatial] }
  },
  vjp: {
    X: (g, { in: { X, W }, attrs: a, node }): Value =>
      inputGradient(g, X, W, resolveWindow(X, sizesOf(W, node.name), a, node.name), a.group),
    W: (g, { in: { X, W }, attrs: a, node }): Value =>
      kernelGradient(X, g, W, resolveWindow(X, sizesOf(W, node.name), a, node.name), a.group),
    B: (g): Value => biasGradient(g),
  },
  perExample: {
    W: (g, { in: { X, W }, attrs: a, node }): Value =>
      convPerExample(X, g, resolveWindow(X, sizesOf(W, node.name), a, node.name), a.group, node.name),
    B: (g): Value =>
      reduceSumSquare(reduceSum(g, g.shape.map((_, i) => i).slice(2), { keepdims: 0 }), [1], { keepdims: 0 }),
  },
  samples,
})

/** The gradient of Conv as an operator: strides spread the input out. Kernel [in, out/groups, …]. */
export const convTranspose = defineOp('ConvTranspose', {
  inputs: ['X', 'W', 'B?'],
  attrs: { ...attrs, output_padding: ints.optional(), output_shape: ints.optional() },
  infer: ({ X, W, B }, a, where) => {
    const dtype = sameDtype(B === null ? [X, W] : [X, W, B], where)
    checkChannels(X, W.shape[0]!, W.shape[0]!, mulDim(W.shape[1]!, a.group), B, a.group, where)
    const w = transposedWindow(X, W, a, where)
    const spatial = X.shape.slice(2).map((extent, i): Dim => {
      const grown = mulDim(subDim(extent, 1), w.strides[i]!)
      return addDim(grown, w.dilations[i]! * (w.kernel[i]! - 1) + 1 - w.before[i]! - w.after[i]! + w.extra[i]!)
    })
    return { dtype, shape: [X.shape[0]!, mulDim(W.shape[1]!, a.group), ...spatial] }
  },
  vjp: {
    X: (g, { in: { X, W }, attrs: a, node }): Value =>
      // Output padding as wide as a stride lets the window slide once more than there are inputs.
      fitSpatial(conv(g, W, null, { ...windowAttrs(transposedWindow(X, W, a, node.name)), group: a.group }), X),
    // The same sums as for Conv, with input and output gradient in each other's place.
    W: (g, { in: { X, W }, attrs: a, node }): Value =>
      kernelGradient(g, X, W, transposedWindow(X, W, a, node.name), a.group),
    B: (g): Value => biasGradient(g),
  },
  samples: [
    { inputs: { X: normal([2, 3, 3, 4]), W: normal([3, 2, 3, 2]), B: normal([2]) } },
    {
      inputs: { X: normal([1, 4, 3, 3]), W: normal([4, 2, 3, 3]) },
      attrs: { group: 2, strides: [2, 2], pads: [1, 1, 1, 1], output_padding: [1, 0] },
    },
    { inputs: { X: normal([2, 2, 4]), W: normal([2, 3, 3]) }, attrs: { dilations: [2], pads: [1, 2] } },
    { inputs: { X: normal([1, 2, 3, 3]), W: normal([2, 1, 2, 2]) }, attrs: { strides: [2, 2], output_shape: [7, 6] } },
  ],
})

interface TransposeAttrs {
  readonly auto_pad: string
  readonly dilations?: readonly number[] | undefined
  readonly strides?: readonly number[] | undefined
  readonly pads?: readonly number[] | undefined
  readonly output_padding?: readonly number[] | undefined
  readonly output_shape?: readonly number[] | undefined
}

/** The window with pads as the result needs them: given, or from output_shape or SAME padding. */
function transposedWindow(X: Value, W: Value, a: TransposeAttrs, where: string) {
  const kernel = sizesOf(W, where)
  const plain = resolveWindow(X, kernel, { ...a, auto_pad: 'NOTSET' }, where)
  const extra = a.output_padding ?? kernel.map(() => 0)
  const same = a.auto_pad === 'SAME_UPPER' || a.auto_pad === 'SAME_LOWER'
  if (a.output_shape === undefined && !same)
    return {
      ...plain,
      extra,
      ...(a.auto_pad === 'VALID' ? { before: kernel.map(() => 0), after: kernel.map(() => 0) } : {}),
    }
  const spatial = staticSpatial(X, where)
  const total = kernel.map((k, i) => {
    const wanted = a.output_shape?.slice(-kernel.length)[i] ?? spatial[i]! * plain.strides[i]!
    return plain.strides[i]! * (spatial[i]! - 1) + extra[i]! + (k - 1) * plain.dilations[i]! + 1 - wanted
  })
  // A shape larger than the window reaches is padded after the result.
  const missing = total.map(t => Math.max(0, -t))
  const half = total.map(t => Math.floor(Math.max(0, t) / 2))
  const rest = total.map((t, i) => Math.max(0, t) - half[i]!)
  const upper = a.auto_pad === 'SAME_UPPER'
  return {
    ...plain,
    before: upper ? half : rest,
    after: upper ? rest : half,
    extra: extra.map((e, i) => e + missing[i]!),
  }
}
