import { contentNumbers, normalizeAxis, type Shape, ShapeError, type Value } from '../ir/index.js'
import { type Builder, defineOp, flag, type Rule, type Upgraded } from './define.js'
import { countOf, dimsVector, expandLike, extentOf, reshapeTo } from './dims.js'
import { expectDtype } from './infer.js'
import { div } from './math.js'
import { normal, type Sample, values } from './sample.js'
import { intsInput } from './shape.js'

/** Reductions over axes (an input since opset 18; all axes when left out). */

/** The axes a reduction removes, normalized. */
export function reducedAxes(data: Value, axes: Value | null, noopWhenEmpty: number, where: string): number[] {
  const rank = data.shape.length
  const given = axes === null ? [] : contentNumbers(axes)
  if (given === undefined)
    throw new ShapeError({
      code: 'dynamic-axes',
      where,
      expected: 'axes known when the graph is built',
      received: axes?.name,
    })
  if (given.length === 0) return noopWhenEmpty === 1 ? [] : data.shape.map((_, i) => i)
  return given.map(axis => normalizeAxis(axis, rank, where))
}

type ReduceAttrs = Readonly<Record<'keepdims' | 'noop_with_empty_axes', number>>
type Reduction = Builder<
  readonly ['data', 'axes?'],
  readonly ['Y'],
  { readonly keepdims: typeof zeroOrOne; readonly noop_with_empty_axes: typeof zeroOrOne }
>
const zeroOrOne = flag(0)
type ReduceRule = (g: Value, ctx: { x: Value; y: Value; axes: number[]; spread: (v: Value) => Value }) => Value

/** `rule` gets the gradient already spread over the reduced axes; `spread` does the same to other reduced values. */
const reduction = (
  op: string,
  rule: ReduceRule | null,
  samples: (s: { inputs: Sample['inputs']; attrs?: Sample['attrs'] }[]) => Sample[] = s => s,
  draw = normal,
) => {
  const vjp: Rule<'data' | 'axes?', ReduceAttrs> | null =
    rule === null
      ? null
      : (g, { in: { data, axes }, out, attrs, node }) => {
          const over = reducedAxes(data, axes, attrs.noop_with_empty_axes, node.name)
          const kept = data.shape.map((dim, i) => (over.includes(i) ? 1 : dim))
          const keep = (v: Value) =>
            attrs.keepdims === 1 || over.length === 0
              ? v
              : reshapeTo(v, kept, () =>
                  dimsVector(
                    v.graph,
                    kept.map((dim, i) => (typeof dim === 'number' ? dim : extentOf(data, i))),
                  ),
                )
          return rule(keep(g), { x: data, y: keep(out[0]!), axes: over, spread: v => expandLike(v, data) })
        }
  const build: Reduction = defineOp(op, {
    inputs: ['data', 'axes?'],
    integers: ['axes'],
    attrs: { keepdims: flag(1), noop_with_empty_axes: flag(0) },
    infer: ({ data, axes }, { keepdims, noop_with_empty_axes }, where) => {
      expectDtype(data, 'number', where)
      const over = reducedAxes(data, axes, noop_with_empty_axes, where)
      const shape: Shape =
        keepdims === 1
          ? data.shape.map((dim, i) => (over.includes(i) ? 1 : dim))
          : data.shape.filter((_, i) => !over.includes(i))
      return { dtype: data.dtype, shape }
    },
    vjp: { data: vjp, axes: null },
    upgrade: (node): Upgraded =>
      node.attrs.axes === undefined
        ? undefined
        : [build(node.inputs[0]!, intsInput(node, 'axes'), { keepdims: node.attrs.keepdims === 0 ? 0 : 1 })],
    samples: samples([
      { inputs: { data: draw([2, 3, 2]), axes: values([1]) } },
      { inputs: { data: draw([2, 3, 2]), axes: values([0, -1]) }, attrs: { keepdims: 0 } },
      { inputs: { data: draw([3, 2]) } },
    ]),
  })
  return build
}

export const reduceSum = reduction('ReduceSum', (g, { spread }) => spread(g))
export const reduceMean = reduction('ReduceMean', (g, { x, axes, spread }): Value => spread(div(g, countOf(x, axes))))
