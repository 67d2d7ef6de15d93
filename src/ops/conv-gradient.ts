import type { Value } from '../ir/index.js'
import { conv, convTranspose } from './conv.js'
import { dimsVector, extentOf } from './dims.js'
import { concat } from './join.js'
import { mul } from './math.js'
import { gemm, matMul, transposeLast } from './matmul.js'
import { reduceSum, reduceSumSquare } from './reduce.js'
import { reshape, transpose } from './shape.js'
import { pad, slice } from './slice.js'
import { offsets, staticSpatial, type Window, windowAttrs } from './window.js'

/**
 * Gradients of a convolution in the formulations that ONNX Runtime runs fastest: ConvTranspose (or Conv with the kernel
 * turned round) for the input, matrix products over one kernel offset at a time for the kernel.
 */

const axesFrom = (start: number, x: Value): number[] => x.shape.map((_, i) => i).slice(start)
const dims = (x: Value, at: readonly number[]): (number | Value)[] =>
  at.map(i => (typeof x.shape[i] === 'number' ? (x.shape[i] as number) : extentOf(x, i)))
const product = (list: readonly number[]): number => list.reduce((a, b) => a * b, 1)

/** With respect to the input: the transposed convolution of the output's gradient. */
export function inputGradient(g: Value, X: Value, W: Value, w: Window, group: number, where: string): Value {
  const spatial = staticSpatial(X, where)
  const out = staticSpatial(g, where)
  const reach = w.kernel.map((k, i) => w.dilations[i]! * (k - 1))
  const one = w.strides.every(s => s === 1)
  // Grouped and dilated kernels, and 1×1: Conv with the kernel turned round is the faster kernel.
  if (
    one &&
    (group > 1 || w.dilations.some(d => d > 1) || product(w.kernel) === 1) &&
    reach.every((r, i) => r >= w.before[i]! && r >= w.after[i]!)
  )
    return conv(g, turned(W, group), null, {
      dilations: w.dilations,
      group,
      pads: [...reach.map((r, i) => r - w.before[i]!), ...reach.map((r, i) => r - w.after[i]!)],
    })
  const extra = spatial.map(
    (extent, i) => extent - ((out[i]! - 1) * w.strides[i]! - w.before[i]! - w.after[i]! + reach[i]! + 1),
  )
  return convTranspose(g, W, null, { ...windowAttrs(w), group, output_padding: extra })
}

/** Kernel [O, I/g, …] as [I, O/g, …] with every spatial axis reversed. */
function turned(W: Value, group: number): Value {
  const [outputs, inputs] = [Number(W.shape[0]), Number(W.shape[1])]
  const kernel = W.shape.slice(2) as number[]
  const spatial = axesFrom(2, W)
  const reversed =
    product(kernel) === 1
      ? W
      : slice(
          W,
          spatial.map(() => -1),
          spatial.map(() => -(2 ** 31)),
          spatial,
          spatial.map(() => -1),
        )
  if (group === 1) return transpose(reversed, { perm: [1, 0, ...spatial] })
  const split = reshape(reversed, [group, outputs / group, inputs, ...kernel])
  return reshape(transpose(split, { perm: [0, 2, 1, ...spatial.map(i => i + 1)] }), [
    group * inputs,
    outputs / group,
    ...kernel,
  ])
}

/** Shifted, strided views of the padded input, one for each kernel offset; `axis` is where its spatial axes begin. */
function views(padded: Value, axis: number, out: readonly number[], w: Window): Value[] {
  const axes = w.kernel.map((_, i) => axis + i)
  return offsets(w.kernel).map(offset => {
    const starts = offset.map((o, i) => o * w.dilations[i]!)
    const ends = starts.map((s, i) => s + (out[i]! - 1) * w.strides[i]! + 1)
    const whole = starts.every((s, i) => s === 0 && ends[i] === padded.shape[axes[i]!] && w.strides[i] === 1)
    return whole ? padded : slice(padded, starts, ends, axes, w.strides)
  })
}

const padSpatial = (x: Value, w: Window): Value =>
  [...w.before, ...w.after].every(p => p === 0) ? x : pad(x, [0, 0, ...w.before, 0, 0, ...w.after])

/** With respect to the kernel, in its shape. `X` is the convolution's input, `g` the gradient of its output. */
export function convWeightGradient(X: Value, g: Value, W: Value, w: Window, group: number): Value {
  const kernel = w.kernel
  const count = product(kernel)
  const out = staticSpatial(g, 'Conv')
  const [outputs, inputs] = [Number(g.shape[1]), Number(X.shape[1])]
  const spatial = axesFrom(2, X)
  const padded = padSpatial(X, w)
  const shapeOfW = W.shape as readonly number[]
  if (group === 1) {
    // [O, batch · positions]
    const rows = reshape(transpose(g, { perm: [1, 0, ...spatial] }), [outputs, -1])
    if (inputs <= 4) {
      // Few channels: all offsets as rows of one matrix, one product.
      const lead = inputs === 1 ? reshapeFirst(padded) : transpose(padded, { perm: [1, 0, ...spatial] })
      const columns = views(lead, 2, out, w).map(view => reshape(view, [inputs, -1]))
      const all = gemm(rows, columns.length === 1 ? columns[0]! : concat(columns, { axis: 0 }), { transB: 1 })
      return reshape(
        inputs === 1 || count === 1 ? all : transpose(reshape(all, [outputs, count, inputs]), { perm: [0, 2, 1] }),
        shapeOfW,
      )
    }
    const last = transpose(padded, { perm: [0, ...spatial, 1] })
    const products = views(last, 1, out, w).map(view =>
      reshape(gemm(rows, reshape(view, [-1, inputs])), [1, outputs * inputs]),
    )
    return assemble(products, shapeOfW)
  }
  const [perOut, perIn] = [outputs / group, inputs / group]
  if (perOut === 1 && perIn === 1) {
    const sums = views(padded, 2, out, w).map(view =>
      reshape(reduceSum(mul(view, g), [0, ...spatial], { keepdims: 0 }), [1, group]),
    )
    return assemble(sums, shapeOfW)
  }
  const gRows = reshape(
    transpose(reshape(g, dimsVector(g.graph, [...dims(g, [0]), group, perOut, ...out])), {
      perm: [1, 2, 0, ...spatial.map(i => i + 1)],
    }),
    [group, perOut, -1],
  )
  const size = padded.shape.slice(2) as number[]
  const last = transpose(reshape(padded, dimsVector(g.graph, [...dims(padded, [0]), group, perIn, ...size])), {
    perm: [1, 0, ...spatial.map(i => i + 1), 2],
  })
  const products = views(last, 2, out, w).map(view =>
    reshape(matMul(gRows, reshape(view, [group, -1, perIn])), [1, outputs * perIn]),
  )
  return assemble(products, shapeOfW)
}

/** [offset][O·I] → [O, I, …window]. */
const assemble = (products: readonly Value[], shape: readonly number[]): Value =>
  products.length === 1 ? reshape(products[0]!, shape) : reshape(transpose(concat(products, { axis: 0 })), shape)

/** [batch, 1, …] as [1, batch, …]: no element moves. */
const reshapeFirst = (x: Value): Value => reshape(x, dimsVector(x.graph, [1, ...dims(x, [0, ...axesFrom(2, x)])]))

/** Squared norms of each example's kernel gradient: from the gradient itself where it is small, else by Gram matrices. */
export function convPerExample(X: Value, g: Value, _W: Value, w: Window, group: number): Value {
  const out = staticSpatial(g, 'Conv')
  const positions = product(out)
  const [outputs, inputs] = [Number(g.shape[1]), Number(X.shape[1])]
  const [perOut, perIn] = [outputs / group, inputs / group]
  const batch = dims(g, [0])
  const columns = concat(
    views(padSpatial(X, w), 2, out, w).map(view =>
      reshape(view, dimsVector(g.graph, [...batch, group, perIn, 1, positions])),
    ),
    { axis: 3 },
  )
  const features = perIn * product(w.kernel)
  const a = reshape(columns, dimsVector(g.graph, [...batch, group, features, positions]))
  const d = reshape(g, dimsVector(g.graph, [...batch, group, perOut, positions]))
  if (features * perOut <= 2 * positions * positions)
    return reduceSumSquare(matMul(d, transposeLast(a)), [1, 2, 3], { keepdims: 0 })
  return reduceSum(mul(matMul(transposeLast(a), a), matMul(transposeLast(d), d)), [1, 2, 3], { keepdims: 0 })
}
