import { ConfigError } from '../ir/index.js'
import { programCache } from '../runtime/index.js'
import type { Model, TrainingSource } from '../train/index.js'
import { fixedTrial } from './fixed-trial.js'
import type { FrozenTrial } from './frozen-trial.js'
import { keeper } from './keeper.js'
import type { OptimizeOptions } from './optimize.js'
import { sign } from './pareto.js'
import { readings } from './pruning-callback.js'
import type { Dimensions, Space, SpaceValues } from './space.js'
import { crossValidation } from './splits.js'
import { freshTrial } from './storage/memory.js'
import type { Study } from './study.js'
import { askFor, type Build, type ModelSpace } from './training.js'
import { Interrupted, type Plan, runTrainings, trainOnAll } from './trainings.js'
import type { Trial } from './trial.js'
import { readOptions, studyFor, type TuneModelOptions } from './tune-model-options.js'

export interface TunedModel<P> {
  /** The trial's. */
  readonly number: number
  readonly params: P
  /** One for each monitor. */
  readonly values: readonly number[]
  /** Of the first monitor. */
  readonly value: number
  /** Trained; after a cross-validation on all data. */
  readonly model: Model
}

export interface TuneModelResult<P> {
  readonly study: Study
  /** With several monitors: the one of the front that is best by the first. */
  readonly best: TunedModel<P>
  /** With several monitors the Pareto front; else the best alone. */
  readonly front: readonly TunedModel<P>[]
  /** How many programs were compiled, and how often one made before was used. */
  readonly programs: { readonly compiled: number; readonly found: number }
}

/**
 * Tunes a model: for each trial builds it from parameters of the space, trains it, reports each epoch to the pruner, and
 * keeps the best one. `build(params, { seed, trial, fold, repeat })` gives a compiled model, or `{ model, fit }`.
 * Trials share compiled programs where their graphs are equal. Numbers do not make them differ (learning rates,
 * strengths of penalties, dropout rates, weight decay, betas …); what decides the nodes of the graph or is an attribute of
 * one does (units, layers, batch size, a rate of 0, which leaves a layer out, the slope of an activation), and costs a
 * compilation.
 *
 * A training whose loss or monitor is not a number ends its trial as pruned. An abort or Ctrl-C ends the search after the
 * current batch; the result is that of the trials before. A study in a storage can be gone on with (`loadIfExists`): if
 * its best trial was trained elsewhere, it is trained again, with the same seed. Each trial has a seed of its own, which
 * a model with seed 0 is given; one with another seed keeps it, unless there are `repeats`.
 * @param data to train on: `{ x, y }` or a data set; validation as `fit: { validationData }`, or `validationSplit`
 *   (default 0.2 for data in memory), or `folds`
 * @throws ConfigError for options that do not fit, or where no trial was completed; what `build` or training throw, unless
 *   `catch` says otherwise
 */
export function tuneModel<const D extends Dimensions>(
  build: Build<SpaceValues<Space<D>>>,
  data: TrainingSource,
  space: Space<D>,
  options?: TuneModelOptions,
): Promise<TuneModelResult<SpaceValues<Space<D>>>>
export function tuneModel<P>(
  build: Build<P>,
  data: TrainingSource,
  space: (trial: Trial) => P,
  options?: TuneModelOptions,
): Promise<TuneModelResult<P>>
export async function tuneModel<P>(
  build: Build<P>,
  data: TrainingSource,
  space: ModelSpace<P>,
  options: TuneModelOptions = {},
): Promise<TuneModelResult<P>> {
  const settings = readOptions(options)
  const { monitors, out, folds, checkpoints } = settings
  const splits = folds === null ? null : crossValidation(data, folds)
  const read = readings(monitors, 'tuneModel.monitor')
  const study = await studyFor(settings, monitors, 'tuneModel')
  const programs = programCache()
  const plan: Plan<P> = { build, data, splits, settings, study, read, programs }
  const report = settings.report ?? (study.pruner.name === 'wilcoxon' ? 'training' : 'epoch')
  const kept = keeper(study, out)

  const objective = async (trial: Trial): Promise<readonly number[]> => {
    const origin = originOf(trial)
    try {
      const { values, epochs, model } = await runTrainings(plan, {
        trial,
        params: askFor(space, trial),
        origin,
        report,
      })
      trial.setUserAttr('epochs', epochs)
      if (model !== null) kept.offer(trial.number, model)
      return values
    } catch (error) {
      if (error instanceof Interrupted) {
        study.stop()
        if (checkpoints) await lineUp(study, trial, origin)
      }
      throw error
    }
  }
  await study.optimize(objective, optimizeOptions(options, [(_, trial) => kept.settle(trial)]))

  /** A trial of the result with its model: the one kept, or one trained once more. */
  const finished = async (frozen: FrozenTrial): Promise<TunedModel<P>> => {
    const { number } = frozen
    const trial = fixedTrial(frozen.params, { number, directions: study.directions })
    const params = askFor(space, trial)
    const task = { trial, params, origin: originOf(frozen), report: null }
    const { epochs } = frozen.userAttrs
    const again = async () =>
      splits === null
        ? (await runTrainings(plan, task)).model! // there is one where there are no folds
        : trainOnAll(plan, task, Array.isArray(epochs) ? epochs.map(Number) : [settings.fit.epochs ?? 1])
    const model = kept.modelOf(number) ?? (await again())
    await kept.save(frozen, model)
    return { number, params, values: frozen.values!, value: frozen.values![0]!, model }
  }
  const winners = study.directions.length === 1 ? [await study.bestTrial()] : [...(await study.bestTrials())]
  if (winners.length === 0)
    throw new ConfigError({ code: 'no-trial', where: 'tuneModel', expected: 'a complete trial', received: 'none' })
  winners.sort((a, b) => sign(study.directions[0]!) * (a.values![0]! - b.values![0]!))
  const front: TunedModel<P>[] = []
  for (const winner of winners) front.push(await finished(winner))
  return { study, best: front[0]!, front, programs: { ...programs.counts } }
}

/** The number of the trial that one repeats which is tried again, else its own. */
function originOf({ number, systemAttrs }: Pick<FrozenTrial, 'number' | 'systemAttrs'>): number {
  const { failed_trial: first } = systemAttrs
  return typeof first === 'number' ? first : number
}

/** Puts an interrupted trial in line again: it will go on from its checkpoint. */
async function lineUp(study: Study, trial: Trial, origin: number): Promise<void> {
  await study.storage.createTrial(study.id, {
    ...freshTrial(),
    state: 'WAITING',
    start: null,
    userAttrs: trial.userAttrs,
    systemAttrs: { fixed_params: { ...trial.params }, failed_trial: origin },
  })
}

function optimizeOptions(
  { trials, timeout, concurrency, signal, callbacks = [], catch: tolerated }: TuneModelOptions,
  own: NonNullable<OptimizeOptions['callbacks']>,
): OptimizeOptions {
  const given = Object.entries({ trials, timeout, concurrency, signal }).filter(([, value]) => value !== undefined)
  return {
    ...Object.fromEntries(given),
    callbacks: [...own, ...callbacks],
    catch: error =>
      error instanceof Interrupted || (typeof tolerated === 'function' ? tolerated(error) : tolerated === true),
  }
}
