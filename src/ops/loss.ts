import { type Dim, isInteger, type Shape, ShapeError, type TensorType, tensor, type Value } from '../ir/index.js'
import { cast } from './cast.js'
import { defineOp, int, string } from './define.js'
import { countOf, expandLike, extentOf, zerosLike } from './dims.js'
import { gather } from './gather.js'
import { expectDtype, sameDtype } from './infer.js'
import { concat } from './join.js'
import { equal, not, where } from './logic.js'
import { add, div, mul, neg, sub } from './math.js'
import { reduceSum } from './reduce.js'
import { normal, type Sample, uniform, values } from './sample.js'
import { scatterElements, scatterND } from './scatter.js'
import { range, reshape, unsqueeze } from './shape.js'
import { softmax } from './softmax.js'

/** ONNX's two losses over class numbers: scores [N, C, d1, …], labels [N, d1, …], one weight per class. */

const attrs = {
  /** Elements with this label count nothing. */
  ignore_index: int.optional(),
  reduction: string('mean', ['none', 'sum', 'mean']),
}
interface LossAttrs {
  readonly ignore_index: number | undefined
  readonly reduction: 'none' | 'sum' | 'mean'
}

function lossType(scores: Value, labels: Value, weights: Value | null, reduction: string, where: string): TensorType {
  expectDtype(scores, 'float', where)
  if (!isInteger(labels.dtype))
    throw new ShapeError({
      code: 'dtype',
      where,
      expected: 'int32 or int64 class numbers',
      received: `${labels.dtype} (${labels.name})`,
      hint: 'one-hot targets become class numbers with argMax(targets, { axis: 1, keepdims: 0 })',
    })
  if (weights !== null) sameDtype([scores, weights], where)
  const fits = (a: Dim | undefined, b: Dim | undefined) => a === b || typeof a === 'string' || typeof b === 'string'
  const wanted: Shape = scores.shape.filter((_, i) => i !== 1)
  if (
    scores.shape.length < 2 ||
    labels.shape.length !== wanted.length ||
    !wanted.every((d, i) => fits(d, labels.shape[i]))
  )
    throw new ShapeError({
      code: 'loss-shape',
      where,
      expected: 'scores [N, C, d1, …] and labels [N, d1, …]',
      received: `[${scores.shape.join(', ')}] and [${labels.shape.join(', ')}]`,
    })
  if (weights !== null && (weights.shape.length !== 1 || !fits(weights.shape[0], scores.shape[1])))
    throw new ShapeError({
      code: 'loss-weights',
      where,
      expected: `one weight for each of ${scores.shape[1]} classes`,
      received: `[${weights.shape.join(', ')}]`,
    })
  return { dtype: scores.dtype, shape: reduction === 'none' ? wanted : [] }
}

/** The loss's gradient with respect to each label's own −log p, and labels that are safe to look up. */
function perLabel(g: Value, labels: Value, weights: Value | null, { ignore_index, reduction }: LossAttrs) {
  const ignored = ignore_index === undefined ? undefined : equal(labels, ignore_index)
  const safe = ignored === undefined ? labels : where(ignored, 0, labels)
  const counted = ignored === undefined ? undefined : cast(not(ignored), { to: g.dtype })
  const chosen = weights === null ? undefined : gather(weights, safe)
  const weight = counted === undefined ? chosen : chosen === undefined ? counted : mul(chosen, counted)
  const share =
    reduction !== 'mean' ? g : div(g, weight === undefined ? countOf(labels, undefined, g.dtype) : sumAll(weight))
  if (weight !== undefined) return { each: mul(share, weight), safe }
  return { each: reduction === 'none' ? share : expandLike(share, labels), safe }
}
const sumAll = (x: Value): Value => reduceSum(x, { keepdims: 0 })

/** Adds `each` at every label's place of the class axis. */
function addAtLabels(to: Value, labels: Value, each: Value): Value {
  if (to.shape.length > 2) {
    const at = (x: Value) => unsqueeze(x, [1])
    return scatterElements(to, at(labels), at(each), { axis: 1, reduction: 'add' })
  }
  // ScatterND over [row, label] pairs is the faster one.
  const count = labels.shape[0]!
  const end = typeof count === 'number' ? tensor(BigInt64Array.of(BigInt(count)), []) : reshape(extentOf(labels, 0), [])
  const rows = range(labels.graph.constant(tensor(BigInt64Array.of(0n), [])), end, tensor(BigInt64Array.of(1n), []))
  const column = (x: Value) => unsqueeze(cast(x, { to: 'int64' }), [1])
  return scatterND(to, concat([column(rows), column(labels)], { axis: 1 }), each, { reduction: 'add' })
}

const c4 = values([1, 0, 2, 1], [4])
const spatial = values([1, 0, 2, 1, 2, 0], [2, 3])
const lossSamples = (
  scores: 'scores' | 'input',
  labels: 'labels' | 'target',
  weights: 'weights' | 'weight',
): Sample[] => [
  { inputs: { [scores]: normal([4, 3]), [labels]: c4 } },
  { inputs: { [scores]: normal([4, 3]), [labels]: c4 }, attrs: { reduction: 'none' } },
  {
    inputs: { [scores]: normal([4, 3]), [labels]: c4, [weights]: uniform([3], 0.5, 2) },
    attrs: { reduction: 'sum', ignore_index: 2 },
  },
  { inputs: { [scores]: normal([2, 3, 3]), [labels]: spatial, [weights]: uniform([3], 0.5, 2) } },
  { inputs: { [scores]: normal([2, 3, 3]), [labels]: spatial }, attrs: { ignore_index: 0 } },
]

/**
 * −log softmax(scores) at the labels, weighted by class, as mean over the weights, sum, or one per label.
 * Also gives the logarithms of the probabilities.
 */
export const softmaxCrossEntropyLoss = defineOp('SoftmaxCrossEntropyLoss', {
  inputs: ['scores', 'labels', 'weights?'],
  outputs: ['output', 'log_prob?'],
  attrs,
  flows: ['log_prob'],
  infer: ({ scores, labels, weights }, { reduction }, where): TensorType[] => [
    lossType(scores, labels, weights, reduction, where),
    { dtype: scores.dtype, shape: scores.shape },
  ],
  vjp: {
    // (p − one-hot) · weight, with the one-hot as a scatter: a dense one would cost a pass over all classes.
    scores: (g, { in: { scores, labels, weights }, grads, attrs: given }): Value => {
      const p = softmax(scores, { axis: 1 })
      const parts: Value[] = []
      if (grads[0]) {
        const { each, safe } = perLabel(g, labels, weights, given)
        parts.push(addAtLabels(mul(p, unsqueeze(each, [1])), safe, neg(each)))
      }
      if (grads[1]) parts.push(sub(grads[1], mul(p, reduceSum(grads[1], [1]))))
      return parts.reduce((a, b) => add(a, b))
    },
    labels: null,
    weights: null,
  },
  samples: lossSamples('scores', 'labels', 'weights'),
})

/** −input at the labels (input: logarithms of probabilities), weighted and reduced as above. */
export const negativeLogLikelihoodLoss = defineOp('NegativeLogLikelihoodLoss', {
  inputs: ['input', 'target', 'weight?'],
  outputs: ['loss'],
  attrs,
  infer: ({ input, target, weight }, { reduction }, where) => lossType(input, target, weight, reduction, where),
  vjp: {
    input: (g, { in: { input, target, weight }, attrs: given }): Value => {
      const { each, safe } = perLabel(g, target, weight, given)
      return addAtLabels(zerosLike(input), safe, neg(each))
    },
    target: null,
    weight: null,
  },
  samples: lossSamples('input', 'target', 'weight'),
})
