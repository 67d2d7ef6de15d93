import { contentNumbers, type Dim, divDim, mulDim, ShapeError, type Value } from '../ir/index.js'
import { columnsOf } from './conv-gradient.js'
import { product } from './conv-views.js'
import { defineOp, int, ints, string } from './define.js'
import { dimsVector, extentOf, reshapeLike } from './dims.js'
import { div, mul } from './math.js'
import { normal, values } from './sample.js'
import { reshape, transpose } from './shape.js'
import { staticSpatial, type Window } from './window.js'

/** Operators that move elements between channels and positions. */

const checkBlock = (X: Value, blocksize: number, where: string): void => {
  if (X.shape.length !== 4 || blocksize < 1)
    throw new ShapeError({
      code: 'depth-space',
      where,
      expected: '[batch, channels, height, width] and a blocksize ≥ 1',
      received: [X.shape, blocksize],
    })
}
const divisible = (extent: Dim, by: number, what: string, where: string): Dim => {
  if (typeof extent === 'number' && extent % by !== 0)
    throw new ShapeError({ code: 'depth-space', where, expected: `${what} divisible by ${by}`, received: extent })
  return divDim(extent, by)
}
const extent = (x: Value, axis: number): number | Value =>
  typeof x.shape[axis] === 'number' ? (x.shape[axis] as number) : extentOf(x, axis)
const times = (dim: number | Value, by: number): number | Value => (typeof dim === 'number' ? dim * by : mul(dim, [by]))
const over = (dim: number | Value, by: number): number | Value => (typeof dim === 'number' ? dim / by : div(dim, [by]))

/** Channels laid out as blocks of positions. DCR: the block is the slower part of the channel; CRD: the faster. */
export const depthToSpace = defineOp('DepthToSpace', {
  inputs: ['X'],
  attrs: { blocksize: int.required(), mode: string('DCR', ['DCR', 'CRD']) },
  infer: ({ X }, { blocksize: b }, where) => {
    checkBlock(X, b, where)
    const [n, c, h, w] = X.shape as [Dim, Dim, Dim, Dim]
    return { dtype: X.dtype, shape: [n, divisible(c, b * b, 'channels', where), mulDim(h, b), mulDim(w, b)] }
  },
  vjp: 'body',
  body: ({ X }, { blocksize: b, mode }): Value => {
    const [n, c, h, w] = [0, 1, 2, 3].map(axis => extent(X, axis)) as [number, number, number, number]
    const depth = over(c, b * b)
    const split = mode === 'DCR' ? [n, b, b, depth, h, w] : [n, depth, b, b, h, w]
    const perm = mode === 'DCR' ? [0, 3, 4, 1, 5, 2] : [0, 1, 4, 2, 5, 3]
    const apart = transpose(reshape(X, dimsVector(X.graph, split)), { perm })
    return reshape(apart, dimsVector(X.graph, [n, depth, times(h, b), times(w, b)]))
  },
  samples: [
    { inputs: { X: normal([1, 8, 2, 3]) }, attrs: { blocksize: 2 } },
    { inputs: { X: normal([2, 9, 1, 2]) }, attrs: { blocksize: 3, mode: 'CRD' } },
  ],
})

/** Blocks of positions laid out as channels, the block the slower part of the channel: the inverse of DCR. */
export const spaceToDepth = defineOp('SpaceToDepth', {
  inputs: ['X'],
  attrs: { blocksize: int.required() },
  infer: ({ X }, { blocksize: b }, where) => {
    checkBlock(X, b, where)
    const [n, c, h, w] = X.shape as [Dim, Dim, Dim, Dim]
    const spatial = [divisible(h, b, 'height', where), divisible(w, b, 'width', where)]
    return { dtype: X.dtype, shape: [n, mulDim(c, b * b), ...spatial] }
  },
  vjp: { X: (g, { attrs: { blocksize } }): Value => depthToSpace(g, { blocksize }) },
  samples: [
    { inputs: { X: normal([1, 2, 4, 6]) }, attrs: { blocksize: 2 } },
    { inputs: { X: normal([2, 1, 3, 3]) }, attrs: { blocksize: 3 } },
  ],
})

/** Columns [batch, channels · block, positions] added up in images: the gradient of taking windows out of images. */
export const col2Im = defineOp('Col2Im', {
  inputs: ['input', 'image_shape', 'block_shape'],
  integers: ['image_shape', 'block_shape'],
  attrs: { dilations: ints.optional(), pads: ints.optional(), strides: ints.optional() },
  infer: ({ input, image_shape, block_shape }, _attrs, where) => {
    const [image, block] = [image_shape, block_shape].map(v => v.content ?? contentNumbers(v))
    if (image === undefined || block === undefined || input.shape.length !== 3)
      throw new ShapeError({
        code: 'col2im',
        where,
        expected: '[batch, channels · block, positions], with image_shape and block_shape known',
        received: [input.shape, image_shape.name, block_shape.name],
      })
    const size = block.reduce(mulDim, 1)
    const channels = typeof size === 'number' ? divisible(input.shape[1]!, size, 'channels', where) : '?'
    return { dtype: input.dtype, shape: [input.shape[0]!, channels, ...image] }
  },
  vjp: {
    input: (g, { in: { input, block_shape }, attrs: a, node }): Value => {
      const kernel = contentNumbers(block_shape)!
      const ones = kernel.map(() => 1)
      const pads = a.pads ?? [...ones, ...ones].fill(0)
      const w: Window = {
        kernel,
        strides: a.strides ?? ones,
        dilations: a.dilations ?? ones,
        before: pads.slice(0, kernel.length),
        after: pads.slice(kernel.length),
      }
      const out = staticSpatial(g, node.name).map(
        (n, i) =>
          Math.floor((n + w.before[i]! + w.after[i]! - w.dilations[i]! * (kernel[i]! - 1) - 1) / w.strides[i]!) + 1,
      )
      // [batch, 1, offset · channel, positions]: channels come first in the columns.
      const columns = columnsOf(g, out, w, 1)
      const [channels, size] = [Number(g.shape[1]), product(kernel)]
      const split = reshape(columns, dimsVector(g.graph, [extent(g, 0), size, channels, product(out)]))
      return reshapeLike(transpose(split, { perm: [0, 2, 1, 3] }), input)
    },
    image_shape: null,
    block_shape: null,
  },
  samples: [
    { inputs: { input: normal([1, 8, 12]), image_shape: values([4, 5]), block_shape: values([2, 2]) } },
    {
      inputs: { input: normal([2, 6, 6]), image_shape: values([5, 4]), block_shape: values([3, 2]) },
      attrs: { strides: [2, 2], pads: [1, 0, 1, 0] },
    },
  ],
})
