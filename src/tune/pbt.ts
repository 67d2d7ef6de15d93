import { z } from 'zod'
import { ConfigError, counterRandom, isAnnealError, NumericError } from '../ir/index.js'
import { parseOptions } from '../ir/options.js'
import { programCache } from '../runtime/index.js'
import { callbackList } from '../train/callback.js'
import type { Monitor } from '../train/callbacks/monitor.js'
import { captureModel, restoreModel } from '../train/checkpoint/model.js'
import type { FitOptions, Model, TrainingSource } from '../train/index.js'
import { isStream } from '../train/sources.js'
import type { ParamValue } from './distribution.js'
import { explore } from './explore.js'
import { fixedTrial } from './fixed-trial.js'
import { sign } from './pareto.js'
import { readings } from './pruning-callback.js'
import type { Dimensions, Space, SpaceValues } from './space.js'
import type { Study } from './study.js'
import { askFor, type Build, type CallbackFactory, type ModelSpace, prepare, seedOf } from './training.js'
import type { Trial } from './trial.js'
import { type SearchOptions, searchSchema, studyFor } from './tune-model-options.js'

export interface PopulationOptions extends Omit<SearchOptions, 'pruner' | 'heartbeat'> {
  /** Models trained in turns. Default 20. */
  population?: number
  /** Turns of each. Default 10. */
  turns?: number
  /** Epochs of a turn. Default 1. */
  epochsPerTurn?: number
  /** After a turn, the share at the bottom that gives way to copies of as many at the top. Default 0.2. */
  quantile?: number
  /** A copied parameter is drawn anew with this probability, else changed by one of the factors. Default 0.25. */
  resampleProbability?: number
  /** Default 0.8 and 1.2. */
  factors?: readonly number[]
  /** What a model is measured by at the end of a turn. Default `val_loss`. */
  monitor?: Monitor
  /** Options of `fit`; what `build` gives beside a model comes first. */
  fit?: Omit<FitOptions, 'callbacks' | 'signal' | 'initialEpoch' | 'epochs'>
  /** Callbacks for each turn of a model, made anew. */
  fitCallbacks?: CallbackFactory
  /** Models trained at the same time. Default 1. */
  concurrency?: number
  /** Of trainings and of what is explored; default 0. */
  seed?: number
  /** Ends after the current batch; the result is that of the turns before. */
  signal?: AbortSignal
}

/** A model of the population, after its last turn. */
export interface Member<P> {
  readonly member: number
  readonly params: P
  readonly value: number
  readonly model: Model
  /** The trials that led to it, from the first turn on: with their parameters, a schedule. */
  readonly lineage: readonly number[]
}

export interface PopulationResult<P> {
  readonly study: Study
  readonly best: Member<P>
  /** From the best to the worst. */
  readonly population: readonly Member<P>[]
  readonly programs: { readonly compiled: number; readonly found: number }
}

const passed = z.any().optional()
const { pruner: _pruner, heartbeat: _heartbeat, ...search } = searchSchema
const schema = z.strictObject({
  ...search,
  population: z.int().min(2).default(20),
  turns: z.int().min(1).default(10),
  epochsPerTurn: z.int().min(1).default(1),
  quantile: z.number().min(0).max(0.5).default(0.2),
  resampleProbability: z.number().min(0).max(1).default(0.25),
  factors: z.array(z.number().gt(0)).min(1).default([0.8, 1.2]),
  monitor: passed,
  fit: z
    .looseObject({
      callbacks: z.undefined(),
      signal: z.undefined(),
      initialEpoch: z.undefined(),
      epochs: z.undefined(),
    })
    .partial()
    .optional(),
  fitCallbacks: z.custom<CallbackFactory>(f => typeof f === 'function', 'a function').optional(),
  concurrency: z.int().min(1).default(1),
  seed: z.int().min(0).default(0),
  signal: passed,
})

/** A member at work. */
interface Worker {
  readonly member: number
  readonly trial: Trial
  readonly model: Model
  readonly fit: FitOptions
  /** At the end of its last turn; NaN where that failed. */
  readonly value: number
  readonly lineage: readonly number[]
}

type Checkpoint = Awaited<ReturnType<typeof captureModel>>

/**
 * Population-based training (Jaderberg et al. 2017): models of a population are trained in turns; after a turn those at
 * the bottom go on from weights and optimizer of ones at the top (truncation), with parameters a step away from theirs
 * (`explore`): what comes out is a trained model and a schedule of its parameters. Each turn of a model is a trial of the
 * study, with the attributes `member`, `turn` and `parent` (the trial whose weights it went on from).
 *
 * Parameters may be what can change during training: learning rate, momentum, dropout rates, strengths of
 * regularization, batch size; not the architecture. Programs are shared as in `tuneModel`.
 * @throws ConfigError for options that do not fit, parameters that change the architecture, or where all trainings failed
 */
export function populationBasedTraining<const D extends Dimensions>(
  build: Build<SpaceValues<Space<D>>>,
  data: TrainingSource,
  space: Space<D>,
  options?: PopulationOptions,
): Promise<PopulationResult<SpaceValues<Space<D>>>>
export function populationBasedTraining<P>(
  build: Build<P>,
  data: TrainingSource,
  space: (trial: Trial) => P,
  options?: PopulationOptions,
): Promise<PopulationResult<P>>
export async function populationBasedTraining<P>(
  build: Build<P>,
  data: TrainingSource,
  space: ModelSpace<P>,
  options: PopulationOptions = {},
): Promise<PopulationResult<P>> {
  const where = 'populationBasedTraining'
  const { population, turns, epochsPerTurn, quantile, concurrency, seed, ...steps } = parseOptions(
    schema,
    options,
    where,
  )
  const { monitor = 'val_loss', signal, fitCallbacks } = options
  const read = readings([monitor], `${where}.monitor`)
  const study = await studyFor(options, [monitor], where)
  const better = sign(study.direction)
  const programs = programCache()
  let interrupted = false

  /** Begins a trial for a member: with parameters given, or as the sampler says. */
  const begin = async (params: Readonly<Record<string, ParamValue>> | null): Promise<Trial> => {
    if (params !== null) await study.enqueueTrial(params)
    return study.ask()
  }
  const made = async (trial: Trial, member: number) => {
    const context = { seed: seedOf(seed, trial.number, 0), trial, fold: null, repeat: member }
    return prepare(build, askFor(space, trial), context, programs, false)
  }
  const start = async (member: number): Promise<Worker> => {
    const trial = await begin(null)
    return { member, trial, ...(await made(trial, member)), value: Number.NaN, lineage: [] }
  }
  const goOn = async (worker: Worker): Promise<Worker> => {
    const trial = await begin(worker.trial.params)
    askFor(space, trial)
    return { ...worker, trial }
  }
  const exploit = async (loser: Worker, donor: Worker, from: Checkpoint, turn: number): Promise<Worker> => {
    const { member } = loser
    const { params, distributions } = donor.trial
    const trial = await begin(explore(params, distributions, { ...steps, seed, turn, member }))
    const { model, fit } = await made(trial, member)
    await restore(model, from)
    await loser.model.release()
    return { member, trial, model, fit, value: Number.NaN, lineage: donor.lineage }
  }

  /** Trains a member for a turn. */
  const train = async (worker: Worker, turn: number): Promise<Worker> => {
    const { member, trial, model, fit } = worker
    for (const [key, value] of Object.entries({ member, turn, parent: worker.lineage.at(-1) ?? null }))
      trial.setUserAttr(key, value)
    const context = { seed: model.seed, trial, fold: null, repeat: member }
    const settings: FitOptions = {
      verbose: 0,
      ...options.fit,
      ...fit,
      ...(signal === undefined ? {} : { signal }),
      initialEpoch: turn * epochsPerTurn,
      epochs: (turn + 1) * epochsPerTurn,
    }
    let value = Number.NaN
    settings.callbacks = [
      ...callbackList(fit.callbacks, 'fit'),
      ...callbackList(fitCallbacks?.(context), `${where}.fitCallbacks`),
      {
        onEpochEnd: async (epoch, logs) => {
          value = read(logs)[0]!
          await trial.report(value, epoch)
        },
      },
    ]
    if (settings.validationData === undefined && settings.validationSplit === undefined && !isStream(data))
      settings.validationSplit = 0.2
    const before = await captureModel(model)
    try {
      const { reason } = await model.fit(data, settings)
      if (reason === 'aborted') {
        interrupted = true
        await restore(model, before)
        await study.tell(trial, null, { state: 'FAIL' })
        return worker
      }
    } catch (error) {
      await study.tell(trial, null, { state: 'FAIL' })
      if (!(error instanceof NumericError)) throw error
      return { ...worker, value: Number.NaN }
    }
    await study.tell(trial, value)
    return { ...worker, value, lineage: [...worker.lineage, trial.number] }
  }

  /** Who stands where after a turn; failures at the end. */
  const ranked = (workers: readonly Worker[]): Worker[] =>
    [...workers].sort(
      (a, b) =>
        Number(Number.isNaN(a.value)) - Number(Number.isNaN(b.value)) ||
        better * (a.value - b.value) ||
        0 ||
        a.member - b.member,
    )

  /** The members of the next turn, in their order. */
  const select = async (workers: readonly Worker[], turn: number): Promise<Worker[]> => {
    const order = ranked(workers)
    const alive = order.filter(worker => !Number.isNaN(worker.value))
    if (alive.length === 0) throw allFailed(where)
    const cut = Math.min(quantile === 0 ? 0 : Math.max(1, Math.floor(quantile * population)), alive.length)
    const losers = new Set([...order.slice(alive.length), ...order.slice(population - cut)])
    const donors = alive.slice(0, Math.max(1, cut)).filter(worker => !losers.has(worker))
    const top = donors.length > 0 ? donors : alive.slice(0, 1)
    losers.delete(top[0]!)
    const checkpoints = new Map<Worker, Checkpoint>()
    const next: Worker[] = []
    for (const worker of workers) {
      if (!losers.has(worker)) {
        next.push(await goOn(worker))
        continue
      }
      const donor = top[counterRandom(seed, 'exploit', turn).below(worker.member, top.length)]!
      const from = checkpoints.get(donor) ?? (await captureModel(donor.model))
      checkpoints.set(donor, from)
      next.push(await exploit(worker, donor, from, turn))
    }
    return next
  }

  let workers: Worker[] = []
  for (let member = 0; member < population; member++) workers.push(await start(member))
  for (let turn = 0; turn < turns; turn++) {
    if (turn > 0) workers = await select(workers, turn)
    const left = workers.keys()
    const lane = async () => {
      for (const i of left) {
        if (interrupted || signal?.aborted) {
          interrupted = true
          await study.tell(workers[i]!.trial, null, { state: 'FAIL' })
        } else workers[i] = await train(workers[i]!, turn)
      }
    }
    await Promise.all(Array.from({ length: concurrency }, lane))
    if (interrupted) break
  }

  const trials = await study.trials()
  const members = ranked(workers).flatMap(({ member, value, model, lineage }): Member<P>[] => {
    const last = trials[lineage.at(-1) ?? -1]
    if (last === undefined || last.values === null) return []
    const trial = fixedTrial(last.params, { number: last.number })
    return [
      { member, params: askFor(space, trial), value: Number.isNaN(value) ? last.values[0]! : value, model, lineage },
    ]
  })
  if (members.length === 0) throw allFailed(where)
  members.sort((a, b) => better * (a.value - b.value))
  return { study, best: members[0]!, population: members, programs: { ...programs.counts } }
}

async function restore(model: Model, { description, tensors }: Checkpoint): Promise<void> {
  try {
    await restoreModel(model, description, tensors, 'a member of the population')
  } catch (error) {
    if (!isAnnealError(error)) throw error
    throw new ConfigError({
      code: 'population-architecture',
      where: 'populationBasedTraining',
      expected: 'parameters that leave architecture and optimizer as they are',
      received: error.message,
      hint: 'tune those with tuneModel first',
      cause: error,
    })
  }
}

const allFailed = (where: string) =>
  new ConfigError({ code: 'no-trial', where, expected: 'a model whose training did not fail', received: 'none' })
