import { tensor, type Value } from '../ir/index.js'
import { conv } from './conv.js'
import { columnsOf } from './conv-gradient.js'
import { axesFrom, dimsOf, padSpatial, product, views } from './conv-views.js'
import { dimsVector } from './dims.js'
import { concat } from './join.js'
import { matMul, transposeLast } from './matmul.js'
import { reduceSum } from './reduce.js'
import { reshape, transpose } from './shape.js'
import { pad, slice } from './slice.js'
import { spatialOf, type Window } from './window.js'

/**
 * The gradient of a convolution with respect to its kernel: sums over all positions of products of input and output
 * gradient. Each form is the fastest on ONNX Runtime's CPU kernels for some shapes; all are plain operators.
 */

interface Problem {
  readonly X: Value
  readonly g: Value
  /** Spatial extents of `g`. */
  readonly out: readonly number[]
  readonly w: Window
  readonly group: number
  /** Channels per group. */
  readonly perIn: number
  readonly perOut: number
  /** Of the kernel. */
  readonly shape: readonly number[]
}

/** In the shape of the kernel W. `X` is the convolution's input, `g` the gradient of its output. */
export function kernelGradient(X: Value, g: Value, W: Value, w: Window, group: number): Value {
  const out = spatialOf(g)
  const shape = W.shape as readonly number[]
  const offsets = product(w.kernel)
  if (out === undefined || spatialOf(X) === undefined || offsets > 400) return byConvolution(X, g, shape, w, group)
  const [perIn, perOut] = [Number(X.shape[1]) / group, Number(g.shape[1]) / group]
  const problem: Problem = { X, g, out, w, group, perIn, perOut, shape }
  if (group > 1) {
    const rows = out.at(-1)! * Number(X.shape.at(-1))
    return perIn === 1 && out.length <= 2 && rows <= 4096 ? byRows(problem) : byOffset(problem)
  }
  if (perIn <= 4 && offsets > 1) return offsets > 30 ? byConvolution(X, g, shape, w, group) : byColumns(problem)
  return offsets === 1 ? byExample(problem) : byOffset(problem)
}

/** A convolution with batch and channels in each other's place: slow but for few channels, and indifferent to extents. */
function byConvolution(X: Value, g: Value, shape: readonly number[], w: Window, group: number): Value {
  const spatial = axesFrom(2, X)
  let images = transpose(X, { perm: [1, 0, ...spatial] })
  if (group > 1) {
    const split = reshape(
      images,
      dimsVector(X.graph, [group, Number(X.shape[1]) / group, ...dimsOf(X, [0, ...spatial])]),
    )
    const swapped = transpose(split, { perm: [1, 0, 2, ...spatial.map(i => i + 1)] })
    images = reshape(swapped, dimsVector(X.graph, [Number(X.shape[1]) / group, -1, ...dimsOf(X, spatial)]))
  }
  const kernels = transpose(g, { perm: [1, 0, ...spatial] })
  const pads = [...w.before, ...w.after]
  const all = conv(images, kernels, null, { strides: w.dilations, dilations: w.strides, pads, group })
  // A stride that leaves a remainder lets the kernel slide further than it was wide.
  const whole = w.kernel.every((k, i) => all.shape[i + 2] === k)
  const cut = whole
    ? all
    : slice(
        all,
        spatial.map(() => 0),
        [...w.kernel],
        spatial,
      )
  return reshape(transpose(cut, { perm: [1, 0, ...spatial] }), shape)
}

/** Few channels: all offsets as rows of one matrix, one product per example. */
function byColumns({ X, g, out, w, perIn, perOut, shape }: Problem): Value {
  const columns = reshape(columnsOf(X, out, w, 1), dimsVector(X.graph, [...dimsOf(X, [0]), -1, product(out)]))
  const rows = reshape(g, dimsVector(g.graph, [...dimsOf(g, [0]), perOut, product(out)]))
  const sum = reduceSum(matMul(rows, transposeLast(columns)), [0], { keepdims: 0 })
  if (perIn === 1) return reshape(sum, shape)
  return reshape(transpose(reshape(sum, [perOut, product(w.kernel), perIn]), { perm: [0, 2, 1] }), shape)
}

/** One product per offset over all examples and positions; channels last, so that every view is copied in long runs. */
function byOffset({ X, g, out, w, group, perIn, perOut, shape }: Problem): Value {
  const padded = padSpatial(X, w)
  const spatial = axesFrom(2, X)
  if (group === 1) {
    const rows = reshape(transpose(g, { perm: [1, 0, ...spatial] }), [perOut, -1])
    const last = transpose(padded, { perm: [0, ...spatial, 1] })
    const products = views(last, 1, out, w).map(view =>
      reshape(matMul(rows, reshape(view, [-1, perIn])), [1, perOut * perIn]),
    )
    return assemble(products, shape)
  }
  const split = (x: Value, channels: number) =>
    reshape(x, dimsVector(x.graph, [...dimsOf(x, [0]), group, channels, ...dimsOf(x, spatial)]))
  const rows = transpose(split(g, perOut), { perm: [1, 2, 0, ...spatial.map(i => i + 1)] })
  const flat = reshape(rows, [group, perOut, -1])
  const last = transpose(split(padded, perIn), { perm: [1, 0, ...spatial.map(i => i + 1), 2] })
  const products = views(last, 2, out, w).map(view =>
    reshape(matMul(flat, reshape(view, [group, -1, perIn])), [1, group * perOut * perIn]),
  )
  return assemble(products, shape)
}

/** A kernel of one element: one product per example, which takes both sides as they lie. */
function byExample({ X, g, out, w, perIn, perOut, shape }: Problem): Value {
  const flat = (x: Value, channels: number) =>
    reshape(x, dimsVector(x.graph, [...dimsOf(x, [0]), channels, product(out)]))
  const [view] = views(padSpatial(X, w), 2, out, w)
  const each = matMul(flat(g, perOut), transposeLast(flat(view!, perIn)))
  return reshape(reduceSum(each, [0], { keepdims: 0 }), shape)
}

/**
 * One input channel per group: per row offset the products of every output column with every input column, of which the
 * kernel's own are picked by a constant matrix. Wasteful in arithmetic, but a matrix product where else there are sums.
 */
function byRows({ X, g, out, w, group, perOut, shape }: Problem): Value {
  const columns = out.at(-1)!
  const width = Number(X.shape.at(-1))
  const size = w.kernel.at(-1)!
  const at = w.kernel.length - 1
  const picks = new Float64Array(columns * width * size)
  for (let o = 0; o < columns; o++)
    for (let k = 0; k < size; k++) {
      const source = o * w.strides[at]! + k * w.dilations[at]! - w.before[at]!
      if (source >= 0 && source < width) picks[(o * width + source) * size + k] = 1
    }
  const pick = tensor(picks, [columns * width, size], X.dtype)
  const high = out.slice(0, -1)
  const left = reshape(g, dimsVector(g.graph, [...dimsOf(g, [0]), group, perOut, ...high, columns]))
  const order = high.length === 1 ? [1, 2, 4, 0, 3] : [1, 2, 3, 0]
  // [channels, outputs each · columns, batch · rows]
  const rows = reshape(transpose(left, { perm: order }), [group, perOut * columns, -1])
  const tall = {
    ...w,
    kernel: w.kernel.slice(0, -1),
    strides: w.strides.slice(0, -1),
    dilations: w.dilations.slice(0, -1),
  }
  const padded =
    high.length === 0 || w.before[0]! + w.after[0]! === 0 ? X : pad(X, [0, 0, w.before[0]!, 0, 0, 0, w.after[0]!, 0])
  const lead = transpose(padded, { perm: [1, 0, ...axesFrom(2, X)] })
  const parts = views(lead, 2, high, tall).map(view => {
    const all = matMul(rows, reshape(view, [group, -1, width]))
    return reshape(matMul(reshape(all, [group * perOut, columns * width]), pick), [group * perOut, 1, size])
  })
  return reshape(parts.length === 1 ? parts[0]! : concat(parts, { axis: 1 }), shape)
}

/** [offset][O·I] → [O, I, …window]. */
const assemble = (products: readonly Value[], shape: readonly number[]): Value =>
  products.length === 1 ? reshape(products[0]!, shape) : reshape(transpose(concat(products, { axis: 0 })), shape)
