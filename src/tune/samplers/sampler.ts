import { type CounterRandom, counterRandom } from '../../ir/index.js'
import type { Distribution, ParamValue } from '../distribution.js'
import type { Direction, FrozenTrial, TrialState } from '../frozen-trial.js'
import type { Json } from '../json.js'

/** A study as a sampler or pruner sees it when a trial begins or reports: a snapshot, without the storage. */
export interface StudyView {
  readonly name: string
  readonly directions: readonly Direction[]
  /** All trials by number, the one in question included. */
  readonly trials: readonly FrozenTrial[]
  readonly systemAttrs: Readonly<Record<string, Json>>
}

/** What a sampler works from. */
export interface SamplerContext {
  readonly study: StudyView
  /** The trial that is being given parameters. */
  readonly trial: FrozenTrial
  /** Random numbers of the sampler's seed and this trial alone, for each purpose a stream of its own. */
  random(purpose: string): CounterRandom
  setStudySystemAttr(key: string, value: Json): Promise<void>
  setTrialSystemAttr(key: string, value: Json): Promise<void>
}

export type SearchSpace = Readonly<Record<string, Distribution>>

/**
 * How trials get their parameters; Optuna's sampler. `sample` gives those of a known search space together, before the
 * objective runs; `sampleIndependent` the rest, one by one as they are asked for. Values are external ones. A sampler
 * holds no state but its options and seed: all randomness is a function of seed, trial number and purpose, so that the
 * same study goes the same way again, and workers need not agree on anything.
 */
export interface Sampler {
  readonly name: string
  readonly seed: number
  /** The parameters to give together: their names with distributions, in order. Default none. */
  searchSpace?(context: SamplerContext): SearchSpace
  sample?(
    context: SamplerContext,
    space: SearchSpace,
  ): Promise<Readonly<Record<string, ParamValue>>> | Readonly<Record<string, ParamValue>>
  sampleIndependent(context: SamplerContext, name: string, distribution: Distribution): ParamValue
  /** When a trial has begun. */
  beforeTrial?(context: SamplerContext): Promise<void> | void
  /** When a trial is about to end in a state with values. `stop` ends the study after it. */
  afterTrial?(
    context: SamplerContext,
    state: TrialState,
    values: readonly number[] | null,
    stop: () => void,
  ): Promise<void> | void
}

/** The random numbers of a sampler for one trial. */
export const trialRandom =
  (sampler: { readonly name: string; readonly seed: number }, trialNumber: number) =>
  (purpose: string): CounterRandom =>
    counterRandom(sampler.seed, sampler.name, trialNumber, purpose)

/** A seed that nobody chose: two samplers without one do not repeat each other. */
export const freshSeed = (): number => crypto.getRandomValues(new Uint32Array(1))[0]!
