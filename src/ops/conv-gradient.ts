import type { Value } from '../ir/index.js'
import { conv, convTranspose } from './conv.js'
import { axesFrom, dimsOf, fitSpatial, padSpatial, product, views } from './conv-views.js'
import { dimsVector, reshapeLike } from './dims.js'
import { concat } from './join.js'
import { mul } from './math.js'
import { matMul, transposeLast } from './matmul.js'
import { reduceSum, reduceSumSquare } from './reduce.js'
import { reshape, transpose } from './shape.js'
import { slice } from './slice.js'
import { reachOf, spatialOf, staticSpatial, type Window, windowAttrs } from './window.js'

/**
 * The gradient of a convolution with respect to its input: the transposed convolution of the output's gradient, or Conv
 * with the kernel turned round where that is the faster kernel.
 */
export function inputGradient(g: Value, X: Value, W: Value, w: Window, group: number): Value {
  const [spatial, out] = [spatialOf(X), spatialOf(g)]
  const reach = reachOf(w)
  const known = spatial !== undefined && out !== undefined
  const turnable = w.strides.every(s => s === 1) && reach.every((r, i) => r - 1 >= w.before[i]! && r - 1 >= w.after[i]!)
  if (turnable && (!known || group > 1 || w.dilations.some(d => d > 1) || product(w.kernel) === 1)) {
    const gradient = conv(g, turned(W, group), null, {
      dilations: w.dilations,
      group,
      pads: [...reach.map((r, i) => r - 1 - w.before[i]!), ...reach.map((r, i) => r - 1 - w.after[i]!)],
    })
    return known ? gradient : reshapeLike(gradient, X)
  }
  if (!known) {
    const whole = convTranspose(g, W, null, { strides: w.strides, dilations: w.dilations, group })
    return fitSpatial(whole, X, w.before)
  }
  // What the stride left over, or (rounding up) how far the last window stands out.
  const rest = spatial.map(
    (extent, i) => extent - ((out[i]! - 1) * w.strides[i]! - w.before[i]! - w.after[i]! + reach[i]!),
  )
  const after = w.after.map((p, i) => p + Math.max(0, -rest[i]!))
  return convTranspose(g, W, null, {
    ...windowAttrs({ ...w, after }),
    group,
    output_padding: rest.map(r => Math.max(0, r)),
  })
}

/** Kernel [O, I/g, …] as [I, O/g, …] with every spatial axis reversed. */
function turned(W: Value, group: number): Value {
  const [outputs, inputs] = [Number(W.shape[0]), Number(W.shape[1])]
  const kernel = W.shape.slice(2) as number[]
  const spatial = axesFrom(2, W)
  const [back, end] = [spatial.map(() => -1), spatial.map(() => -(2 ** 31))]
  const reversed = product(kernel) === 1 ? W : slice(W, back, end, spatial, back)
  if (group === 1) return transpose(reversed, { perm: [1, 0, ...spatial] })
  const split = reshape(reversed, [group, outputs / group, inputs, ...kernel])
  const swapped = transpose(split, { perm: [0, 2, 1, ...spatial.map(i => i + 1)] })
  return reshape(swapped, [group * inputs, outputs / group, ...kernel])
}

/** The input as columns: [batch, group, window · channels/group, positions]; offsets before channels. */
export function columnsOf(X: Value, out: readonly number[], w: Window, group: number): Value {
  const perIn = Number(X.shape[1]) / group
  const batch = dimsOf(X, [0])
  const positions = product(out)
  const parts = views(padSpatial(X, w), 2, out, w).map(view =>
    reshape(view, dimsVector(X.graph, [...batch, group, perIn, positions])),
  )
  return parts.length === 1 ? parts[0]! : concat(parts, { axis: 2 })
}

/** Squared norms of each example's kernel gradient: from the gradient itself where it is small, else by Gram matrices. */
export function convPerExample(X: Value, g: Value, w: Window, group: number, where: string): Value {
  const out = staticSpatial(g, where)
  const positions = product(out)
  const [perOut, perIn] = [Number(g.shape[1]) / group, Number(X.shape[1]) / group]
  const a = columnsOf(X, out, w, group)
  const d = reshape(g, dimsVector(g.graph, [...dimsOf(g, [0]), group, perOut, positions]))
  const axes = [1, 2, 3]
  // Bu, Mao, Xu 2022 (arXiv 2205.10683): whichever of gradient and Gram matrices holds fewer numbers.
  if (perIn * product(w.kernel) * perOut <= 2 * positions * positions)
    return reduceSumSquare(matMul(d, transposeLast(a)), axes, { keepdims: 0 })
  return reduceSum(mul(matMul(transposeLast(a), a), matMul(transposeLast(d), d)), axes, { keepdims: 0 })
}
