import { ConfigError } from '../ir/index.js'
import { CONSTRAINTS } from './constraints.js'
import {
  type Choice,
  categoricalDistribution,
  checkCompatible,
  contains,
  type Distribution,
  floatDistribution,
  intDistribution,
  isSingle,
  type ParamValue,
  toExternal,
  toInternal,
} from './distribution.js'
import { freeAnswer, type Question, take } from './explored.js'
import { type FrozenTrial, lastStep } from './frozen-trial.js'
import type { Json } from './json.js'
import { REPORTS, vectorAt } from './pruners/reports.js'
import type { SamplerContext } from './samplers/sampler.js'
import type { Space, SpaceValues } from './space.js'
import type { TrialWrite } from './storage/storage.js'

/** Thrown by an objective whose trial should end as PRUNED. */
export class TrialPruned extends Error {
  override readonly name = 'TrialPruned'
  constructor(message = 'pruned') {
    super(message)
  }
}

/** What a trial needs of its study. */
export interface TrialHome {
  readonly context: SamplerContext
  /** Parameters given together when the trial began. */
  readonly given: Readonly<Record<string, ParamValue>>
  /** For each name the distribution the study knows it by. */
  readonly known: ReadonlyMap<string, Distribution>
  /** Combinations that have been taken; null where repeating them is wanted. */
  readonly explored: Question | null
  sampleIndependent(name: string, distribution: Distribution): ParamValue
  /** Puts a write in line; writes of a trial happen in order. */
  write(write: TrialWrite): void
  /** When all writes so far are done. @throws what the first one that failed threw */
  flushed(): Promise<void>
  shouldPrune(): Promise<boolean>
}

/**
 * A running trial: asks for parameters, reports on the way. Values are there at once; they are written to the storage
 * together, in order, at the next turn of the event loop, and `report`, `shouldPrune` and the end of the trial wait for it.
 */
export class Trial {
  readonly id: number
  readonly number: number
  readonly #home: TrialHome
  readonly #params = new Map<string, { value: ParamValue; distribution: Distribution }>()
  readonly #reported = new Map<number, number>()
  readonly #vectors: Record<number, readonly number[]> = {}
  readonly #userAttrs: Record<string, Json>
  readonly #constraints = new Set<string>()
  #at: Question | null

  constructor(start: FrozenTrial, home: TrialHome) {
    this.id = start.id
    this.number = start.number
    this.#home = home
    this.#at = home.explored
    this.#userAttrs = { ...start.userAttrs }
    for (const [name, distribution] of Object.entries(start.distributions))
      this.#params.set(name, { value: start.params[name]!, distribution })
    for (const [name, internal] of Object.entries(start.internalParams))
      this.#at = take(this.#at, name, start.distributions[name]!, internal)
    for (const [step, value] of start.intermediateValues) {
      this.#reported.set(step, value)
      const vector = vectorAt(start, step)
      if (vector !== null) this.#vectors[step] = vector
    }
  }

  /** Parameters given so far. */
  get params(): Readonly<Record<string, ParamValue>> {
    return Object.fromEntries([...this.#params].map(([name, { value }]) => [name, value]))
  }

  get distributions(): Readonly<Record<string, Distribution>> {
    return Object.fromEntries([...this.#params].map(([name, { distribution }]) => [name, distribution]))
  }

  get userAttrs(): Readonly<Record<string, Json>> {
    return { ...this.#userAttrs }
  }

  get systemAttrs(): Readonly<Record<string, Json>> {
    return this.#home.context.trial.systemAttrs
  }

  /**
   * A real number in [low, high]; `log` for what ranges over magnitudes (learning rates), `step` for a grid.
   * @throws ConfigError for an empty or reversed range, log with low ≤ 0, log with step, another kind under this name
   */
  suggestFloat(name: string, low: number, high: number, options: { log?: boolean; step?: number | null } = {}): number {
    return this.suggest(name, floatDistribution(low, high, options, `suggestFloat(${name})`)) as number // a float's value
  }

  /** A whole number in [low, high], every `step`-th. @throws as suggestFloat */
  suggestInt(name: string, low: number, high: number, options: { log?: boolean; step?: number } = {}): number {
    return this.suggest(name, intDistribution(low, high, options, `suggestInt(${name})`)) as number // an int's value
  }

  /** One of some choices. @throws ConfigError for none, or other choices than before under this name */
  suggestCategorical<const T extends Choice>(name: string, choices: readonly T[]): T {
    return this.suggest(name, categoricalDistribution(choices, `suggestCategorical(${name})`)) as T // one of the choices
  }

  /** All parameters of a declared space, with the types it says. */
  suggestAll<S extends Space>(space: S): SpaceValues<S> {
    return space.suggest(this) as SpaceValues<S> // the space gives what its type says
  }

  /** A value of any distribution. Asked again under the same name it is the same value. */
  suggest(name: string, distribution: Distribution): ParamValue {
    if (typeof name !== 'string' || name === '')
      throw new ConfigError({ code: 'bad-name', where: 'suggest', expected: 'a name', received: name })
    const before = this.#params.get(name)
    if (before !== undefined) {
      checkCompatible(before.distribution, distribution, name)
      return before.value
    }
    const known = this.#home.known.get(name)
    if (known !== undefined) checkCompatible(known, distribution, name)
    const value = this.#choose(name, distribution)
    const internal = toInternal(distribution, value)
    this.#at = take(this.#at, name, distribution, internal)
    this.#params.set(name, { value, distribution })
    this.#home.write({ kind: 'param', name, internal, distribution })
    return value
  }

  #choose(name: string, distribution: Distribution): ParamValue {
    const { fixed_params: fixed } = this.systemAttrs
    if (typeof fixed === 'object' && fixed !== null && !Array.isArray(fixed) && Object.hasOwn(fixed, name)) {
      // A queued trial's value counts even outside the range, as in Optuna; a choice must be one.
      const value = (fixed as Readonly<Record<string, Json>>)[name] as ParamValue
      if (!Number.isNaN(toInternal(distribution, value))) return value
      throw new ConfigError({
        code: 'bad-fixed-value',
        where: `enqueued parameter ${name}`,
        expected: distribution,
        received: value,
      })
    }
    if (isSingle(distribution))
      return toExternal(distribution, distribution.type === 'categorical' ? 0 : distribution.low)
    const given = this.#home.given[name]
    const proposed =
      given !== undefined && contains(distribution, toInternal(distribution, given))
        ? given
        : this.#home.sampleIndependent(name, distribution)
    // No combination twice where others are left.
    const asked = this.#at?.name === name ? this.#at : null
    return toExternal(distribution, freeAnswer(asked, distribution, toInternal(distribution, proposed)))
  }

  /**
   * Tells how the trial does at a step: 0, 1, … A step told twice keeps its first value, as in Optuna. In a study with
   * several objectives it may be one value for each, which pruners compare by dominance; Optuna reads the first.
   * @throws ConfigError for a value that is no number, values of the wrong count, or a step that is no whole number ≥ 0
   */
  async report(value: number | readonly number[], step: number): Promise<void> {
    const objectives = this.#home.context.study.directions.length
    const values = typeof value === 'number' ? [value] : value
    if (!Array.isArray(values) || !values.every(x => typeof x === 'number'))
      throw new ConfigError({ code: 'bad-report', where: 'trial.report', expected: 'a number', received: value })
    if (typeof value !== 'number' && values.length !== objectives)
      throw new ConfigError({
        code: 'bad-report',
        where: 'trial.report',
        expected: `${objectives} values, one for each objective`,
        received: value,
      })
    if (!Number.isInteger(step) || step < 0)
      throw new ConfigError({ code: 'bad-report', where: 'trial.report', expected: 'a step ≥ 0', received: step })
    if (this.#reported.has(step)) return
    this.#reported.set(step, values[0]!)
    if (values.length > 1) this.#vectors[step] = [...values]
    // A trial that repeats another one begins with what that reported.
    if (values.length > 1 || (this.#reported.size === 1 && REPORTS in this.systemAttrs)) {
      // Before the value: who sees that sees these.
      this.setSystemAttr(REPORTS, { ...this.#vectors })
    }
    this.#home.write({ kind: 'intermediate', step, value: values[0]! })
    await this.#home.flushed()
  }

  /** Whether the pruner thinks the trial is not worth going on with; then `throw new TrialPruned()`. */
  async shouldPrune(): Promise<boolean> {
    await this.#home.flushed()
    return this.#home.shouldPrune()
  }

  /** Reports, and ends the trial by TrialPruned where the pruner says so. */
  async reportOrPrune(value: number | readonly number[], step: number): Promise<void> {
    await this.report(value, step)
    if (await this.shouldPrune()) throw new TrialPruned(`pruned at step ${step}`)
  }

  /** Keeps something with the trial: any JSON. */
  setUserAttr(key: string, value: Json): void {
    this.#userAttrs[key] = value
    this.#home.write({ kind: 'userAttr', key, value })
  }

  /**
   * Says how far the trial is from keeping a constraint: kept where `value` is at most 0. The first value of a name counts.
   * @throws ConfigError for NaN
   */
  setConstraint(name: string, value: number): void {
    if (typeof value !== 'number' || Number.isNaN(value))
      throw new ConfigError({
        code: 'bad-constraint',
        where: `constraint ${name}`,
        expected: 'a number',
        received: value,
      })
    if (this.#constraints.has(name)) return
    this.#constraints.add(name)
    this.setSystemAttr(`${CONSTRAINTS}:${name}`, value)
  }

  setSystemAttr(key: string, value: Json): void {
    this.#home.write({ kind: 'systemAttr', key, value })
  }

  /** When everything so far is in the storage. */
  flushed(): Promise<void> {
    return this.#home.flushed()
  }

  /** The last reported value; null where there is none. For a pruned trial it is the result. */
  lastReport(): number | null {
    const step = lastStep({ intermediateValues: this.#reported })
    return step === null ? null : this.#reported.get(step)!
  }
}
