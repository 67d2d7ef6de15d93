import { z } from 'zod'
import { ConfigError, nearest, scalar, tensor, type Value } from '../ir/index.js'
import * as ops from '../ops/index.js'
import { areaUnderCurve, type Curve } from './curves.js'
import { classNumbers, lossTable } from './losses.js'
import { parseOptions, type Spec } from './plugin.js'

/** What a metric gathers from a batch: `sum` is added up over batches in double precision, `concat` is kept row by row. */
export interface Statistic {
  readonly value: Value
  readonly over: 'sum' | 'concat'
}
export interface BatchValues {
  readonly yTrue: Value
  readonly yPred: Value
  /** One weight per example [batch]; null counts every example once. */
  readonly weight: Value | null
}
export type MetricResult = number | readonly number[] | readonly (readonly number[])[]

/** A metric is exact over a whole epoch: statistics of each batch in the graph, one formula at the end. */
export interface MetricDefinition {
  readonly parameters: z.ZodObject
  readonly statistics: (parameters: Record<string, unknown>, batch: BatchValues) => Readonly<Record<string, Statistic>>
  readonly result: (sums: Readonly<Record<string, Float64Array>>, parameters: Record<string, unknown>) => MetricResult
}

const none = z.strictObject({})
const sum = (value: Value): Statistic => ({
  value: ops.reshape(ops.reduceSum(value, { keepdims: 0 }), [1]),
  over: 'sum',
})
const floats = (x: Value): Value => (x.dtype === 'float32' ? x : ops.cast(x, { to: 'float32' }))
const ones = (like: Value): Value => ops.add(ops.mul(like, 0), 1)

/** Weights in the shape of `values` [batch, …]. */
function weightsFor(values: Value, weight: Value | null): Value {
  if (weight === null) return ones(values)
  const extra = values.shape.length - weight.shape.length
  const column =
    extra > 0
      ? ops.unsqueeze(
          weight,
          Array.from({ length: extra }, (_, i) => i + weight.shape.length),
        )
      : weight
  return extra > 0 ? ops.mul(ones(values), column) : column
}

/** The weighted mean of something computed for each example. */
const mean = (
  parameters: z.ZodObject,
  f: (p: Record<string, unknown>, batch: BatchValues) => Value,
  finish = (x: number) => x,
): MetricDefinition => ({
  parameters,
  statistics: (p, batch) => {
    const values = f(p, batch)
    const w = weightsFor(values, batch.weight)
    return { total: sum(batch.weight === null ? values : ops.mul(values, w)), count: sum(w) }
  },
  result: ({ total, count }) => finish(count![0] === 0 ? 0 : total![0]! / count![0]!),
})

const likeLoss = (type: string, finish?: (x: number) => number): MetricDefinition =>
  mean(lossTable[type]!.parameters, (p, { yTrue, yPred }) => lossTable[type]!.apply(p, yTrue, yPred), finish)

const argMax = (x: Value): Value => ops.argMax(x, { axis: -1, keepdims: 0 })
const equal = (a: Value, b: Value): Value => floats(ops.equal(a, b))
const aligned = (yTrue: Value, yPred: Value): Value => {
  const y = floats(yTrue)
  return y.shape.length === yPred.shape.length - 1 && yPred.shape.at(-1) === 1 ? ops.unsqueeze(y, [-1]) : y
}

/** In the top k: fewer than k classes score higher than the target. */
const inTopK = (labels: Value, yPred: Value, k: number): Value => {
  const target = ops.gatherElements(yPred, ops.unsqueeze(labels, [-1]), { axis: -1 })
  return floats(
    ops.less(
      ops.reduceSum(floats(ops.greater(yPred, target)), [-1], { keepdims: 0 }),
      scalar(yPred.graph, 'float32', k),
    ),
  )
}

/** One-hot targets, whether they came as class numbers or already so. */
function oneHot(yTrue: Value, yPred: Value): Value {
  const sparse = yTrue.shape.length < yPred.shape.length || (yTrue.shape.at(-1) === 1 && yPred.shape.at(-1) !== 1)
  if (!sparse || yPred.shape.at(-1) === 1) return aligned(yTrue, yPred)
  return oneHotOf(classNumbers(yTrue, yPred), Number(yPred.shape.at(-1)))
}
const oneHotOf = (labels: Value, classes: number): Value => {
  const all = tensor(
    BigInt64Array.from({ length: classes }, (_, i) => BigInt(i)),
    [classes],
  )
  return floats(ops.equal(ops.unsqueeze(labels, [-1]), labels.graph.constant(all)))
}

/** Predicted positives: above the threshold, or (null) the class with the highest score. */
function predicted(yPred: Value, threshold: number | null | undefined): Value {
  if (threshold !== null && threshold !== undefined)
    return floats(ops.greater(yPred, scalar(yPred.graph, 'float32', threshold)))
  return oneHotOf(argMax(yPred), Number(yPred.shape.at(-1)))
}

const perClass = (x: Value): Statistic => ({
  value: ops.reduceSum(
    x,
    Array.from({ length: x.shape.length - 1 }, (_, i) => i),
    { keepdims: 0 },
  ),
  over: 'sum',
})

/** True positives, false positives, false negatives per class. */
function hits(batch: BatchValues, threshold: number | null | undefined): Record<string, Statistic> {
  const y = oneHot(batch.yTrue, batch.yPred)
  const p = predicted(batch.yPred, threshold)
  const w = batch.weight === null ? null : weightsFor(y, batch.weight)
  const weigh = (x: Value): Value => (w === null ? x : ops.mul(x, w))
  const one = scalar(y.graph, 'float32', 1)
  return {
    truePositives: perClass(weigh(ops.mul(y, p))),
    falsePositives: perClass(weigh(ops.mul(ops.sub(one, y), p))),
    falseNegatives: perClass(weigh(ops.mul(y, ops.sub(one, p)))),
  }
}

const total = (x: Float64Array): number => x.reduce((a, b) => a + b, 0)
const ratio = (a: number, b: number): number => (b === 0 ? 0 : a / b)

/** Precision or recall: over all classes together, or of one class. */
const rate = (missed: 'falsePositives' | 'falseNegatives'): MetricDefinition => ({
  parameters: z.strictObject({
    threshold: z.number().nullable().optional(),
    classId: z.int().nonnegative().optional(),
  }),
  statistics: (p, batch) => hits(batch, thresholdFor(p.threshold, batch)),
  result: (sums, { classId }) => {
    const pick = (x: Float64Array) => (classId === undefined ? total(x) : x[classId as number]!)
    const tp = pick(sums.truePositives!)
    return ratio(tp, tp + pick(sums[missed]!))
  },
})
/** 0.5 for probabilities of independent labels (Keras); the highest class where targets are class numbers. */
const thresholdFor = (given: unknown, { yTrue, yPred }: BatchValues): number | null => {
  if (given !== undefined) return given as number | null
  return yTrue.shape.length < yPred.shape.length && yPred.shape.at(-1) !== 1 ? null : 0.5
}

/** Metrics by Keras's names. A row here is all a new one needs. */
export const metricTable: Readonly<Record<string, MetricDefinition>> = {
  binaryAccuracy: mean(z.strictObject({ threshold: z.number().default(0.5) }), ({ threshold }, { yTrue, yPred }) =>
    ops.reduceMean(equal(aligned(yTrue, yPred), predicted(yPred, threshold as number)), [-1], { keepdims: 0 }),
  ),
  categoricalAccuracy: mean(none, (_, { yTrue, yPred }) => equal(argMax(yTrue), argMax(yPred))),
  sparseCategoricalAccuracy: mean(none, (_, { yTrue, yPred }) => equal(classNumbers(yTrue, yPred), argMax(yPred))),
  topKCategoricalAccuracy: mean(z.strictObject({ k: z.int().positive().default(5) }), ({ k }, { yTrue, yPred }) =>
    inTopK(argMax(yTrue), yPred, k as number),
  ),
  sparseTopKCategoricalAccuracy: mean(z.strictObject({ k: z.int().positive().default(5) }), ({ k }, { yTrue, yPred }) =>
    inTopK(classNumbers(yTrue, yPred), yPred, k as number),
  ),
  precision: rate('falsePositives'),
  recall: rate('falseNegatives'),
  f1Score: {
    parameters: z.strictObject({
      average: z.enum(['micro', 'macro', 'weighted', 'none']).default('macro'),
      threshold: z.number().nullable().optional(),
    }),
    // Without a threshold the highest class is the one predicted, as in Keras; one column has no highest.
    statistics: (p, batch) =>
      hits(batch, (p.threshold as number | null) ?? (batch.yPred.shape.at(-1) === 1 ? 0.5 : null)),
    result: (sums, { average }) => {
      const [tp, fp, fn] = [sums.truePositives!, sums.falsePositives!, sums.falseNegatives!]
      const f1 = (t: number, p: number, n: number) => ratio(2 * t, 2 * t + p + n)
      if (average === 'micro') return f1(total(tp), total(fp), total(fn))
      const each = Array.from(tp, (t, i) => f1(t, fp[i]!, fn[i]!))
      if (average === 'none') return each
      const support = Array.from(tp, (t, i) => (average === 'weighted' ? t + fn[i]! : 1))
      return ratio(
        each.reduce((a, x, i) => a + x * support[i]!, 0),
        support.reduce((a, b) => a + b, 0),
      )
    },
  },
  // Exact: from all scores of the epoch, where Keras interpolates between 200 thresholds.
  auc: {
    parameters: z.strictObject({ curve: z.enum(['ROC', 'PR']).default('ROC') }),
    statistics: (_, { yTrue, yPred, weight }) => {
      const y = oneHot(yTrue, yPred)
      const flat = (x: Value): Statistic => ({ value: ops.reshape(x, [-1]), over: 'concat' })
      return { scores: flat(yPred), labels: flat(y), weights: flat(weightsFor(y, weight)) }
    },
    result: ({ scores, labels, weights }, { curve }) => areaUnderCurve(scores!, labels!, weights!, curve as Curve),
  },
  // Row: true class; column: predicted class.
  confusionMatrix: {
    parameters: z.strictObject({ threshold: z.number().default(0.5) }),
    statistics: ({ threshold }, { yTrue, yPred, weight }) => {
      const binary = yPred.shape.at(-1) === 1
      const flat = (x: Value): Value => ops.reshape(x, [-1])
      const classes = binary ? 2 : Number(yPred.shape.at(-1))
      const guess = binary
        ? ops.cast(flat(predicted(yPred, threshold as number)), { to: 'int64' })
        : flat(argMax(yPred))
      const truth = binary
        ? ops.cast(flat(aligned(yTrue, yPred)), { to: 'int64' })
        : flat(
            yTrue.shape.length < yPred.shape.length || yTrue.shape.at(-1) === 1
              ? classNumbers(yTrue, yPred)
              : argMax(yTrue),
          )
      const rows = oneHotOf(truth, classes)
      const weighted =
        weight === null
          ? rows
          : ops.mul(
              rows,
              ops.unsqueeze(
                flat(weightsFor(floats(guess), weight.shape.length === guess.shape.length ? weight : null)),
                [-1],
              ),
            )
      return { counts: { value: ops.matMul(ops.transpose(weighted), oneHotOf(guess, classes)), over: 'sum' } }
    },
    result: ({ counts }) => {
      const n = Math.round(Math.sqrt(counts!.length))
      return Array.from({ length: n }, (_, i) => Array.from(counts!.subarray(i * n, (i + 1) * n)))
    },
  },
  meanSquaredError: likeLoss('meanSquaredError'),
  rootMeanSquaredError: likeLoss('meanSquaredError', Math.sqrt),
  meanAbsoluteError: likeLoss('meanAbsoluteError'),
  meanAbsolutePercentageError: likeLoss('meanAbsolutePercentageError'),
  meanSquaredLogarithmicError: likeLoss('meanSquaredLogarithmicError'),
  cosineSimilarity: likeLoss('cosineSimilarity', x => -x),
  logCosh: likeLoss('logCosh'),
  hinge: likeLoss('hinge'),
  squaredHinge: likeLoss('squaredHinge'),
  categoricalHinge: likeLoss('categoricalHinge'),
  klDivergence: likeLoss('klDivergence'),
  poisson: likeLoss('poisson'),
  binaryCrossentropy: likeLoss('binaryCrossentropy'),
  categoricalCrossentropy: likeLoss('categoricalCrossentropy'),
  sparseCategoricalCrossentropy: likeLoss('sparseCategoricalCrossentropy'),
  // 1 − residual / total sum of squares, averaged over outputs. Each batch gives its own mean and spread, merged
  // without cancellation (Chan et al. 1983).
  r2Score: {
    parameters: none,
    statistics: (_, { yTrue, yPred, weight }) => {
      const flat = (x: Value): Value => ops.reshape(x, [-1, Number(yPred.shape.at(-1))])
      const y = flat(aligned(yTrue, yPred))
      const w = flat(weightsFor(aligned(yTrue, yPred), weight))
      const over = (x: Value): Value => ops.reduceSum(ops.mul(x, w), [0])
      const count = ops.reduceSum(w, [0])
      const center = ops.div(over(y), count)
      const apart = ops.sub(y, center)
      const residual = ops.sub(y, flat(yPred))
      const row = (x: Value): Statistic => ({ value: ops.reshape(x, [-1]), over: 'concat' })
      return {
        count: row(count),
        center: row(center),
        spread: row(over(ops.mul(apart, apart))),
        residual: row(over(ops.mul(residual, residual))),
        width: { value: ops.mul(row(count).value, 0), over: 'sum' },
      }
    },
    result: ({ count, center, spread, residual, width }) => {
      const outputs = width!.length
      const scores = Array.from(width!, (_, k) => {
        let [n, middle, squares, errors] = [0, 0, 0, 0]
        for (let i = k; i < count!.length; i += outputs) {
          const [m, apart] = [count![i]!, center![i]! - middle]
          if (m === 0) continue
          squares += spread![i]! + (apart * apart * n * m) / (n + m)
          middle += (apart * m) / (n + m)
          n += m
          errors += residual![i]!
        }
        return squares === 0 ? 0 : 1 - errors / squares
      })
      return scores.reduce((a, b) => a + b, 0) / outputs
    },
  },
}

const aliases: Readonly<Record<string, string>> = {
  mse: 'meanSquaredError',
  mae: 'meanAbsoluteError',
  rmse: 'rootMeanSquaredError',
  mape: 'meanAbsolutePercentageError',
  msle: 'meanSquaredLogarithmicError',
  r2: 'r2Score',
  f1: 'f1Score',
  AUC: 'auc',
}

/** A metric of the user's own: a function from targets and predictions to one value per example. */
export type MetricFunction = (yTrue: Value, yPred: Value) => Value
export type Metric = keyof typeof metricTable | 'accuracy' | Spec | MetricFunction

export interface ResolvedMetric {
  readonly name: string
  readonly statistics: (batch: BatchValues) => Readonly<Record<string, Statistic>>
  readonly result: (sums: Readonly<Record<string, Float64Array>>) => MetricResult
}

/** A metric with its name in logs. `'accuracy'` becomes the accuracy that fits the loss and the predictions, as in Keras. */
export function resolveMetric(metric: Metric, context: { loss: string; classes: number }): ResolvedMetric {
  if (typeof metric === 'function') {
    const own = mean(none, (_, { yTrue, yPred }) => metric(yTrue, yPred))
    return {
      name: metric.name || 'metric',
      statistics: batch => own.statistics({}, batch),
      result: sums => own.result(sums, {}),
    }
  }
  if (typeof metric !== 'string' && (typeof metric !== 'object' || metric === null))
    throw new ConfigError({
      code: 'unknown-metric',
      where: 'compile.metrics',
      expected: 'names, records made by a factory, or functions',
      received: metric,
    })
  const {
    type: named,
    name,
    ...parameters
  } = (typeof metric === 'string' ? { type: metric } : metric) as Spec & { name?: string }
  const given = String(named)
  const accuracy = context.loss.startsWith('sparse')
    ? 'sparseCategoricalAccuracy'
    : context.classes === 1 || context.loss.startsWith('binary')
      ? 'binaryAccuracy'
      : 'categoricalAccuracy'
  const type = given === 'accuracy' || given === 'acc' ? accuracy : (aliases[given] ?? given)
  const entry = metricTable[type]
  if (entry === undefined)
    throw new ConfigError({
      code: 'unknown-metric',
      where: 'compile.metrics',
      expected: `accuracy or one of ${Object.keys(metricTable).join(', ')}`,
      received: given,
      hint: `did you mean ${nearest(given, ['accuracy', ...Object.keys(metricTable)], 1)[0]}?`,
    })
  const parsed = parseOptions(entry.parameters, parameters, `metrics.${type}`) as Record<string, unknown>
  if (typeof parsed.classId === 'number' && parsed.classId >= context.classes)
    throw new ConfigError({
      code: 'bad-option',
      where: `metrics.${type}.classId`,
      expected: `a class below ${context.classes}`,
      received: parsed.classId,
    })
  return {
    name: name ?? (given === 'acc' ? 'acc' : given),
    statistics: batch => entry.statistics(parsed, batch),
    result: sums => entry.result(sums, parsed),
  }
}

const make =
  <O extends object = Record<never, never>>(type: string) =>
  (options?: O & { name?: string }): Spec => ({ type, ...options })
export const binaryAccuracy = make<{ threshold?: number }>('binaryAccuracy')
export const categoricalAccuracy = make('categoricalAccuracy')
export const sparseCategoricalAccuracy = make('sparseCategoricalAccuracy')
export const topKCategoricalAccuracy = make<{ k?: number }>('topKCategoricalAccuracy')
export const sparseTopKCategoricalAccuracy = make<{ k?: number }>('sparseTopKCategoricalAccuracy')
export const precision = make<{ threshold?: number | null; classId?: number }>('precision')
export const recall = make<{ threshold?: number | null; classId?: number }>('recall')
export const f1Score = make<{ average?: 'micro' | 'macro' | 'weighted' | 'none'; threshold?: number | null }>('f1Score')
export const auc = make<{ curve?: Curve }>('auc')
export const confusionMatrix = make<{ threshold?: number }>('confusionMatrix')
export const meanSquaredError = make('meanSquaredError')
export const rootMeanSquaredError = make('rootMeanSquaredError')
export const meanAbsoluteError = make('meanAbsoluteError')
export const r2Score = make('r2Score')
export const cosineSimilarity = make('cosineSimilarity')
