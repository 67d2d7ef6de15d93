import { z } from 'zod'
import { ConfigError } from '../ir/index.js'
import { parseOptions } from '../ir/options.js'
import type { EarlyStoppingOptions } from '../train/callbacks/early-stopping.js'
import type { Monitor } from '../train/callbacks/monitor.js'
import type { FitOptions } from '../train/index.js'
import { type CreateStudyOptions, createStudy } from './create.js'
import type { OptimizeOptions } from './optimize.js'
import type { CrossValidation } from './splits.js'
import type { Study } from './study.js'
import { type CallbackFactory, directionsOf, nameOf } from './training.js'

/** The study to search in: a new one by these options, or one that is there. */
export interface SearchOptions
  extends Pick<CreateStudyOptions, 'name' | 'storage' | 'sampler' | 'pruner' | 'loadIfExists' | 'heartbeat'> {
  /** A study to go on with, in place of a new one. */
  study?: Study
}

export interface TuneModelOptions
  extends SearchOptions,
    Pick<OptimizeOptions, 'trials' | 'timeout' | 'concurrency' | 'callbacks' | 'catch' | 'signal'> {
  /**
   * What a trial is measured by: a name in the logs and so on, as for early stopping; a list for several objectives.
   * Default `val_loss`. Accuracies and the like are maximized, all else minimized.
   */
  monitor?: Monitor | readonly Monitor[]
  /** Which epoch counts, by the first monitor: the `best` (default), whose weights the model keeps, or the `last`. */
  epoch?: 'best' | 'last'
  /** Options of `fit` for every trial; what `build` gives beside a model comes first. Silent unless `verbose` is given. */
  fit?: Omit<FitOptions, 'callbacks' | 'signal' | 'initialEpoch'>
  /** Callbacks for each training, made anew. */
  fitCallbacks?: CallbackFactory
  /** Ends a training that no longer improves; default: none ends. Monitors the first monitor unless it says another. */
  earlyStopping?: Omit<EarlyStoppingOptions, 'restoreBestWeights'> | null
  /** Cross-validation: how many folds, or how to make them. */
  folds?: number | CrossValidation
  /** Trains each trial several times with seeds of its own, and takes the mean. Default 1. */
  repeats?: number
  /**
   * What pruners see: after each `epoch` the mean over the trainings so far (step: epochs of all trainings), or after
   * each `training` its value (step: its number). Default `epoch`; `training` for the Wilcoxon pruner.
   */
  report?: 'epoch' | 'training'
  /** Of the trainings; that of the sampler is its own. Default 0. */
  seed?: number
  /** A folder: the best model so far as `model.onnx`, and what it is as `best.json`. Default: nothing is written. */
  out?: string
  /**
   * With `out`: trainings write checkpoints. One whose trial is tried again (its worker died, or the search was
   * interrupted) goes on from there. Default false.
   */
  checkpoints?: boolean
}

const passed = z.any().optional()
const folds = z.union([
  z.int().min(2),
  z.strictObject({
    folds: z.int().min(2).optional(),
    shuffle: z.boolean().optional(),
    seed: z.int().min(0).optional(),
    stratified: z.boolean().optional(),
  }),
])
/** Options of the study, checked where they are used. */
export const searchSchema = {
  name: passed,
  storage: passed,
  sampler: passed,
  pruner: passed,
  loadIfExists: passed,
  heartbeat: passed,
  study: passed,
}
const schema = z
  .strictObject({
    ...searchSchema,
    trials: passed,
    timeout: passed,
    concurrency: passed,
    callbacks: passed,
    catch: passed,
    signal: passed,
    monitor: passed,
    epoch: z.enum(['best', 'last']).default('best'),
    fit: z
      .looseObject({ callbacks: z.undefined(), signal: z.undefined(), initialEpoch: z.undefined() })
      .partial()
      .optional(),
    fitCallbacks: z.custom<CallbackFactory>(f => typeof f === 'function', 'a function').optional(),
    earlyStopping: passed,
    folds: folds.optional(),
    repeats: z.int().min(1).default(1),
    report: z.enum(['epoch', 'training']).optional(),
    seed: z.int().min(0).default(0),
    out: z.string().min(1).optional(),
    checkpoints: z.boolean().default(false),
  })
  .refine(o => !o.checkpoints || o.out !== undefined, {
    path: ['checkpoints'],
    message: 'Invalid input: expected a folder `out` beside it',
  })

/** Checks options and fills in defaults. */
export function readOptions(options: TuneModelOptions) {
  const { epoch, repeats, seed, checkpoints } = parseOptions(schema, options, 'tuneModel')
  const { folds: given, fit = {} } = options
  if (given !== undefined && (fit.validationData !== undefined || fit.validationSplit !== undefined))
    throw new ConfigError({
      code: 'bad-option',
      where: 'tuneModel.folds',
      expected: 'folds, validationData or validationSplit',
      received: 'two of them',
    })
  const monitor = options.monitor ?? 'val_loss'
  const monitors = Array.isArray(monitor) ? (monitor as readonly Monitor[]) : [monitor as Monitor]
  if (monitors.length === 0)
    throw new ConfigError({ code: 'bad-option', where: 'tuneModel.monitor', expected: 'a monitor', received: 'none' })
  const parts: CrossValidation | null =
    given === undefined ? null : typeof given === 'number' ? { folds: given } : given
  return { ...options, fit, epoch, repeats, seed, checkpoints, monitors, folds: parts }
}
export type Settings = ReturnType<typeof readOptions>

/** The study given, or one made for the monitors. @throws ConfigError where their directions are not the study's */
export async function studyFor(
  { study, name, storage, sampler, pruner, loadIfExists, heartbeat }: SearchOptions,
  monitors: readonly Monitor[],
  where: string,
): Promise<Study> {
  const directions = directionsOf(monitors)
  const given = Object.entries({ name, storage, sampler, pruner, loadIfExists, heartbeat })
  const options = Object.fromEntries(given.filter(([, value]) => value !== undefined))
  const used = study ?? (await createStudy({ ...options, directions }))
  if (study !== undefined && Object.keys(options).length > 0)
    throw new ConfigError({
      code: 'bad-option',
      where: `${where}.study`,
      expected: 'a study, or options of a new one',
      received: Object.keys(options),
    })
  if (String(used.directions) !== String(directions))
    throw new ConfigError({
      code: 'directions',
      where: `${where}.monitor`,
      expected: `monitors to ${used.directions.join(', ')}, as the study ${used.name}`,
      received: monitors.map((monitor, i) => `${nameOf(monitor)} to ${directions[i]}`).join(', '),
    })
  await used.setMetricNames(monitors.map(nameOf))
  return used
}
