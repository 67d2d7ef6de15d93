import { type HyperbandOptions, hyperband } from './pruners/hyperband.js'
import type { Pruner } from './pruners/pruner.js'
import type { Sampler } from './samplers/sampler.js'
import { type TpeOptions, tpe } from './samplers/tpe/index.js'

/**
 * BOHB (Falkner, Klein, Hutter 2018): TPE that learns within the brackets of Hyperband, all parameters modelled together.
 * `createStudy({ ...bohb({ seed: 1, hyperband: { maxResource: 27 } }) })`.
 * @throws ConfigError for options out of range
 */
export function bohb({ hyperband: halving = {}, ...sampling }: TpeOptions & { hyperband?: HyperbandOptions } = {}): {
  readonly sampler: Sampler
  readonly pruner: Pruner
} {
  return { sampler: tpe({ multivariate: true, ...sampling }), pruner: hyperband(halving) }
}
