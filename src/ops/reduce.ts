import {
  contentNumbers,
  type Dim,
  isFloat,
  mulDim,
  normalizeAxis,
  type Shape,
  ShapeError,
  type TensorType,
  type Value,
} from '../ir/index.js'
import { cast } from './cast.js'
import { type Builder, defineOp, flag, type Rule, type Upgraded } from './define.js'
import { countOf, dimsVector, expandLike, extentOf, onesLike, reshapeTo } from './dims.js'
import { addDim, expectDtype } from './infer.js'
import { concat, split } from './join.js'
import { equal, where } from './logic.js'
import { div, exp, mul, sign, sub } from './math.js'
import { distinct, type InputSample, normal, uniform, values } from './sample.js'
import { intsInput } from './shape.js'
import { softmax } from './softmax.js'

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
/** x is what was reduced and y the result, with extent 1 on each axis that was reduced, as g has. */
type ReduceRule = (g: Value, ctx: { x: Value; y: Value; axes: number[] }) => Value
interface ReduceOptions {
  draw?: (shape: readonly number[]) => InputSample
  /** Of a whole vector of known dimensions. */
  content?: (a: Dim, b: Dim) => Dim | undefined
}

const reduction = (op: string, rule: ReduceRule, { draw = shape => normal(shape), content }: ReduceOptions = {}) => {
  const vjp: Rule<'data' | 'axes?', ReduceAttrs> = (g, { in: { data, axes }, out, attrs, node }) => {
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
    return rule(keep(g), { x: data, y: keep(out[0]!), axes: over })
  }
  const build: Reduction = defineOp(op, {
    inputs: ['data', 'axes?'],
    integers: ['axes'],
    attrs: { keepdims: flag(1), noop_with_empty_axes: flag(0) },
    infer: ({ data, axes }, { keepdims, noop_with_empty_axes }, where): TensorType => {
      expectDtype(data, 'number', where)
      const over = reducedAxes(data, axes, noop_with_empty_axes, where)
      const shape: Shape =
        keepdims === 1
          ? data.shape.map((dim, i) => (over.includes(i) ? 1 : dim))
          : data.shape.filter((_, i) => !over.includes(i))
      const known = data.shape.length === 1 && over.length === 1 && !isFloat(data.dtype) ? data.content : undefined
      const total = known?.slice(1).reduce<Dim | undefined>((a, b) => (a === undefined ? a : content?.(a, b)), known[0])
      return { dtype: data.dtype, shape, content: total === undefined ? undefined : [total] }
    },
    vjp: { data: vjp, axes: null },
    upgrade: (node): Upgraded =>
      node.attrs.axes === undefined
        ? undefined
        : [build(node.inputs[0]!, intsInput(node, 'axes'), { keepdims: node.attrs.keepdims === 0 ? 0 : 1 })],
    samples: [
      { inputs: { data: draw([2, 3, 2]), axes: values([1]) } },
      { inputs: { data: draw([2, 3, 2]), axes: values([0, -1]) }, attrs: { keepdims: 0 } },
      { inputs: { data: draw([3, 5]), axes: values([-1]) }, attrs: { keepdims: 0 } },
      { inputs: { data: draw([3, 2]) } },
      { inputs: { data: draw([]) } },
      { inputs: { data: draw([2, 3]), axes: values([]) }, attrs: { noop_with_empty_axes: 1 } },
    ],
  })
  return build
}

/** A gradient that is the same for all elements that were reduced to one. */
const spread = (g: Value, { x, axes }: { x: Value; axes: number[] }): Value =>
  axes.length === 0 ? g : expandLike(g, x)

export const reduceSum = reduction('ReduceSum', spread, { content: addDim })
export const reduceMean = reduction(
  'ReduceMean',
  (g, ctx): Value => spread(ctx.axes.length === 0 ? g : div(g, countOf(ctx.x, ctx.axes)), ctx),
)

const positive = (shape: readonly number[]) => uniform(shape, 0.5, 2)
const distinctly = (shape: readonly number[]) => distinct(shape)
const kept = { noop_with_empty_axes: 1 } as const

/** Where several are equal they share the gradient equally, as in torch.amax. */
const extreme: ReduceRule = (g, { x, y, axes }): Value => {
  const chosen = cast(equal(x, y), { to: x.dtype })
  return mul(chosen, div(g, reduceSum(chosen, axes, kept)))
}
const numbers = (f: (a: number, b: number) => number) => (a: Dim, b: Dim) =>
  typeof a === 'number' && typeof b === 'number' ? f(a, b) : undefined
export const reduceMax = reduction('ReduceMax', extreme, { draw: distinctly, content: numbers(Math.max) })
export const reduceMin = reduction('ReduceMin', extreme, { draw: distinctly, content: numbers(Math.min) })

export const reduceSumSquare = reduction('ReduceSumSquare', (g, { x }): Value => mul(x, mul(g, 2)))
/** The gradient of an element that is 0 is 0, as in PyTorch. */
export const reduceL1 = reduction('ReduceL1', (g, { x }): Value => mul(sign(x), g), {
  draw: shape => normal(shape, { kinks: [0] }),
})
/** The gradient of a zero vector is 0, as in PyTorch. */
export const reduceL2 = reduction('ReduceL2', (g, { x, y }): Value => {
  const none = equal(y, 0)
  return mul(x, where(none, 0, div(g, where(none, 1, y))))
})
// The sum once more costs less than the exponential of its logarithm.
export const reduceLogSum = reduction(
  'ReduceLogSum',
  (g, ctx): Value => spread(div(g, reduceSum(ctx.x, ctx.axes, kept)), ctx),
  { draw: positive },
)
/** The softmax. y is large where x is, and rounded: dividing by the sum of the exponentials takes its rounding out again. */
export const reduceLogSumExp = reduction('ReduceLogSumExp', (g, { x, y, axes }): Value => {
  if (axes.length === 1 && axes[0] === x.shape.length - 1) return mul(softmax(x), g)
  const e = exp(sub(x, y))
  return mul(e, div(g, reduceSum(e, axes, kept)))
})

/** Right where elements are 0 too, and so are its derivatives; the extents of the reduced axes must be static. */
export const reduceProd = reduction(
  'ReduceProd',
  (g, { x, axes }): Value => {
    let others: Value | undefined
    let rest = x
    for (const axis of axes) {
      const along = productOfOthers(rest, axis)
      others = others === undefined ? along : mul(others, along)
      rest = reduceProd(rest, [axis])
    }
    return others === undefined ? g : mul(others, g)
  },
  { content: mulDim },
)

/**
 * For each element the product of the others along the axis: a tree of products, halves times halves, down to one and
 * back. It takes three products per element, divides by nothing, and can be differentiated again.
 */
function productOfOthers(x: Value, axis: number): Value {
  const count = x.shape[axis]!
  if (typeof count !== 'number')
    throw new ShapeError({
      code: 'dynamic-product',
      where: 'gradient of ReduceProd',
      expected: `a static extent of axis ${axis}`,
      received: `[${x.shape.join(', ')}]`,
      hint: 'give the extent as a number, or write the product as exp(reduceSum(log(x))) where x is positive',
    })
  if (count <= 1) return onesLike(x)
  const half = count >> 1
  const odd = count % 2
  const [low, high, last] = split(x, odd === 1 ? [half, half, 1] : [half, half], { axis })
  if (count === 2) return concat([high!, low!], { axis })
  const pairs = mul(low!, high!)
  const outer = productOfOthers(odd === 1 ? concat([pairs, last!], { axis }) : pairs, axis)
  const [around, aroundLast] = odd === 1 ? split(outer, [half, 1], { axis }) : [outer]
  const parts = [mul(around!, high!), mul(around!, low!)]
  return concat(odd === 1 ? [...parts, aroundLast!] : parts, { axis })
}
