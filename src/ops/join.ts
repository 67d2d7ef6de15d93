import {
  addDim,
  contentNumbers,
  type Dim,
  isStatic,
  normalizeAxis,
  ShapeError,
  type TensorType,
  type Value,
} from '../ir/index.js'
import { defineOp, int, type Upgraded } from './define.js'
import { dimsVector, extentOf, sliceAxis, zerosLike } from './dims.js'
import { sameDtype } from './infer.js'
import { normal, values } from './sample.js'
import { intsInput } from './shape.js'

/** Concat and its inverse. */

export const concat = defineOp('Concat', {
  inputs: ['inputs*'],
  attrs: { axis: int.required() },
  infer: ({ inputs }, { axis }, where) => {
    const first = inputs[0]!
    const at = normalizeAxis(axis, first.shape.length, where)
    for (const input of inputs)
      if (
        input.shape.length !== first.shape.length ||
        input.shape.some(
          (dim, i) =>
            i !== at && typeof dim === 'number' && typeof first.shape[i] === 'number' && dim !== first.shape[i],
        )
      )
        throw new ShapeError({
          code: 'concat-shape',
          where,
          expected: `equal shapes but for axis ${at}, as [${first.shape}]`,
          received: `[${input.shape}] (${input.name})`,
        })
    const dims = first.shape.map((dim, i) =>
      i === at
        ? inputs.map(input => input.shape[at]!).reduce(addDim)
        : (inputs.map(input => input.shape[i]!).find(d => typeof d === 'number') ?? dim),
    )
    const contents = inputs.map(input => input.content)
    const known = dims.length === 1 && contents.every(content => content !== undefined)
    return {
      dtype: sameDtype(inputs, where),
      shape: dims,
      content: known ? contents.flatMap(content => content as readonly Dim[]) : undefined,
    }
  },
  vjp: {
    inputs: (g, { in: { inputs }, attrs: { axis }, position }): Value => {
      const at = normalizeAxis(axis, g.shape.length)
      const start = inputs
        .slice(0, position)
        .map(input => input.shape[at]!)
        .reduce(addDim, 0)
      const extent = inputs[position]!.shape[at]!
      if (typeof start === 'number' && typeof extent === 'number') return sliceAxis(g, at, start, start + extent)
      return split(
        g,
        dimsVector(
          g.graph,
          inputs.map(input => extentOf(input, at)),
        ),
        { axis: at },
      )[position]!
    },
  },
  samples: [
    { inputs: { inputs: [normal([2, 3]), normal([2, 1]), normal([2, 2])] }, attrs: { axis: 1 } },
    { inputs: { inputs: [normal([2, 3]), normal([1, 3])] }, attrs: { axis: -2 } },
  ],
})

/** Cuts along an axis, into the sizes of `split` or into `num_outputs` equal parts (the last may be smaller). */
export const split = defineOp('Split', {
  inputs: ['input', 'split?'],
  outputs: ['outputs*'],
  keepOutputs: true,
  integers: ['split'],
  attrs: { axis: int(0), num_outputs: int.optional() },
  infer: ({ input, split: sizes }, { axis, num_outputs }, where): TensorType[] => {
    const at = normalizeAxis(axis, input.shape.length, where)
    const extent = input.shape[at]!
    let parts: readonly Dim[]
    if (sizes !== null) {
      const count = sizes.shape[0]
      if (typeof count !== 'number')
        throw new ShapeError({
          code: 'unknown-rank',
          where,
          expected: 'a known number of parts',
          received: sizes.shape,
        })
      parts = sizes.content ?? contentNumbers(sizes) ?? Array.from({ length: count }, (_, i) => `${sizes.name}[${i}]`)
      if (typeof extent === 'number' && isStatic(parts) && parts.reduce(addDim, 0) !== extent)
        throw new ShapeError({
          code: 'split-sizes',
          where,
          expected: `sizes that add up to ${extent}`,
          received: parts,
        })
    } else {
      if (num_outputs === undefined || num_outputs < 1)
        throw new ShapeError({
          code: 'split-parts',
          where,
          expected: 'split sizes or num_outputs ≥ 1',
          received: num_outputs ?? 'neither',
        })
      if (typeof extent === 'number') {
        const each = Math.ceil(extent / num_outputs)
        parts = Array.from({ length: num_outputs }, (_, i) => Math.max(0, Math.min(each, extent - i * each)))
      } else parts = Array.from({ length: num_outputs }, () => `(${extent}/${num_outputs})`)
    }
    let from = 0
    return parts.map(part => {
      const content =
        input.shape.length === 1 && typeof part === 'number' ? input.content?.slice(from, from + part) : undefined
      if (typeof part === 'number') from += part
      return { dtype: input.dtype, shape: input.shape.map((dim, i) => (i === at ? part : dim)), content }
    })
  },
  vjp: {
    input: (_g, { out, grads, attrs: { axis } }): Value =>
      concat(
        out.map((part, i) => grads[i] ?? zerosLike(part)),
        { axis },
      ),
    split: null,
  },
  upgrade: (node): Upgraded => {
    if (node.inputs[1]) return undefined
    if (node.attrs.num_outputs !== undefined) return undefined
    const axis = (node.attrs.axis as number | undefined) ?? 0
    const sizes = intsInput(node, 'split')
    return sizes === null
      ? split(node.inputs[0]!, { axis, num_outputs: node.outputCount })
      : split(node.inputs[0]!, sizes, { axis })
  },
  samples: [
    { inputs: { input: normal([2, 6]), split: values([1, 3, 2]) }, attrs: { axis: 1 } },
    { inputs: { input: normal([5, 2]) }, attrs: { num_outputs: 2 } },
  ],
})
