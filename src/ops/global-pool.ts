import type { TensorType, Value } from '../ir/index.js'
import { defineOp, int } from './define.js'
import { dimsVector, extentOf, extentsOf, reshapeLike } from './dims.js'
import { equal, where } from './logic.js'
import { abs, div, mul, sign } from './math.js'
import { inferPool, poolSamples, spread, windowAttributes } from './pool.js'
import { pow } from './power.js'
import { reduceMean } from './reduce.js'
import { distinct, normal } from './sample.js'
import { range, reshape, squeeze } from './shape.js'
import { argMax } from './sort.js'
import { resolveWindow } from './window.js'

/** Pools over all positions, and pools by p-norms. */

const spatialAxes = (x: Value): number[] => x.shape.map((_, i) => i).slice(2)
const infer = ({ X }: { X: Value }): TensorType => ({
  dtype: X.dtype,
  shape: X.shape.map((dim, i) => (i < 2 ? dim : 1)),
})

/** ReduceMean over the spatial axes: three times faster than the operator itself. */
export const globalAveragePool = defineOp('GlobalAveragePool', {
  inputs: ['X'],
  infer,
  vjp: 'body',
  body: ({ X }): Value => reduceMean(X, spatialAxes(X)),
  samples: [{ inputs: { X: normal([2, 3, 4, 2]) } }, { inputs: { X: normal([2, 3, 4]) } }],
})

/** The largest of all positions; the gradient goes to the first of equals, as in PyTorch. */
export const globalMaxPool = defineOp('GlobalMaxPool', {
  inputs: ['X'],
  infer,
  vjp: {
    X: (g, { in: { X } }): Value => {
      const flat = reshape(X, dimsVector(X.graph, [extentsOf(X, [0, 1]), -1]))
      const places = range(0, squeeze(extentOf(flat, 2), [0]), 1)
      const first = equal(argMax(flat, { axis: 2 }), places)
      return reshapeLike(where(first, reshape(g, dimsVector(g.graph, [extentsOf(g, [0, 1]), 1])), 0), X)
    },
  },
  samples: [{ inputs: { X: distinct([2, 3, 4, 2]) } }, { inputs: { X: distinct([2, 1, 5]) } }],
})

/** (Σ |x|^p)^(1/p) over each window. The gradient of a window of zeros is zero. */
export const lpPool = defineOp('LpPool', {
  inputs: ['X'],
  attrs: { ...windowAttributes, p: int(2) },
  infer: ({ X }, a, at) => inferPool(X, a, at),
  vjp: {
    X: (g, { in: { X }, out, attrs: { p, ...a }, node }): Value => {
      const w = resolveWindow(X, a.kernel_shape, a, node.name)
      return mul(towards(X, p), spread(perNorm(g, out[0]!, p), X, w, node.name))
    },
  },
  samples: [
    ...poolSamples.map(attrs => ({ inputs: { X: normal([2, 2, 5, 6], { kinks: [0] }) }, attrs })),
    { inputs: { X: normal([1, 2, 7], { kinks: [0] }) }, attrs: { kernel_shape: [3], p: 3 } },
  ],
})

export const globalLpPool = defineOp('GlobalLpPool', {
  inputs: ['X'],
  attrs: { p: int(2) },
  infer,
  vjp: { X: (g, { in: { X }, out, attrs: { p } }): Value => mul(towards(X, p), perNorm(g, out[0]!, p)) },
  samples: [
    { inputs: { X: normal([2, 3, 4, 2], { kinks: [0] }) } },
    { inputs: { X: normal([2, 3, 4], { kinks: [0] }) }, attrs: { p: 3 } },
  ],
})

/** d(Σ|x|^p)^(1/p)/dx = sign(x) |x|^(p−1) · y^(1−p), in two factors. */
const towards = (x: Value, p: number): Value => (p === 1 ? sign(x) : p === 2 ? x : mul(sign(x), pow(abs(x), p - 1)))
const perNorm = (g: Value, y: Value, p: number): Value => {
  if (p === 1) return g
  const empty = equal(y, 0)
  return where(empty, 0, div(g, pow(where(empty, 1, y), p - 1)))
}
