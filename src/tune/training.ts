import { ConfigError, counterRandom, type Tensor } from '../ir/index.js'
import type { ProgramCache } from '../runtime/index.js'
import type { Callback } from '../train/callback.js'
import { type Monitor, directionOf as wayOf } from '../train/callbacks/monitor.js'
import { type FitOptions, Model } from '../train/index.js'
import type { Direction } from './frozen-trial.js'
import type { Space } from './space.js'
import type { Trial } from './trial.js'

/** What `build` is told besides the parameters. */
export interface BuildContext {
  /** For the model: `sequential([…], { seed })`. A model with seed 0 is given it anyway. */
  readonly seed: number
  readonly trial: Trial
  /** Which fold of a cross-validation the model is for, from 0; null for all data. */
  readonly fold: number | null
  /** Which of several trainings with seeds of their own, from 0. */
  readonly repeat: number
}

/** A compiled model, or one with options of `fit` that its parameters chose (batchSize, epochs, classWeight …). */
export type Built = Model | { readonly model: Model; readonly fit?: FitOptions }

/** Makes the model of a trial. */
export type Build<P> = (params: P, context: BuildContext) => Built | Promise<Built>

/** A declared space, or a function that asks the trial. */
export type ModelSpace<P> = Space | ((trial: Trial) => P)

export const askFor = <P>(space: ModelSpace<P>, trial: Trial): P =>
  typeof space === 'function' ? space(trial) : (space.suggest(trial) as P) // the space gives what its type says

/** The seed of a trial's training: same study, same number, same seed. */
export const seedOf = (seed: number, trial: number, repeat: number): number =>
  counterRandom(seed, 'training', trial).bits(repeat)

/** Builds a model, with the seed it is to have and programs shared. */
export async function prepare<P>(
  build: Build<P>,
  params: P,
  context: BuildContext,
  programs: ProgramCache,
  reseedAlways: boolean,
): Promise<{ readonly model: Model; readonly fit: FitOptions }> {
  const built: unknown = await build(params, context)
  const { model, fit = {} } =
    built instanceof Model ? { model: built } : ((built ?? {}) as { model?: Model; fit?: FitOptions })
  if (!(model instanceof Model) || !model.isCompiled)
    throw new ConfigError({
      code: 'no-model',
      where: 'build',
      expected: 'a compiled model, or { model, fit }',
      received: model instanceof Model ? 'a model that is not compiled' : typeof model,
    })
  const seeded = reseedAlways || model.seed === 0 ? await reseeded(model, context.seed) : model
  seeded.sharePrograms(programs)
  return { model: seeded, fit }
}

/** The model with another seed. Weights that were drawn from the old one are drawn anew; others are kept. */
async function reseeded(model: Model, seed: number): Promise<Model> {
  if (model.seed === seed) return model
  const { name, network } = model
  const own = await model.weights()
  const drawn = await new Model(network, { name, seed: model.seed }).weights()
  const other = new Model(network, { name, seed })
  other.compile(model.compiled.options)
  if (!Object.keys(own).every(path => sameNumbers(own[path]!, drawn[path]!))) other.setWeights(own)
  other.learningRateOverride = model.learningRateOverride
  other.step = model.step
  other.epoch = model.epoch
  await model.release()
  return other
}

const sameNumbers = (a: Tensor, b: Tensor): boolean =>
  a.data.length === b.data.length && a.data.every((value: unknown, i: number) => value === b.data[i])

/** The direction of each monitor, by its name. */
export const directionsOf = (monitors: readonly Monitor[]): Direction[] =>
  monitors.map(monitor => {
    const name = typeof monitor === 'string' ? monitor : typeof monitor === 'object' ? monitor.gap : monitor.name
    return wayOf(name) === 'min' ? 'minimize' : 'maximize'
  })

export const nameOf = (monitor: Monitor): string =>
  typeof monitor === 'string' ? monitor : typeof monitor === 'object' ? `${monitor.gap}_gap` : monitor.name || 'monitor'

/** What a trial's own callbacks are made with. */
export type CallbackFactory = (context: BuildContext) => Callback | readonly Callback[]
