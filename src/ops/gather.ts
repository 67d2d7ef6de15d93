import { type Dim, normalizeAxis, ShapeError, tensor, type Value } from '../ir/index.js'
import { cast } from './cast.js'
import { defineOp, int } from './define.js'
import { dimsVector, extentOf, zerosLike } from './dims.js'
import { refuse, squaredNorms } from './example-norms.js'
import { concat } from './join.js'
import { add, div, mod, mul } from './math.js'
import { normal, values } from './sample.js'
import { scatterElements, scatterND } from './scatter.js'
import { constantOfShape, expand, range, reshape, shape, transpose, unsqueeze } from './shape.js'
import { unique } from './sort.js'

/** Gathering. Gradients of gathers scatter with addition, so an index that occurs twice collects twice. */

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
      // ScatterND takes no int32.
      const column = reshape(
        indices.dtype === 'int64' ? indices : cast(indices, { to: 'int64' }),
        dimsVector(g.graph, [...indices.shape.map((d, i) => (typeof d === 'number' ? d : extentOf(indices, i))), 1]),
      )
      const put = scatterND(zeros, column, moved, { reduction: 'add' })
      return at === 0 ? put : transpose(put, { perm: data.shape.map((_, i) => dims.indexOf(i)) })
    },
    indices: null,
  },
  perExample: {
    data: (g, { in: { data, indices }, attrs: { axis }, node }): Value => {
      if (axis !== 0 || indices.shape.length === 0)
        refuse(node.name, 'rows of the parameter (axis 0) picked by [examples, …]', `axis ${axis}`)
      return indices.shape.length === 1 ? squaredNorms(g) : pickedNorms(g, data, indices)
    },
  },
  samples: [
    { inputs: { data: normal([4, 3]), indices: values([0, 2, 2, -1], [2, 2]) } },
    { inputs: { data: normal([2, 4, 3]), indices: values([1, 1, 3]) }, attrs: { axis: 1 } },
    { inputs: { data: normal([2, 4]), indices: values([1], []) }, attrs: { axis: -1 } },
  ],
})

/** Squared norms of each example's gradient of a table of rows; an example that picks a row twice adds before it squares. */
function pickedNorms(g: Value, data: Value, indices: Value): Value {
  const rows = reshape(extentOf(data, 0), [])
  const example = reshape(range(0, reshape(extentOf(indices, 0), []), 1), [-1, ...indices.shape.slice(1).map(() => 1)])
  const picked = mod(cast(indices, { to: 'int64' }), rows)
  // One number for each pair of example and row; equal pairs are added together.
  const { Y: pairs, inverse_indices: place } = unique.all(reshape(add(mul(example, rows), picked), [-1]))
  const rest = data.shape.slice(1).map((dim, i) => (typeof dim === 'number' ? dim : extentOf(data, i + 1)))
  const zero = { value: tensor([0], [1], data.dtype) }
  const gathered = scatterND(
    constantOfShape(
      rest.length === 0 ? shape(pairs) : concat([shape(pairs), dimsVector(g.graph, rest)], { axis: 0 }),
      zero,
    ),
    unsqueeze(place, [1]),
    reshape(g, dimsVector(g.graph, [-1, ...rest])),
    { reduction: 'add' },
  )
  const each = constantOfShape(extentOf(indices, 0), zero)
  return scatterND(each, unsqueeze(div(pairs, rows), [1]), squaredNorms(gathered), { reduction: 'add' })
}

/** The elements (or slices) whose first coordinates, after the batch axes, are `indices[…, :]`. */
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
    const least = Math.min(data.shape.length, indices.shape.length)
    if (batch_dims < 0 || batch_dims >= least || batch_dims + depth > data.shape.length)
      throw new ShapeError({
        code: 'gather-depth',
        where,
        expected: `batch_dims below ${least} and at most ${data.shape.length} coordinates with them`,
        received: `batch_dims ${batch_dims} and ${depth} coordinates`,
      })
    return { dtype: data.dtype, shape: [...indices.shape.slice(0, -1), ...data.shape.slice(batch_dims + depth)] }
  },
  vjp: {
    data: (g, { in: { data, indices }, attrs: { batch_dims } }): Value =>
      scatterND(zerosLike(data), withBatchCoordinates(indices, batch_dims), g, { reduction: 'add' }),
    indices: null,
  },
  samples: [
    { inputs: { data: normal([3, 4, 2]), indices: values([0, 1, 2, 3, 0, 1], [3, 2]) } },
    { inputs: { data: normal([2, 3, 4]), indices: values([1, -1, 1, 0], [2, 2, 1]) }, attrs: { batch_dims: 1 } },
    { inputs: { data: normal([2, 2, 3]), indices: values([0, 2, 1, -1], [2, 2, 1]) }, attrs: { batch_dims: 2 } },
  ],
})

/** Indices that count from the batch axes on, with the batch axes' own coordinates put in front. */
function withBatchCoordinates(indices: Value, batchDims: number): Value {
  const rank = indices.shape.length
  const dims = indices.shape.slice(0, -1).map((dim, i) => (typeof dim === 'number' ? dim : extentOf(indices, i)))
  const target = dimsVector(indices.graph, [...dims, 1])
  const coordinates = Array.from({ length: batchDims }, (_, axis) => {
    const count = range(0, reshape(extentOf(indices, axis), []), 1)
    return expand(
      reshape(
        count,
        [...new Array<number>(rank).fill(1)].map((_, i) => (i === axis ? -1 : 1)),
      ),
      target,
    )
  })
  return batchDims === 0 ? indices : concat([...coordinates, indices], { axis: -1 })
}

export const gatherElements = defineOp('GatherElements', {
  inputs: ['data', 'indices'],
  integers: ['indices'],
  attrs: { axis: int(0) },
  infer: ({ data, indices }, { axis }, where) => {
    normalizeAxis(axis, data.shape.length, where)
    if (indices.shape.length !== data.shape.length)
      throw new ShapeError({
        code: 'gather-rank',
        where,
        expected: `indices of rank ${data.shape.length}`,
        received: indices.shape,
      })
    return { dtype: data.dtype, shape: indices.shape }
  },
  vjp: {
    data: (g, { in: { data, indices }, attrs: { axis } }): Value =>
      scatterElements(zerosLike(data), indices, g, { axis, reduction: 'add' }),
    indices: null,
  },
  samples: [
    { inputs: { data: normal([3, 4]), indices: values([0, 2, 1, 1, 0, -1], [3, 2]) }, attrs: { axis: 1 } },
    { inputs: { data: normal([3, 2]), indices: values([2, 0], [1, 2]) } },
  ],
})
