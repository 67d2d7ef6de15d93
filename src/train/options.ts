import { ConfigError } from '../ir/index.js'
import { refuse, unknownOptions } from '../ir/options.js'
import type { DataLike } from './batches.js'
import type { Callback } from './callback.js'
import type { ProgressStream } from './callbacks/progress.js'
import type { ClassWeight, SampleWeight } from './sample-weight.js'
import type { TrainingSource } from './sources.js'

export interface PredictOptions {
  /** Default 32. */
  batchSize?: number
  callbacks?: Callback | readonly Callback[]
}

export interface EvaluateOptions extends PredictOptions {
  /** Weights of examples in losses and weighted metrics; for several outputs the same for all, or by name. */
  sampleWeight?: SampleWeight
}

export interface FitOptions extends EvaluateOptions {
  /** Default 1. */
  epochs?: number
  /** Data for val_loss and val_ metrics: a source, or [x, y] or [x, y, sampleWeight]. */
  validationData?: TrainingSource | readonly [DataLike, DataLike] | readonly [DataLike, DataLike, SampleWeight]
  /** Share of the examples, from the end, kept for validation (data in memory only). */
  validationSplit?: number
  /** Default true. */
  shuffle?: boolean
  /**
   * Weight of each class in loss and weighted metrics, by number, for class numbers or one-hot targets; for several
   * outputs by the output's name. Together with `sampleWeight` their product (Keras refuses both).
   */
  classWeight?: ClassWeight
  /** 1: progress on the terminal (the default in Node), 0: silence. */
  verbose?: 0 | 1 | boolean
  /** Where progress goes; default standard output. */
  stream?: ProgressStream
  /** Ends training cleanly after the current batch; what was learned is kept. */
  signal?: AbortSignal
  /** Epoch to begin counting at; default: where the last fit ended when 0. */
  initialEpoch?: number
}

export function checkFitOptions(options: FitOptions): void {
  const known = [
    'epochs',
    'batchSize',
    'validationData',
    'validationSplit',
    'shuffle',
    'classWeight',
    'sampleWeight',
    'callbacks',
    'verbose',
    'stream',
    'signal',
    'initialEpoch',
  ]
  const problems = unknownOptions(options, known, 'fit')
  const { epochs = 1, batchSize = 32, validationSplit = 0, initialEpoch = 0, classWeight = {} } = options
  const byClass = Object.entries((classWeight ?? {}) as Readonly<Record<string, unknown>>).flatMap(([name, value]) =>
    typeof value === 'object' && value !== null
      ? Object.entries(value).map(([own, weight]): [string, unknown] => [`${name}.${own}`, weight])
      : [[name, value] as [string, unknown]],
  )
  for (const [name, value] of [['initialEpoch', initialEpoch] as [string, unknown], ...byClass])
    if (typeof value !== 'number' || !Number.isFinite(value) || value < 0)
      problems.push({
        code: 'bad-option',
        where: name === 'initialEpoch' ? 'fit.initialEpoch' : `fit.classWeight.${name}`,
        expected: 'a finite number ≥ 0',
        received: String(value),
        hint: 'a class without a weight counts 1',
      })
  const whole = (name: string, value: number) => {
    if (!Number.isInteger(value) || value < 1)
      problems.push({
        code: 'bad-option',
        where: `fit.${name}`,
        expected: 'a whole number ≥ 1',
        received: String(value),
        hint: 'count from 1',
      })
  }
  whole('epochs', epochs)
  whole('batchSize', batchSize)
  if (!(validationSplit >= 0 && validationSplit < 1))
    problems.push({
      code: 'bad-option',
      where: 'fit.validationSplit',
      expected: 'from 0 to below 1',
      received: String(validationSplit),
      hint: '0.2 keeps a fifth',
    })
  refuse(problems, 'fit')
}

/** Checks what evaluate and predict are told. */
export function checkEvaluateOptions(call: string, options: EvaluateOptions): void {
  const known = call === 'predict' ? ['batchSize', 'callbacks'] : ['batchSize', 'sampleWeight', 'callbacks']
  refuse(unknownOptions(options, known, call), call)
  const { batchSize = 32 } = options
  if (!Number.isInteger(batchSize) || batchSize < 1)
    throw new ConfigError({
      code: 'bad-option',
      where: `${call}.batchSize`,
      expected: 'a whole number ≥ 1',
      received: batchSize,
    })
}
