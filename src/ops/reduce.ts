import {
  contentNumbers,
  isStatic,
  normalizeAxis,
  type Shape,
  ShapeError,
  sizeOf,
  tensor,
  type Value,
} from '../ir/index.js'
import { cast } from './cast.js'
import { type Builder, defineOp, flag, type Rule, type Upgraded } from './define.js'
import { countOf, dimsVector, expandLike, extentOf, reshapeTo } from './dims.js'
import { expectDtype } from './infer.js'
import { equal, where } from './logic.js'
import { add, div, exp, mul, sign, sub } from './math.js'
import { distinct, type InputSample, normal, type Sample, uniform, values } from './sample.js'
import { intsInput, reshape, transpose, unsqueeze } from './shape.js'

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
  draw: (shape: readonly number[]) => InputSample = shape => normal(shape),
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

const positive = (shape: readonly number[]) => uniform(shape, 0.5, 2)
const distinctly = (shape: readonly number[]) => distinct(shape)
/** Ties share the gradient equally, as torch.amax. */
const extreme: ReduceRule = (g, { x, y, axes, spread }): Value => {
  const chosen = cast(equal(x, y), { to: x.dtype })
  return mul(chosen, spread(div(g, reduceSum(chosen, axes, { noop_with_empty_axes: 1 }))))
}
export const reduceMax = reduction('ReduceMax', extreme, undefined, distinctly)
export const reduceMin = reduction('ReduceMin', extreme, undefined, distinctly)
export const reduceSumSquare = reduction('ReduceSumSquare', (g, { x }): Value => mul(mul(x, 2), g))
export const reduceL1 = reduction(
  'ReduceL1',
  (g, { x }): Value => mul(sign(x), g),
  undefined,
  (shape: readonly number[]) => normal(shape, { kinks: [0] }),
)
/** At a zero vector the gradient is 0, as in PyTorch. */
export const reduceL2 = reduction('ReduceL2', (g, { x, y }): Value => {
  const safe = where(equal(y, 0), add(y, 1), y)
  return mul(x, div(g, safe))
})
export const reduceLogSum = reduction(
  'ReduceLogSum',
  (g, { y, spread }): Value => spread(div(g, exp(y))),
  undefined,
  positive,
)
export const reduceLogSumExp = reduction('ReduceLogSumExp', (g, { x, y }): Value => mul(exp(sub(x, y)), g))
/** The product of the others, right also where elements are zero: a product over all pairs but the diagonal. */
export const reduceProd = reduction('ReduceProd', (g, { x, axes }): Value => {
  const rank = x.shape.length
  const others = x.shape.map((_, i) => i).filter(i => !axes.includes(i))
  const count = axes.map(axis => x.shape[axis]!)
  if (!isStatic(count))
    throw new ShapeError({
      code: 'dynamic-product',
      where: 'ReduceProd',
      expected: 'static extents on the reduced axes',
      received: x.shape,
    })
  const n = sizeOf(count)
  // [...others, n] → [...others, n, n] with ones on the diagonal, multiplied along the last axis.
  const perm = [...others, ...axes]
  const lined = reshape(transpose(x, { perm }), dimsVector(x.graph, [...others.map(i => extentNumber(x, i)), n]))
  const eye = tensor(
    Float32Array.from({ length: n * n }, (_, i) => (i % (n + 1) === 0 ? 1 : 0)),
    [n, n],
    x.dtype,
  )
  const square = add(mul(unsqueeze(lined, [-2]), sub(x.graph.constant(tensor([1], [], x.dtype)), eye)), eye)
  const product = reduceProd(square, [-1], { keepdims: 0 })
  const back = transpose(
    reshape(
      product,
      dimsVector(
        x.graph,
        perm.map(i => extentNumber(x, i)),
      ),
    ),
    { perm: Array.from({ length: rank }, (_, i) => perm.indexOf(i)) },
  )
  return mul(back, g)
})
const extentNumber = (x: Value, axis: number): number | Value => {
  const dim = x.shape[axis]!
  return typeof dim === 'number' ? dim : extentOf(x, axis)
}
