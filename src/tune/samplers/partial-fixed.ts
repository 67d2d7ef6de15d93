import { ConfigError } from '../../ir/index.js'
import { contains, type ParamValue, toInternal } from '../distribution.js'
import type { Sampler, SearchSpace } from './sampler.js'

/**
 * Some parameters are given, the others come from another sampler: to look around a point.
 * @throws ConfigError from `suggest` for a given value that its distribution does not hold
 */
export const partialFixed = (fixed: Readonly<Record<string, ParamValue>>, base: Sampler): Sampler => {
  const free = (space: SearchSpace): SearchSpace =>
    Object.fromEntries(Object.entries(space).filter(([name]) => !Object.hasOwn(fixed, name)))
  return {
    ...base,
    searchSpace: context => free(base.searchSpace?.(context) ?? {}),
    sampleIndependent: (context, name, distribution) => {
      if (!Object.hasOwn(fixed, name)) return base.sampleIndependent(context, name, distribution)
      const value = fixed[name]!
      if (contains(distribution, toInternal(distribution, value))) return value
      throw new ConfigError({
        code: 'bad-fixed-value',
        where: `parameter ${name}`,
        expected: distribution,
        received: value,
      })
    },
  }
}
