import { normalizeAxis, ShapeError, type Value } from '../ir/index.js'
import { cast } from './cast.js'
import { defineOp, int, string } from './define.js'
import { onesLike, zerosLike } from './dims.js'
import { gatherElements, gatherND } from './gather.js'
import { sameDtype } from './infer.js'
import { and, equal, where } from './logic.js'
import { div, mul } from './math.js'
import { distinct, normal, values } from './sample.js'

/**
 * Scattering: values put, added, multiplied or compared into places of a tensor.
 * With reduction 'none' an index must not occur twice (ONNX leaves open which value stays); with the others it may.
 * At ties of max and min the gradient is shared equally among the tied, as torch.scatter_reduce does.
 * Gradients of products hold where updates are zero; second derivatives with at most one zero per place.
 */

type Reduction = 'none' | 'add' | 'mul' | 'max' | 'min'
const reductions = ['none', 'add', 'mul', 'max', 'min'] as const

/** The two directions of one set of indices. */
interface Places {
  readonly scatter: (data: Value, updates: Value, reduction: Reduction) => Value
  readonly gather: (x: Value) => Value
}
interface Scattered extends Places {
  readonly data: Value
  readonly updates: Value
  readonly out: Value
  readonly reduction: Reduction
}

/** 1 where a value is the extreme of its place, for the data and for the updates, and how many share each place. */
function tied({ data, updates, out, scatter, gather }: Scattered): { kept: Value; put: Value; count: Value } {
  const kept = cast(equal(data, out), { to: data.dtype })
  const put = cast(equal(updates, gather(out)), { to: data.dtype })
  return { kept, put, count: scatter(kept, put, 'add') }
}

function dataGradient(g: Value, at: Scattered): Value {
  const { data, updates, reduction, scatter } = at
  if (reduction === 'add') return g
  if (reduction === 'none') return scatter(g, zerosLike(updates), 'none')
  if (reduction === 'mul') return mul(g, scatter(onesLike(data), updates, 'mul'))
  const { kept, count } = tied(at)
  return mul(kept, div(g, count))
}

function updatesGradient(g: Value, at: Scattered): Value {
  const { data, updates, out, reduction, scatter, gather } = at
  if (reduction === 'add' || reduction === 'none') return gather(g)
  if (reduction === 'mul') {
    // The product of the others is out / update; where an update is the only zero of its place, the product without it.
    const zero = equal(updates, 0)
    const zeros = gather(scatter(zerosLike(data), cast(zero, { to: data.dtype }), 'add'))
    const alone = and(zero, equal(zeros, 1))
    const one = onesLike(updates)
    const without = gather(mul(g, scatter(data, where(alone, one, updates), 'mul')))
    return where(alone, without, div(gather(mul(g, out)), where(zero, one, updates)))
  }
  const { put, count } = tied(at)
  return mul(put, gather(div(g, count)))
}

const elementPlaces = (indices: Value, axis: number): Places => ({
  scatter: (data, updates, reduction): Value => scatterElements(data, indices, updates, { axis, reduction }),
  gather: (x): Value => gatherElements(x, indices, { axis }),
})

/** data with `updates[i][j]` at `[indices[i][j]][j]` (for axis 0). `indices` and `updates` have one shape, of data's rank. */
export const scatterElements = defineOp('ScatterElements', {
  inputs: ['data', 'indices', 'updates'],
  integers: ['indices'],
  attrs: { axis: int(0), reduction: string<Reduction>('none', reductions) },
  infer: ({ data, indices, updates }, { axis }, where) => {
    const rank = data.shape.length
    normalizeAxis(axis, rank, where)
    const fits = updates.shape.every(
      (dim, i) => typeof dim === 'string' || typeof indices.shape[i] === 'string' || dim === indices.shape[i],
    )
    if (indices.shape.length !== rank || updates.shape.length !== rank || !fits)
      throw new ShapeError({
        code: 'scatter-shape',
        where,
        expected: `indices and updates of one shape of rank ${rank}`,
        received: `[${indices.shape}] and [${updates.shape}]`,
      })
    return { dtype: sameDtype([data, updates], where), shape: data.shape }
  },
  vjp: {
    data: (g, { in: { data, indices, updates }, out, attrs: { axis, reduction } }): Value =>
      dataGradient(g, { data, updates, out: out[0]!, reduction, ...elementPlaces(indices, axis) }),
    indices: null,
    updates: (g, { in: { data, indices, updates }, out, attrs: { axis, reduction } }): Value =>
      updatesGradient(g, { data, updates, out: out[0]!, reduction, ...elementPlaces(indices, axis) }),
  },
  samples: [
    {
      inputs: { data: normal([3, 4]), indices: values([0, 2, 1, 3, 0, -3], [3, 2]), updates: normal([3, 2]) },
      attrs: { axis: 1 },
    },
    ...(['add', 'mul'] as const).map(reduction => ({
      inputs: { data: normal([3, 4]), indices: values([0, 2, 1, 1, 0, -4], [3, 2]), updates: normal([3, 2]) },
      attrs: { axis: 1, reduction },
    })),
    {
      inputs: {
        data: normal([3, 2]),
        indices: values([1, 0, 1, 2], [2, 2]),
        updates: values([0, 0, 0.7, -0.4], [2, 2], 'float'),
      },
      attrs: { axis: 0, reduction: 'mul' },
    },
    ...(['max', 'min'] as const).map(reduction => ({
      inputs: { data: normal([3, 4]), indices: values([0, 2, 1, 1, 0, -4], [3, 2]), updates: distinct([3, 2], 0.5) },
      attrs: { axis: -1, reduction },
    })),
  ],
})

const pointPlaces = (indices: Value): Places => ({
  scatter: (data, updates, reduction): Value => scatterND(data, indices, updates, { reduction }),
  gather: (x): Value => gatherND(x, indices),
})

/** data with `updates[i]` at the place whose first coordinates are `indices[i]`: elements or whole slices. */
export const scatterND = defineOp('ScatterND', {
  inputs: ['data', 'indices', 'updates'],
  integers: ['indices'],
  attrs: { reduction: string<Reduction>('none', reductions) },
  infer: ({ data, indices, updates }, _attrs, where) => {
    const depth = indices.shape.at(-1)
    const rank = data.shape.length
    if (typeof depth !== 'number' || depth > rank)
      throw new ShapeError({
        code: 'scatter-depth',
        where,
        expected: `a static last extent of indices, at most ${rank}`,
        received: indices.shape,
      })
    const wanted = [...indices.shape.slice(0, -1), ...data.shape.slice(depth)]
    const fits = updates.shape.every(
      (dim, i) => typeof dim === 'string' || typeof wanted[i] === 'string' || dim === wanted[i],
    )
    if (updates.shape.length !== wanted.length || !fits)
      throw new ShapeError({
        code: 'scatter-shape',
        where,
        expected: `updates of shape [${wanted}]`,
        received: updates.shape,
      })
    return { dtype: sameDtype([data, updates], where), shape: data.shape }
  },
  vjp: {
    data: (g, { in: { data, indices, updates }, out, attrs: { reduction } }): Value =>
      dataGradient(g, { data, updates, out: out[0]!, reduction, ...pointPlaces(indices) }),
    indices: null,
    updates: (g, { in: { data, indices, updates }, out, attrs: { reduction } }): Value =>
      updatesGradient(g, { data, updates, out: out[0]!, reduction, ...pointPlaces(indices) }),
  },
  samples: [
    { inputs: { data: normal([4, 3]), indices: values([1, 2, 3, 0], [2, 2]), updates: normal([2]) } },
    { inputs: { data: normal([4, 3]), indices: values([1, -1], [2, 1]), updates: normal([2, 3]) } },
    ...(['add', 'mul', 'max', 'min'] as const).map(reduction => ({
      inputs: { data: normal([4, 2]), indices: values([1, 3, 1], [3, 1]), updates: distinct([3, 2], 0.5) },
      attrs: { reduction },
    })),
    {
      inputs: {
        data: normal([3, 2]),
        indices: values([1, 0, 1], [3, 1]),
        updates: values([0, 0.5, 0.7, 0, 0.3, -0.4], [3, 2], 'float'),
      },
      attrs: { reduction: 'mul' },
    },
  ],
})
