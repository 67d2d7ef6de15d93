import { z } from 'zod'
import { ConfigError, nearest, ShapeError, scalar, tunable, type Value } from '../ir/index.js'
import * as ops from '../ops/index.js'
import { type Family, parseOptions, type Spec } from './plugin.js'

/** From targets and predictions to one loss per element: the shape of the predictions without their last axis. */
type Apply = (parameters: Record<string, unknown>, yTrue: Value, yPred: Value) => Value

const EPSILON = 1e-7
const last = (x: Value): Value => ops.reduceMean(x, [-1], { keepdims: 0 })
const sumLast = (x: Value): Value => ops.reduceSum(x, [-1], { keepdims: 0 })
const float = (x: Value, like: Value): Value => (x.dtype === like.dtype ? x : ops.cast(x, { to: like.dtype }))
const zeroTo = (x: Value): Value => ops.max([x, scalar(x.graph, x.dtype, EPSILON)])

/** Targets as floats in the predictions' rank: [batch] beside [batch, 1] gets the missing axis, as in Keras. */
function aligned(yTrue: Value, yPred: Value): Value {
  let y = float(yTrue, yPred)
  if (y.shape.length === yPred.shape.length - 1 && yPred.shape.at(-1) === 1) y = ops.unsqueeze(y, [-1])
  const fits =
    y.shape.length === yPred.shape.length &&
    y.shape.every((d, i) => d === yPred.shape[i] || typeof d === 'string' || typeof yPred.shape[i] === 'string')
  if (!fits)
    throw new ShapeError({
      code: 'target-shape',
      where: 'loss',
      expected: `targets of the predictions' shape [${yPred.shape.join(', ')}]`,
      received: `[${yTrue.shape.join(', ')}]`,
      hint: 'for class numbers use a sparse loss (sparseCategoricalCrossentropy), for one-hot targets a categorical one',
    })
  return y
}

/** What was put into the softmax or sigmoid that made `y`: log and exponential then cancel exactly. */
const logitsOf = (y: Value, op: 'Softmax' | 'Sigmoid'): Value | null => {
  if (y.node?.op !== op) return null
  const axis = y.node.attrs.axis as number | undefined
  return op === 'Sigmoid' || axis === -1 || axis === y.shape.length - 1 ? y.node.inputs[0]! : null
}

/** Log-probabilities over the last axis from logits, from the output of a softmax, or from other probabilities. */
export function logProbabilities(yPred: Value, fromLogits: boolean): Value {
  const logits = fromLogits ? yPred : logitsOf(yPred, 'Softmax')
  if (logits !== null) return ops.logSoftmax(logits, { axis: -1 })
  const normalized = ops.div(yPred, ops.reduceSum(yPred, [-1]))
  return ops.log(ops.clip(normalized, EPSILON, 1 - EPSILON))
}

/** Log-probability of `target` among binary logits or probabilities, elementwise crossentropy. */
function binaryTerm(yTrue: Value, yPred: Value, fromLogits: boolean): Value {
  const logits = fromLogits ? yPred : logitsOf(yPred, 'Sigmoid')
  // softplus(x) − x·y: exact for logits of any size, and smooth at 0.
  if (logits !== null) return ops.sub(ops.softplus(logits), ops.mul(logits, yTrue))
  const p = ops.clip(yPred, EPSILON, 1 - EPSILON)
  const one = scalar(p.graph, p.dtype, 1)
  return ops.neg(ops.add(ops.mul(yTrue, ops.log(p)), ops.mul(ops.sub(one, yTrue), ops.log(ops.sub(one, p)))))
}

const smooth = (y: Value, smoothing: unknown, classes: number): Value =>
  smoothing === 0
    ? y
    : ops.add(ops.mul(y, tunable(y, 1 - (smoothing as number))), tunable(y, (smoothing as number) / classes))

const none = z.strictObject({})
const smoothing = z.number().min(0).max(1).default(0)
const difference =
  (f: (d: Value) => Value): Apply =>
  (_, yTrue, yPred) =>
    last(f(ops.sub(yPred, aligned(yTrue, yPred))))
const hinges = (yTrue: Value, yPred: Value): Value => {
  const y = aligned(yTrue, yPred)
  // Labels 0 and 1 mean −1 and 1.
  return ops.where(ops.equal(y, 0), scalar(y.graph, y.dtype, -1), y)
}
const relu = (x: Value): Value => ops.relu(x)
// Vectors shorter than 1e-7 count as zero.
const unit = (x: Value): Value =>
  ops.div(x, ops.sqrt(ops.max([ops.reduceSumSquare(x, [-1]), scalar(x.graph, x.dtype, 1e-14)])))

/** Losses by Keras's names and with its definitions. A row here is all a new one needs. */
export const lossTable: Family<Apply> = {
  meanSquaredError: { parameters: none, apply: difference(d => ops.mul(d, d)) },
  meanAbsoluteError: { parameters: none, apply: difference(d => ops.abs(d)) },
  meanAbsolutePercentageError: {
    parameters: none,
    apply: (_, yTrue, yPred) => {
      const y = aligned(yTrue, yPred)
      return ops.mul(last(ops.div(ops.abs(ops.sub(y, yPred)), zeroTo(ops.abs(y)))), 100)
    },
  },
  meanSquaredLogarithmicError: {
    parameters: none,
    apply: (_, yTrue, yPred) => {
      const d = ops.sub(ops.log(ops.add(zeroTo(yPred), 1)), ops.log(ops.add(zeroTo(aligned(yTrue, yPred)), 1)))
      return last(ops.mul(d, d))
    },
  },
  // ½d² within delta of zero, linear beyond (Huber 1964).
  huber: {
    parameters: z.strictObject({ delta: z.number().positive().default(1) }),
    apply: ({ delta }, yTrue, yPred) => {
      const size = ops.abs(ops.sub(yPred, aligned(yTrue, yPred)))
      const near = ops.min([size, tunable(size, delta as number)])
      return last(ops.mul(near, ops.sub(size, ops.mul(near, 0.5))))
    },
  },
  // log cosh d = d + softplus(−2d) − log 2, which cannot overflow.
  logCosh: {
    parameters: none,
    apply: difference(d => ops.sub(ops.add(d, ops.softplus(ops.mul(d, -2))), scalar(d.graph, d.dtype, Math.LN2))),
  },
  binaryCrossentropy: {
    parameters: z.strictObject({ fromLogits: z.boolean().default(false), labelSmoothing: smoothing }),
    apply: ({ fromLogits, labelSmoothing }, yTrue, yPred) =>
      last(binaryTerm(smooth(aligned(yTrue, yPred), labelSmoothing, 2), yPred, fromLogits as boolean)),
  },
  categoricalCrossentropy: {
    parameters: z.strictObject({ fromLogits: z.boolean().default(false), labelSmoothing: smoothing }),
    apply: ({ fromLogits, labelSmoothing }, yTrue, yPred) => {
      const y = smooth(aligned(yTrue, yPred), labelSmoothing, Number(yPred.shape.at(-1)))
      return ops.neg(sumLast(ops.mul(y, logProbabilities(yPred, fromLogits as boolean))))
    },
  },
  sparseCategoricalCrossentropy: {
    parameters: z.strictObject({
      fromLogits: z.boolean().default(false),
      ignoreClass: z.int().optional(),
      labelSmoothing: smoothing,
    }),
    apply: ({ fromLogits, ignoreClass, labelSmoothing }, yTrue, yPred) => {
      const labels = classNumbers(yTrue, yPred)
      const logp = logProbabilities(yPred, fromLogits as boolean)
      const safe =
        ignoreClass === undefined
          ? labels
          : ops.where(ops.equal(labels, ignoreClass as number), ops.mul(labels, 0), labels)
      let loss = ops.neg(ops.squeeze(ops.gatherElements(logp, ops.unsqueeze(safe, [-1]), { axis: -1 }), [-1]))
      // Label smoothing moves the target towards the uniform distribution (Szegedy et al. 2016).
      if (labelSmoothing !== 0)
        loss = ops.sub(
          ops.mul(loss, tunable(loss, 1 - (labelSmoothing as number))),
          ops.mul(last(logp), tunable(loss, labelSmoothing as number)),
        )
      return ignoreClass === undefined
        ? loss
        : ops.mul(loss, ops.cast(ops.not(ops.equal(labels, ignoreClass as number)), { to: loss.dtype }))
    },
  },
  // (1 − p_t)^gamma · crossentropy (Lin et al. 2017).
  binaryFocalCrossentropy: {
    parameters: z.strictObject({
      applyClassBalancing: z.boolean().default(false),
      alpha: z.number().min(0).max(1).default(0.25),
      gamma: z.number().nonnegative().default(2),
      fromLogits: z.boolean().default(false),
      labelSmoothing: smoothing,
    }),
    apply: (p, yTrue, yPred) => {
      const y = smooth(aligned(yTrue, yPred), p.labelSmoothing, 2)
      const probability = p.fromLogits ? ops.sigmoid(yPred) : yPred
      const bce = binaryTerm(y, yPred, p.fromLogits as boolean)
      const one = scalar(y.graph, y.dtype, 1)
      const weigh = (a: Value): Value => ops.add(ops.mul(y, a), ops.mul(ops.sub(one, y), ops.sub(one, a)))
      const focus = ops.mul(power(ops.sub(one, weigh(probability)), p.gamma as number), bce)
      return last(p.applyClassBalancing ? ops.mul(focus, weigh(tunable(y, p.alpha as number))) : focus)
    },
  },
  categoricalFocalCrossentropy: {
    parameters: z.strictObject({
      alpha: z.number().min(0).max(1).default(0.25),
      gamma: z.number().nonnegative().default(2),
      fromLogits: z.boolean().default(false),
      labelSmoothing: smoothing,
    }),
    apply: (p, yTrue, yPred) => {
      const y = smooth(aligned(yTrue, yPred), p.labelSmoothing, Number(yPred.shape.at(-1)))
      const logp = logProbabilities(yPred, p.fromLogits as boolean)
      const modulate = ops.mul(
        power(ops.sub(scalar(y.graph, y.dtype, 1), ops.exp(logp)), p.gamma as number),
        tunable(y, p.alpha as number),
      )
      return ops.neg(sumLast(ops.mul(modulate, ops.mul(y, logp))))
    },
  },
  hinge: { parameters: none, apply: (_, yTrue, yPred) => last(relu(oneMinus(ops.mul(hinges(yTrue, yPred), yPred)))) },
  squaredHinge: {
    parameters: none,
    apply: (_, yTrue, yPred) => {
      const h = relu(oneMinus(ops.mul(hinges(yTrue, yPred), yPred)))
      return last(ops.mul(h, h))
    },
  },
  categoricalHinge: {
    parameters: none,
    apply: (_, yTrue, yPred) => {
      const y = aligned(yTrue, yPred)
      const positive = sumLast(ops.mul(y, yPred))
      const negative = ops.reduceMax(ops.mul(oneMinus(y), yPred), [-1], { keepdims: 0 })
      return relu(ops.add(ops.sub(negative, positive), 1))
    },
  },
  klDivergence: {
    parameters: none,
    apply: (_, yTrue, yPred) => {
      const y = ops.clip(aligned(yTrue, yPred), EPSILON, 1)
      const p = ops.clip(yPred, EPSILON, 1)
      return sumLast(ops.mul(y, ops.sub(ops.log(y), ops.log(p))))
    },
  },
  poisson: {
    parameters: none,
    apply: (_, yTrue, yPred) => last(ops.sub(yPred, ops.mul(aligned(yTrue, yPred), ops.log(ops.add(yPred, EPSILON))))),
  },
  // −cos of the angle: −1 is best.
  cosineSimilarity: {
    parameters: none,
    apply: (_, yTrue, yPred) => ops.neg(sumLast(ops.mul(unit(aligned(yTrue, yPred)), unit(yPred)))),
  },
}
const oneMinus = (x: Value): Value => ops.sub(scalar(x.graph, x.dtype, 1), x)
const power = (x: Value, p: number): Value =>
  p === 0 ? ops.add(ops.mul(x, 0), 1) : p === 1 ? x : p === 2 ? ops.mul(x, x) : ops.pow(x, p)

/** Class numbers as int64, with a last axis of 1 taken off. */
export function classNumbers(yTrue: Value, yPred: Value): Value {
  const y = yTrue.shape.length === yPred.shape.length && yTrue.shape.at(-1) === 1 ? ops.squeeze(yTrue, [-1]) : yTrue
  if (y.shape.length !== yPred.shape.length - 1)
    throw new ShapeError({
      code: 'target-shape',
      where: 'sparse loss or metric',
      expected: `class numbers of shape [${yPred.shape.slice(0, -1).join(', ')}]`,
      received: `[${yTrue.shape.join(', ')}]`,
      hint: 'one-hot targets belong to categoricalCrossentropy',
    })
  return y.dtype === 'int64' ? y : ops.cast(y, { to: 'int64' })
}

const aliases: Readonly<Record<string, string>> = {
  mse: 'meanSquaredError',
  mae: 'meanAbsoluteError',
  mape: 'meanAbsolutePercentageError',
  msle: 'meanSquaredLogarithmicError',
  logcosh: 'logCosh',
  kld: 'klDivergence',
  kullbackLeiblerDivergence: 'klDivergence',
}

/**
 * A loss over a batch: Keras's reduction, the weighted sum over all elements divided by their number. Targets of
 * `ignoreClass` are not counted: the mean is over the rest (Keras's mask).
 * @param sampleWeight one weight per example [batch] or per step [batch, …] of the losses, or null
 */
export function meanLoss(loss: ResolvedLoss, yTrue: Value, yPred: Value, sampleWeight: Value | null): Value {
  const losses = loss.apply(yTrue, yPred)
  if (typeof losses !== 'object' || losses === null || losses.graph !== yPred.graph)
    throw new ConfigError({
      code: 'not-a-value',
      where: `loss ${loss.type}`,
      expected: 'a value computed from targets and predictions',
      received: losses === null ? 'null' : typeof losses,
    })
  const extra = losses.shape.length - (sampleWeight?.shape.length ?? 0)
  const weight =
    sampleWeight !== null && extra > 0
      ? ops.unsqueeze(
          sampleWeight,
          Array.from({ length: extra }, (_, i) => losses.shape.length - extra + i),
        )
      : sampleWeight
  const weighted = weight === null ? losses : ops.mul(losses, weight)
  if (loss.ignoreClass === undefined) return ops.reduceMean(weighted, { keepdims: 0 })
  const counts = ops.cast(ops.not(ops.equal(classNumbers(yTrue, yPred), loss.ignoreClass)), { to: losses.dtype })
  const count = ops.max([ops.reduceSum(counts, { keepdims: 0 }), scalar(losses.graph, losses.dtype, EPSILON)])
  return ops.div(ops.reduceSum(weighted, { keepdims: 0 }), count)
}

export type LossFunction = (yTrue: Value, yPred: Value) => Value
/** A loss: a name (Keras's, camelCase; `mse`, `mae` …), a record made by a factory below, or a function of values. */
export type Loss = keyof typeof lossTable | Spec | LossFunction

export interface ResolvedLoss {
  readonly type: string
  readonly apply: LossFunction
  /** Class number that does not count. */
  readonly ignoreClass?: number
  /** Whether predictions are logits. */
  readonly fromLogits: boolean
}

/** The name and the function of a loss. */
export function resolveLoss(loss: Loss): ResolvedLoss {
  if (typeof loss === 'function') return { type: loss.name || 'loss', apply: loss, fromLogits: false }
  const { type: named, ...parameters } = typeof loss === 'string' ? { type: loss } : loss
  const given = String(named)
  const type = aliases[given] ?? given
  const entry = lossTable[type]
  if (entry === undefined)
    throw new ConfigError({
      code: 'unknown-loss',
      where: 'compile.loss',
      expected: `one of ${Object.keys(lossTable).join(', ')}`,
      received: given,
      hint: `did you mean ${nearest(given, [...Object.keys(lossTable), ...Object.keys(aliases)], 1)[0]}?`,
    })
  const parsed = parseOptions(entry.parameters, parameters, `losses.${type}`) as Record<string, unknown>
  const ignored = parsed.ignoreClass as number | undefined
  return {
    type,
    apply: (yTrue, yPred) => entry.apply(parsed, yTrue, yPred),
    fromLogits: parsed.fromLogits === true,
    ...(ignored === undefined ? {} : { ignoreClass: ignored }),
  }
}

/** Losses whose targets are class numbers: they must be whole and below the number of classes. */
export const isSparse = (type: string): boolean => type === 'sparseCategoricalCrossentropy'

type Smoothing = { fromLogits?: boolean; labelSmoothing?: number }
const make =
  <O extends object = Record<never, never>>(type: string) =>
  (options?: O): Spec => ({ type, ...options })
export const meanSquaredError = make('meanSquaredError')
export const meanAbsoluteError = make('meanAbsoluteError')
export const meanAbsolutePercentageError = make('meanAbsolutePercentageError')
export const meanSquaredLogarithmicError = make('meanSquaredLogarithmicError')
export const huber = make<{ delta?: number }>('huber')
export const logCosh = make('logCosh')
export const binaryCrossentropy = make<Smoothing>('binaryCrossentropy')
export const categoricalCrossentropy = make<Smoothing>('categoricalCrossentropy')
export const sparseCategoricalCrossentropy = make<Smoothing & { ignoreClass?: number }>('sparseCategoricalCrossentropy')
export const binaryFocalCrossentropy = make<
  Smoothing & { applyClassBalancing?: boolean; alpha?: number; gamma?: number }
>('binaryFocalCrossentropy')
export const categoricalFocalCrossentropy = make<Smoothing & { alpha?: number; gamma?: number }>(
  'categoricalFocalCrossentropy',
)
export const hinge = make('hinge')
export const squaredHinge = make('squaredHinge')
export const categoricalHinge = make('categoricalHinge')
export const klDivergence = make('klDivergence')
export const poisson = make('poisson')
export const cosineSimilarity = make('cosineSimilarity')
