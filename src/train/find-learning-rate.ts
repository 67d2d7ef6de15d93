import { z } from 'zod'
import { ConfigError, NumericError } from '../ir/index.js'
import { parseOptions } from '../ir/options.js'
import type { LineChart } from '../report/index.js'
import { EpochSums } from './accumulate.js'
import type { Batch } from './batches.js'
import type { Model } from './model.js'
import { classWeightsByOutput, type SampleWeight, weighClasses } from './sample-weight.js'
import { type Batches, batchesOf, isStream, type TrainingSource } from './sources.js'
import { type Suggestion, suggestRate } from './suggest-rate.js'
import { updateOn } from './update.js'

const above = (least: number, error = `a finite number above ${least}`) => z.number({ error }).gt(least, { error })
const whole = (least: number, error = `a whole number ≥ ${least}`) => z.int({ error }).min(least, { error })
const classWeights = z.record(z.string(), z.number().nonnegative())

const schema = z
  .strictObject({
    /** First learning rate; default 1e-7. */
    startRate: above(0).default(1e-7),
    /** Last learning rate; default 10. */
    endRate: above(0).default(10),
    /** Updates from the one to the other, at least 24; default 100. Data that ends sooner begins again. */
    steps: whole(24).default(100),
    /** Default 32. */
    batchSize: whole(1).default(32),
    /** Default true. */
    shuffle: z.boolean({ error: 'true or false' }).default(true),
    /** How much of the running loss stays with each batch, from 0 (no smoothing) to below 1; default 0.98. */
    smoothing: z
      .number({ error: 'a number from 0 to below 1' })
      .min(0, { error: 'a number from 0 to below 1' })
      .lt(1, { error: 'a number from 0 to below 1' })
      .default(0.98),
    /** End where the running loss is more than so many times its best; null: never; default 4. */
    divergence: above(1).nullable().default(4),
    /** Which of the suggestions is `suggestion`; default `valley`. */
    suggest: z.enum(['valley', 'slide', 'minimum', 'steep']).default('valley'),
    /** As in fit. */
    classWeight: z
      .union([classWeights, z.record(z.string(), classWeights)])
      .nullable()
      .default(null),
    /** As in fit, for data in memory. */
    sampleWeight: z.custom<SampleWeight>(() => true).optional(), // checked with the data
    /** Ends the test: the call then throws the signal's reason. */
    signal: z.custom<AbortSignal>(s => s === undefined || s instanceof AbortSignal, { error: 'a signal' }).optional(),
  })
  .refine(o => o.endRate > o.startRate, { path: ['endRate'], error: 'a rate above startRate' })

export type FindLearningRateOptions = z.input<typeof schema>

/** What a learning-rate range test found. */
export interface LearningRateFinding {
  /** The learning rate of each update made. */
  readonly rates: readonly number[]
  /** The loss of each batch, penalties included, before its update. */
  readonly losses: readonly number[]
  /** Running mean of the losses. */
  readonly smoothed: readonly number[]
  /** The rate to try, chosen by the option `suggest`. */
  readonly suggestion: number
  /** What each way of reading the curve suggests. */
  readonly suggestions: Readonly<Record<Suggestion, number>>
  /** Whether all steps were made, or the loss grew too large. */
  readonly reason: 'completed' | 'diverged'
  /** Loss over learning rate, with the suggestion marked. */
  readonly chart: LineChart
}

/** Range test on a twin of the model: see `Model.findLearningRate`. */
export async function findLearningRate(
  model: Model,
  source: TrainingSource,
  given: FindLearningRateOptions,
): Promise<LearningRateFinding> {
  const options = parseOptions(schema, given, 'findLearningRate')
  const { steps, startRate, endRate, smoothing, divergence, signal } = options
  const weighted =
    options.sampleWeight === undefined || isStream(source) ? source : { ...source, sampleWeight: options.sampleWeight }
  const batches = batchesOf(model, weighted, options.batchSize)
  const classWeight = options.classWeight === null ? null : classWeightsByOutput(model.network, options.classWeight)
  signal?.throwIfAborted()
  const twin = await model.twin()
  const rates: number[] = []
  const losses: number[] = []
  const smoothed: number[] = []
  let running = 0
  let best = Number.POSITIVE_INFINITY
  let reason: LearningRateFinding['reason'] = 'completed'
  try {
    for await (const batch of endless(batches, model.epoch, options.shuffle)) {
      signal?.throwIfAborted()
      const i = losses.length
      twin.learningRate = startRate * (endRate / startRate) ** (i / (steps - 1))
      const rate = twin.learningRate
      const loss = await lossOf(twin, classWeight === null ? batch : weighClasses(batch, classWeight), i)
      if (loss !== null) {
        running = smoothing * running + (1 - smoothing) * loss
        rates.push(rate)
        losses.push(loss)
        smoothed.push(running / (1 - smoothing ** (i + 1)))
        best = Math.min(best, smoothed[i]!)
      }
      // For a loss that may be negative: as far above its best as `divergence` times a positive one.
      if (loss === null || (divergence !== null && smoothed[i]! > best + (divergence - 1) * Math.abs(best))) {
        reason = 'diverged'
        break
      }
      if (losses.length === steps) break
    }
  } finally {
    await twin.release()
  }
  const suggestions = readCurve(rates, smoothed, steps)
  const suggestion = suggestions[options.suggest]
  return {
    rates,
    losses,
    smoothed,
    suggestion,
    suggestions,
    reason,
    chart: chartOf(rates, losses, smoothed, suggestion, options.suggest),
  }
}

/** Epoch after epoch. */
async function* endless(batches: Batches, epoch: number, shuffle: boolean): AsyncGenerator<Batch> {
  for (;;) yield* batches.epoch(epoch++, shuffle)
}

/** The loss of a batch, and an update with it; null where the rates before have made it no finite number. */
async function lossOf(twin: Model, batch: Batch, step: number): Promise<number | null> {
  const sums = new EpochSums(twin.compiled)
  try {
    await updateOn(twin, batch, sums, `findLearningRate, step ${step}`)
  } catch (error) {
    // Data that is not finite, or a loss that never was, is no question of the rate.
    if (!(error instanceof NumericError) || step === 0 || !isFiniteBatch(batch)) throw error
    return null
  }
  return sums.logs(false).loss!
}

const isFiniteBatch = ({ x, y }: Batch): boolean =>
  [...Object.values(x), ...Object.values(y)].every(({ data }) => {
    for (let i = 0; i < data.length; i++) if (!Number.isFinite(Number(data[i]))) return false
    return true
  })

/** Suggestions from the curve without its first tenth and its last five points, as fastai reads it. */
function readCurve(
  rates: readonly number[],
  smoothed: readonly number[],
  steps: number,
): Readonly<Record<Suggestion, number>> {
  const used = (list: readonly number[]) => list.slice(Math.floor(steps / 10), -5)
  if (used(rates).length < 2)
    throw new ConfigError({
      code: 'diverged-at-once',
      where: 'findLearningRate',
      expected: `a loss that stays in bounds for more than ${Math.floor(steps / 10) + 6} updates`,
      received: `divergence at a learning rate of ${rates.at(-1)!.toExponential(1)}`,
      hint: 'give a smaller startRate, or more steps',
    })
  return {
    valley: suggestRate.valley(used(rates), used(smoothed)),
    slide: suggestRate.slide(used(rates), used(smoothed)),
    minimum: suggestRate.minimum(used(rates), used(smoothed)),
    steep: suggestRate.steep(used(rates), used(smoothed)),
  }
}

function chartOf(
  rates: readonly number[],
  losses: readonly number[],
  smoothed: readonly number[],
  suggestion: number,
  name: Suggestion,
): LineChart {
  const points = (ys: readonly number[]) => ys.map((y, i) => [rates[i]!, y] as const)
  // What comes after the lowest point grows without bounds: the picture shows what went before.
  const before = smoothed.slice(0, smoothed.indexOf(Math.min(...smoothed)) + 1)
  const [low, high] = [Math.min(...losses), Math.max(...before)]
  return {
    title: 'Learning rate range test',
    note: 'One update per point, the learning rate rising from each to the next. The line marks the rate suggested.',
    xLabel: 'learning rate',
    yLabel: 'loss',
    xLog: true,
    ...(high > low ? { yRange: roundRange(low, high) } : {}),
    marks: [{ x: suggestion, label: `${name}: ${suggestion.toExponential(1)}` }],
    series: [
      { name: 'each batch', points: points(losses), group: 5 },
      { name: 'running mean', points: points(smoothed), group: 0 },
    ],
  }
}

/** A little more than a range, between round numbers. */
function roundRange(low: number, high: number): readonly [number, number] {
  const part = (high - low) / 5
  const power = 10 ** Math.floor(Math.log10(part))
  const unit = power * ([1, 2, 5].find(m => m * power >= part) ?? 10)
  const round = (x: number) => Number((x * unit).toPrecision(12))
  return [round(Math.floor(low / unit)), round(Math.ceil(high / unit + 0.5))]
}
