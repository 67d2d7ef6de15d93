import { ConfigError } from '../ir/index.js'
import { isFeasible } from './constraints.js'
import { type Distribution, type ParamValue, sameChoice, toInternal } from './distribution.js'
import { type Explored, explored } from './explored.js'
import { type Direction, type FrozenTrial, isFinished, lastStep, type TrialState } from './frozen-trial.js'
import type { HeartbeatOptions } from './heartbeat.js'
import type { StudyReportOptions } from './insight/study-report.js'
import type { Json } from './json.js'
import {
  checkOptimize,
  makeTrials,
  type Objective,
  type OptimizeOptions,
  type RunningTrial,
  type StudyParts,
} from './optimize.js'
import { paretoFront, sign } from './pareto.js'
import type { Pruner, PrunerContext } from './pruners/pruner.js'
import { type Sampler, type SamplerContext, type StudyView, trialRandom } from './samplers/sampler.js'
import { freshTrial } from './storage/memory.js'
import { unknownTrial } from './storage/refusals.js'
import type { Begun, Snapshot, Storage, TrialWrite } from './storage/storage.js'
import { Trial } from './trial.js'
import { trialWrites } from './trial-writes.js'
import { checkValues, listOf, valuesProblem } from './values.js'

export interface StudyOptions {
  readonly storage: Storage
  readonly id: number
  readonly name: string
  readonly directions: readonly Direction[]
  readonly sampler: Sampler
  readonly pruner: Pruner
  readonly heartbeat: HeartbeatOptions | null
}

/** A search over trials: ask and tell, or optimize. Made by `createStudy` and `loadStudy`. */
export class Study {
  readonly id: number
  readonly name: string
  readonly directions: readonly Direction[]
  readonly storage: Storage
  readonly sampler: Sampler
  readonly pruner: Pruner
  readonly #heartbeat: HeartbeatOptions | null
  readonly #running = new Map<number, RunningTrial>()
  /** For each name the distribution the study knows it by, from the trials below `#scanned`, which have all ended. */
  readonly #known = new Map<string, Distribution>()
  #scanned = 0
  /** Combinations taken by trials. */
  readonly #explored: Explored = explored()
  #stopped = false
  #optimizing = false

  constructor({ storage, id, name, directions, sampler, pruner, heartbeat }: StudyOptions) {
    this.storage = storage
    this.id = id
    this.name = name
    this.directions = directions
    this.sampler = sampler
    this.pruner = pruner
    this.#heartbeat = heartbeat
  }

  /** The direction of a study with one objective. @throws ConfigError where there are several */
  get direction(): Direction {
    this.#single('direction')
    return this.directions[0]!
  }

  trials(states?: readonly TrialState[]): Promise<readonly FrozenTrial[]> {
    const all = this.storage.trials(this.id)
    return states === undefined ? all : all.then(trials => trials.filter(trial => states.includes(trial.state)))
  }

  /** The complete, feasible trial with the best value. @throws ConfigError where there is none, or several objectives */
  async bestTrial(): Promise<FrozenTrial> {
    this.#single('bestTrial')
    const better = sign(this.directions[0]!)
    const complete = (await this.trials(['COMPLETE'])).filter(trial => isFeasible(trial) && trial.values !== null)
    const best = complete.reduce<FrozenTrial | null>(
      (a, b) => (a === null || better * b.values![0]! < better * a.values![0]! ? b : a),
      null,
    )
    if (best === null)
      throw new ConfigError({
        code: 'no-trial',
        where: `study ${this.name}`,
        expected: 'a complete trial that keeps the constraints',
        received: 'none yet',
      })
    return best
  }
  async bestValue(): Promise<number> {
    return (await this.bestTrial()).values![0]!
  }
  async bestParams(): Promise<Readonly<Record<string, ParamValue>>> {
    return (await this.bestTrial()).params
  }
  /** The complete, feasible trials that no other one beats in every objective: the Pareto front. */
  async bestTrials(): Promise<readonly FrozenTrial[]> {
    return paretoFront((await this.trials(['COMPLETE'])).filter(isFeasible), this.directions)
  }

  async userAttrs(): Promise<Readonly<Record<string, Json>>> {
    return (await this.storage.study(this.id)).userAttrs
  }
  async systemAttrs(): Promise<Readonly<Record<string, Json>>> {
    return (await this.storage.study(this.id)).systemAttrs
  }
  setUserAttr(key: string, value: Json): Promise<void> {
    return this.storage.setStudyUserAttr(this.id, key, value)
  }
  /** Names of the objectives, for reports and the dashboard. */
  async setMetricNames(names: readonly string[]): Promise<void> {
    if (names.length !== this.directions.length)
      throw new ConfigError({
        code: 'metric-names',
        where: `study ${this.name}`,
        expected: `${this.directions.length} names`,
        received: names,
      })
    await this.storage.setStudySystemAttr(this.id, 'study:metric_names', [...names])
  }

  /**
   * Puts a trial with these parameters in line; those left out are sampled.
   * @param options skipIfExists: not where a trial with the same parameters is there already
   */
  async enqueueTrial(
    params: Readonly<Record<string, ParamValue>>,
    {
      userAttrs = {},
      skipIfExists = false,
    }: { userAttrs?: Readonly<Record<string, Json>>; skipIfExists?: boolean } = {},
  ): Promise<void> {
    if (skipIfExists && (await this.trials()).some(trial => sameParams(paramsOf(trial), params))) return
    await this.storage.createTrial(this.id, {
      ...freshTrial(),
      state: 'WAITING',
      start: null,
      userAttrs,
      systemAttrs: { fixed_params: { ...params } },
    })
  }

  /** Adds a trial that was made elsewhere. */
  async addTrial(trial: Partial<FrozenTrial> & Pick<FrozenTrial, 'state'>): Promise<number> {
    const values = trial.values ?? null
    if (trial.state === 'COMPLETE') checkValues(values, this.directions.length, 'study.addTrial')
    const internalParams = Object.fromEntries(
      Object.entries(trial.params ?? {}).map(([name, value]) => {
        const distribution = trial.distributions?.[name]
        if (distribution === undefined)
          throw new ConfigError({ code: 'no-distribution', where: name, expected: 'a distribution', received: 'none' })
        return [name, toInternal(distribution, value)]
      }),
    )
    const complete = isFinished(trial.state) ? (trial.complete ?? new Date()) : null
    return (await this.storage.createTrial(this.id, { ...freshTrial(), ...trial, values, internalParams, complete }))
      .number
  }

  /** Begins a trial: one that waits in line, or a new one. `distributions` are asked for at once. */
  async ask(distributions: Readonly<Record<string, Distribution>> = {}): Promise<Trial> {
    const trial = await this.#ask(null)
    for (const [name, distribution] of Object.entries(distributions)) trial.suggest(name, distribution)
    await trial.flushed()
    return trial
  }

  async #ask(limit: number | null): Promise<Trial> {
    const beat = this.#heartbeat !== null
    return this.#begin(await this.storage.beginTrial(this.id, limit === null ? { beat } : { beat, limit }))
  }

  async #begin({ trial: start, ...snapshot }: Begun): Promise<Trial> {
    const { storage, id } = this
    const view = this.#viewOf(snapshot)
    const trials = this.pruner.filterTrials?.(view, start) ?? view.trials
    const context: SamplerContext = {
      study: { ...view, trials },
      trial: start,
      random: trialRandom(this.sampler, start.number),
      setStudySystemAttr: (key, value) => storage.setStudySystemAttr(id, key, value),
      setTrialSystemAttr: (key, value) => storage.setTrialSystemAttr(start.id, key, value),
    }
    const given = await this.#sampled(context).catch(async (error: unknown) => {
      // Nobody will run a trial that has no parameters.
      await storage.finishTrial(start.id, 'FAIL', null)
      throw error
    })
    const writes = trialWrites(storage, start.id)
    const trial = new Trial(start, {
      context,
      given,
      known: this.#knownDistributions(view.trials),
      explored: this.#explored.root,
      sampleIndependent: (name, distribution) => this.sampler.sampleIndependent(context, name, distribution),
      write: writes.write,
      flushed: writes.flushed,
      shouldPrune: async () => {
        const study = await this.snapshot()
        const prunerContext: PrunerContext = {
          study,
          trial: study.trials.find(t => t.id === start.id) ?? (await storage.trial(start.id)),
          setStudySystemAttr: context.setStudySystemAttr,
          setTrialSystemAttr: context.setTrialSystemAttr,
        }
        return this.pruner.prune(prunerContext)
      },
    })
    this.#running.set(start.id, { trial, writes })
    return trial
  }

  /** The parameters the sampler gives together. */
  async #sampled(context: SamplerContext): Promise<Readonly<Record<string, ParamValue>>> {
    await this.sampler.beforeTrial?.(context)
    const space = this.sampler.searchSpace?.(context) ?? {}
    return Object.keys(space).length === 0 ? {} : ((await this.sampler.sample?.(context, space)) ?? {})
  }

  #knownDistributions(trials: readonly FrozenTrial[]): ReadonlyMap<string, Distribution> {
    for (let i = this.#scanned; i < trials.length; i++) {
      const trial = trials[i]!
      for (const [name, distribution] of Object.entries(trial.distributions))
        if (!this.#known.has(name)) this.#known.set(name, distribution)
      this.#explored.add(trial)
      if (i === this.#scanned && isFinished(trial.state)) this.#scanned++
    }
    return this.#known
  }

  /** The study as it stands now: a record of its trials, directions and attributes. */
  async snapshot(): Promise<StudyView> {
    return this.#viewOf(await this.storage.snapshot(this.id))
  }
  #viewOf({ study, trials }: Snapshot): StudyView {
    return { name: this.name, directions: this.directions, trials, systemAttrs: study.systemAttrs }
  }

  /**
   * Ends a trial. Without a state it is COMPLETE where there are fit values; values that are NaN or of the wrong count
   * make it FAIL, as in Optuna. PRUNED takes the last report as its value.
   * @throws ConfigError for a trial that is not there or ended before (unless `skipIfFinished`), or values beside FAIL or PRUNED
   */
  async tell(
    trial: Trial | number,
    values?: number | readonly number[] | null,
    { state, skipIfFinished = false }: { state?: 'COMPLETE' | 'PRUNED' | 'FAIL'; skipIfFinished?: boolean } = {},
  ): Promise<FrozenTrial> {
    const trialId = typeof trial === 'number' ? await this.#idOf(trial) : trial.id
    const running = this.#running.get(trialId)
    // What this process runs, it knows; unless others are to be told of it, it need not be read again.
    const known = running !== undefined && !skipIfFinished && this.sampler.afterTrial === undefined
    if (!known) await running?.writes.flushed()
    const now = known ? null : await this.storage.trial(trialId)
    if (now !== null && isFinished(now.state) && skipIfFinished) return now
    const list = listOf(values)
    if ((state === 'FAIL' || state === 'PRUNED') && list !== null)
      throw new ConfigError({ code: 'values-of-failure', where: 'study.tell', expected: 'no values', received: list })
    if (state === 'COMPLETE') checkValues(list, this.directions.length, 'study.tell')
    const fits = valuesProblem(list, this.directions.length) === null
    const end = state ?? (fits ? 'COMPLETE' : 'FAIL')
    const reported = (now === null ? running!.trial.lastReport() : lastReport(now)) ?? Number.NaN
    const result =
      end === 'COMPLETE'
        ? list
        : end === 'PRUNED' && !Number.isNaN(reported) && this.directions.length === 1
          ? [reported]
          : null
    if (now !== null) return this.#end(now, end, result)
    this.#running.delete(trialId)
    return this.storage.finishTrial(trialId, end, result, await running!.writes.take())
  }

  async #end(
    trial: FrozenTrial,
    state: TrialState,
    values: readonly number[] | null,
    writes: readonly TrialWrite[] = [],
  ): Promise<FrozenTrial> {
    this.#running.delete(trial.id)
    if (this.sampler.afterTrial !== undefined) {
      const context: SamplerContext = {
        study: await this.snapshot(),
        trial,
        random: trialRandom(this.sampler, trial.number),
        setStudySystemAttr: (key, value) => this.storage.setStudySystemAttr(this.id, key, value),
        setTrialSystemAttr: (key, value) => this.storage.setTrialSystemAttr(trial.id, key, value),
      }
      await this.sampler.afterTrial(context, state, values, () => this.stop())
    }
    return this.storage.finishTrial(trial.id, state, values, writes)
  }

  async #idOf(number: number): Promise<number> {
    const trial = (await this.trials()).find(t => t.number === number)
    if (trial === undefined) throw unknownTrial(number)
    return trial.id
  }

  /**
   * Everything there is to see of the study as one HTML file that needs nothing else.
   * @throws DataError where it cannot be written
   */
  async report(path: string, options: StudyReportOptions = {}): Promise<void> {
    // Loaded on use: charts are large, and the pictures' models build on samplers.
    const [{ studyReport }, { reportHtml }, { writeFileAtomic }] = await Promise.all([
      import('./insight/study-report.js'),
      import('../report/index.js'),
      import('../train/write.js'),
    ])
    await writeFileAtomic(path, await reportHtml(await studyReport(this, options)))
  }

  /** Ends `optimize` after the trials that run. From callbacks and objectives. */
  stop(): void {
    this.#stopped = true
  }

  /**
   * Makes trials: asks, runs the objective, tells, until trials, timeout, `stop()` or the signal.
   * @throws what the objective threw, its trial having been told FAIL, unless `catch` says otherwise
   */
  async optimize(objective: Objective, options: OptimizeOptions = {}): Promise<void> {
    checkOptimize(options)
    if (this.#optimizing)
      throw new ConfigError({
        code: 'nested-optimize',
        where: `study ${this.name}`,
        expected: 'one optimize at a time',
        received: 'another one',
        hint: 'use concurrency for trials side by side',
      })
    this.#optimizing = true
    this.#stopped = false
    const parts: StudyParts = {
      study: this,
      heartbeat: this.#heartbeat,
      running: this.#running,
      isStopped: () => this.#stopped,
      ask: limit => this.#ask(limit),
      begin: begun => this.#begin(begun),
      end: (trial, state, values, writes) => this.#end(trial, state, values, writes),
    }
    try {
      await makeTrials(parts, objective, options)
    } finally {
      this.#optimizing = false
    }
  }

  #single(what: string): void {
    if (this.directions.length !== 1)
      throw new ConfigError({
        code: 'several-objectives',
        where: `study.${what}`,
        expected: 'a study with one objective',
        received: `${this.directions.length} objectives`,
        hint: 'bestTrials() gives the Pareto front',
      })
  }
}

const lastReport = (trial: FrozenTrial): number | null => {
  const step = lastStep(trial)
  return step === null ? null : trial.intermediateValues.get(step)!
}

const paramsOf = (trial: FrozenTrial): Readonly<Record<string, unknown>> =>
  (trial.systemAttrs.fixed_params as Readonly<Record<string, unknown>> | undefined) ?? trial.params
const sameParams = (a: Readonly<Record<string, unknown>>, b: Readonly<Record<string, ParamValue>>): boolean =>
  Object.keys(a).length === Object.keys(b).length &&
  Object.entries(b).every(([name, value]) => name in a && sameChoice(a[name] as ParamValue, value))
