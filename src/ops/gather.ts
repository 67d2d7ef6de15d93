import { type Dim, GraphError, normalizeAxis, ShapeError, tensor, type Value } from '../ir/index.js'
import { defineOp, int, string } from './define.js'
import { dimsVector, extentOf, zerosLike } from './dims.js'
import { normal, values } from './sample.js'
import { constantOfShape, reshape, transpose } from './shape.js'

/** Gather and scatter. Gradients of gathers scatter with addition, so an index that occurs twice collects twice. */

export const gather = defineOp('Gather', {
  inputs: ['data', 'indices'],
  integers: ['indices'],
  attrs: { axis: int(0) },
  infer: ({ data, indices }, { axis }, where) => {
    const at = normalizeAxis(axis, data.shape.length, where)
    const dims = [...data.shape.slice(0, at), ...indices.shape, ...data.shape.slice(at + 1)]
    let content: Dim[] | undefined
    if (data.content !== undefined && indices.content !== undefined && data.shape.length === 1) {
      const known = data.content
      const picked = indices.content.map(i => (typeof i === 'number' ? known[i < 0 ? i + known.length : i] : undefined))
      if (picked.every(dim => dim !== undefined)) content = picked as Dim[]
    }
    return { dtype: data.dtype, shape: dims, content: dims.length <= 1 ? content : undefined }
  },
  vjp: {
    // ScatterND along the first axis is many times faster than ScatterElements with expanded indices.
    data: (g, { in: { data, indices }, attrs: { axis } }): Value => {
      const rank = data.shape.length
      const at = normalizeAxis(axis, rank)
      const picks = indices.shape.length
      const front = [...Array.from({ length: picks }, (_, i) => at + i), ...Array.from({ length: at }, (_, i) => i)]
      const perm = [...front, ...Array.from({ length: rank - at - 1 }, (_, i) => at + picks + i)]
      const moved = perm.every((p, i) => p === i) ? g : transpose(g, { perm })
      const dims = [at, ...data.shape.map((_, i) => i).filter(i => i !== at)]
      const zeros =
        at === 0
          ? zerosLike(data)
          : constantOfShape(
              dimsVector(
                g.graph,
                dims.map(i => (typeof data.shape[i] === 'number' ? (data.shape[i] as number) : extentOf(data, i))),
              ),
              {
                value: tensor([0], [1], data.dtype),
              },
            )
      const column = reshape(
        indices,
        dimsVector(g.graph, [...indices.shape.map((d, i) => (typeof d === 'number' ? d : extentOf(indices, i))), 1]),
      )
      const put = scatterND(zeros, column, moved, { reduction: 'add' })
      return at === 0 ? put : transpose(put, { perm: data.shape.map((_, i) => dims.indexOf(i)) })
    },
    indices: null,
  },
  samples: [
    { inputs: { data: normal([4, 3]), indices: values([0, 2, 2, -1], [2, 2]) } },
    { inputs: { data: normal([2, 4, 3]), indices: values([1, 1, 3]) }, attrs: { axis: 1 } },
    { inputs: { data: normal([2, 4]), indices: values([1], []) }, attrs: { axis: -1 } },
  ],
})

export const gatherND = defineOp('GatherND', {
  inputs: ['data', 'indices'],
  integers: ['indices'],
  attrs: { batch_dims: int(0) },
  infer: ({ data, indices }, { batch_dims }, where) => {
    const depth = indices.shape.at(-1)
    if (typeof depth !== 'number')
      throw new ShapeError({
        code: 'unknown-rank',
        where,
        expected: 'a static last extent of indices',
        received: indices.shape,
      })
    return { dtype: data.dtype, shape: [...indices.shape.slice(0, -1), ...data.shape.slice(batch_dims + depth)] }
  },
  vjp: {
    data: (g, { in: { data, indices }, attrs: { batch_dims } }): Value => {
      if (batch_dims !== 0)
        throw new ShapeError({
          code: 'gathernd-batch',
          where: 'GatherND',
          expected: 'batch_dims 0 for a gradient',
          received: batch_dims,
        })
      return scatterND(zerosLike(data), indices, g, { reduction: 'add' })
    },
    indices: null,
  },
  samples: [{ inputs: { data: normal([3, 4, 2]), indices: values([0, 1, 2, 3, 0, 1], [3, 2]) } }],
})

export const scatterND = defineOp('ScatterND', {
  inputs: ['data', 'indices', 'updates'],
  integers: ['indices'],
  attrs: { reduction: string('none', ['none', 'add', 'mul', 'max', 'min']) },
  infer: ({ data }) => ({ dtype: data.dtype, shape: data.shape }),
  vjp: {
    data: (g, { in: { indices, updates }, attrs: { reduction } }): Value => {
      if (reduction === 'add') return g
      return scatterND(g, indices, zerosLike(updates))
    },
    indices: null,
    updates: (g, { in: { indices } }): Value => gatherND(g, indices),
  },
  samples: [
    {
      inputs: { data: normal([4, 3]), indices: values([1, 3], [2, 1]), updates: normal([2, 3]) },
      attrs: { reduction: 'add' },
    },
    { inputs: { data: normal([4, 3]), indices: values([1, 2, 3, 0], [2, 2]), updates: normal([2]) } },
  ],
})

export const gatherElements = defineOp('GatherElements', {
  inputs: ['data', 'indices'],
  integers: ['indices'],
  attrs: { axis: int(0) },
  infer: ({ data, indices }, { axis }, where) => {
    normalizeAxis(axis, data.shape.length, where)
    if (indices.shape.length !== data.shape.length)
      throw new ShapeError({ code: 'gather-rank', where, expected: `indices of rank ${data.shape.length}`, received: indices.shape })
    return { dtype: data.dtype, shape: indices.shape }
  },
  vjp: {
    data: (g, { in: { data, indices }, attrs: { axis } }): Value => scatterElements(zerosLike(data), indices, g, { axis, reduction: 'add' }),
    indices: null,
  },
  samples: [
    { inputs: { data: normal([3, 4]), indices: values([0, 2, 1, 1, 0, -1], [3, 2]) }, attrs: { axis: 1 } },
    { inputs: { data: normal([3, 2]), indices: values([2, 0], [1, 2]) } },
  ],
})

export const scatterElements = defineOp('ScatterElements', {
  inputs: ['data', 'indices', 'updates'],
  integers: ['indices'],
  attrs: { axis: int(0), reduction: string('none', ['none', 'add', 'mul', 'max', 'min']) },
  infer: ({ data }, { axis }, where) => {
    normalizeAxis(axis, data.shape.length, where)
    return { dtype: data.dtype, shape: data.shape }
  },
  vjp: {
    data: (g, { in: { indices, updates }, attrs: { axis, reduction }, node }): Value => {
      if (reduction === 'add') return g
      onlyNone(reduction, node.name)
      return scatterElements(g, indices, zerosLike(updates), { axis })
    },
    indices: null,
    updates: (g, { in: { indices }, attrs: { axis, reduction }, node }): Value => {
      if (reduction !== 'add') onlyNone(reduction, node.name)
      return gatherElements(g, indices, { axis })
    },
  },
  samples: [
    { inputs: { data: normal([3, 4]), indices: values([0, 2, 1, 1, 0, 0], [3, 2]), updates: normal([3, 2]) }, attrs: { axis: 1, reduction: 'add' } },
    { inputs: { data: normal([3, 4]), indices: values([0, 2, 1, 3, 0, 1], [3, 2]), updates: normal([3, 2]) }, attrs: { axis: 1 } },
  ],
})

/** Products and extremes of scattered values have no gradient rule here. */
function onlyNone(reduction: string, where: string): void {
  if (reduction !== 'none')
    throw new GraphError({ code: 'no-gradient', where, expected: "reduction 'none' or 'add' for a gradient", received: reduction })
}
