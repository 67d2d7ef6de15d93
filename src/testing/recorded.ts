import { distributionFromJson, type ParamValue, toInternal } from '../tune/distribution.js'
import type { FrozenTrial } from '../tune/frozen-trial.js'
import { freshTrial } from '../tune/storage/memory.js'

/** A complete trial as figures keep it: `distributions` in Optuna's JSON. */
export interface RecordedTrial {
  readonly values: readonly number[]
  readonly params: Readonly<Record<string, ParamValue>>
  readonly distributions: Readonly<Record<string, string>>
  readonly systemAttrs?: FrozenTrial['systemAttrs']
}

/** Recorded trials as a study gives them, numbered from 0. */
export const frozenTrials = (trials: readonly RecordedTrial[]): FrozenTrial[] =>
  trials.map(({ values, params, distributions, systemAttrs = {} }, number) => {
    const known = Object.fromEntries(Object.entries(distributions).map(([k, d]) => [k, distributionFromJson(d)]))
    const internalParams = Object.fromEntries(Object.entries(params).map(([k, v]) => [k, toInternal(known[k]!, v)]))
    return {
      ...freshTrial(),
      id: number,
      number,
      state: 'COMPLETE',
      values,
      params,
      internalParams,
      distributions: known,
      systemAttrs,
    }
  })
