import { ConfigError } from '../ir/index.js'
import {
  type Choice,
  categoricalDistribution,
  type Distribution,
  floatDistribution,
  intDistribution,
} from './distribution.js'
import type { Trial } from './trial.js'

/** One declared parameter: a distribution, and the type of its values. */
export interface Dimension<T extends Choice = Choice> {
  readonly distribution: Distribution
  /** For the type alone. */
  readonly type?: T
}

/** A choice that brings parameters of its own. */
export interface Branches<B extends Readonly<Record<string, Dimensions>> = Readonly<Record<string, Dimensions>>> {
  readonly branches: B
}

export type Dimensions = { readonly [name: string]: Dimension | Branches }

type Flat<T> = { [K in keyof T]: T[K] }
type ValuesOf<D> =
  D extends Dimension<infer T>
    ? T
    : D extends Branches<infer B>
      ? { [K in keyof B]: Flat<{ readonly choice: K } & Values<B[K]>> }[keyof B]
      : never
type Values<D> = { readonly [K in keyof D]: ValuesOf<D[K]> }

/** A declared search space. */
export interface Space<D extends Dimensions = Dimensions> {
  readonly dimensions: D
  /** Its values for a trial. */
  suggest(trial: Trial): unknown
}
/** The type of a space's values. */
export type SpaceValues<S> = S extends Space<infer D> ? Flat<Values<D>> : never

/** A real number in [low, high]. @throws ConfigError as trial.suggestFloat */
export const float = (low: number, high: number, options: { log?: boolean; step?: number | null } = {}) =>
  ({ distribution: floatDistribution(low, high, options, 'float') }) as Dimension<number>
/** A whole number in [low, high]. */
export const int = (low: number, high: number, options: { log?: boolean; step?: number } = {}) =>
  ({ distribution: intDistribution(low, high, options, 'int') }) as Dimension<number>
/** One of some choices. */
export const categorical = <const T extends Choice>(choices: readonly T[]) =>
  ({ distribution: categoricalDistribution(choices, 'categorical') }) as Dimension<T>
/**
 * A choice that brings parameters of its own: `oneOf({ sgd: { momentum: float(0, 1) }, adam: {} })` gives
 * `{ choice: 'sgd', momentum }` or `{ choice: 'adam' }`. In the study they are `name` and `name.sgd.momentum`.
 */
export const oneOf = <const B extends Readonly<Record<string, Dimensions>>>(branches: B): Branches<B> => ({ branches })

/**
 * A search space whose values the compiler knows:
 * `const s = space({ lr: float(1e-5, 1e-1, { log: true }), units: int(16, 256) })`, then `trial.suggestAll(s)`.
 * @throws ConfigError where it declares nothing
 */
export function space<const D extends Dimensions>(dimensions: D): Space<D> {
  if (typeof dimensions !== 'object' || dimensions === null || Object.keys(dimensions).length === 0)
    throw new ConfigError({
      code: 'empty-space',
      where: 'space',
      expected: 'one parameter or more',
      received: dimensions,
    })
  return { dimensions, suggest: trial => suggestFrom(trial, dimensions, '') }
}

function suggestFrom(trial: Trial, dimensions: Dimensions, prefix: string): Record<string, unknown> {
  const values: Record<string, unknown> = {}
  for (const [name, dimension] of Object.entries(dimensions)) {
    const path = `${prefix}${name}`
    if ('distribution' in dimension) values[name] = trial.suggest(path, dimension.distribution)
    else {
      const choice = trial.suggestCategorical(path, Object.keys(dimension.branches))
      values[name] = { choice, ...suggestFrom(trial, dimension.branches[choice]!, `${path}.${choice}.`) }
    }
  }
  return values
}
