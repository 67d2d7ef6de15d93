import { ConfigError } from '../ir/index.js'
import type { ParamValue } from './distribution.js'
import type { Direction } from './frozen-trial.js'
import { trialRandom } from './samplers/sampler.js'
import { freshTrial } from './storage/memory.js'
import { Trial } from './trial.js'

/**
 * A trial without a study whose parameters are given: to run an objective once more, or by hand; Optuna's FixedTrial.
 * Reports go nowhere, and nothing prunes it.
 * @throws ConfigError when a parameter is asked for that was not given
 */
export function fixedTrial(
  params: Readonly<Record<string, ParamValue>>,
  { number = 0, directions = ['minimize'] }: { number?: number; directions?: readonly Direction[] } = {},
): Trial {
  const start = { ...freshTrial(), id: -1, number, systemAttrs: { fixed_params: { ...params } } }
  const nothing = async () => {}
  return new Trial(start, {
    context: {
      study: { name: 'fixed', directions, trials: [start], systemAttrs: {} },
      trial: start,
      random: trialRandom({ name: 'fixed', seed: 0 }, number),
      setStudySystemAttr: nothing,
      setTrialSystemAttr: nothing,
    },
    given: {},
    known: new Map(),
    explored: null,
    sampleIndependent: name => {
      throw new ConfigError({
        code: 'no-value',
        where: `fixedTrial: ${name}`,
        expected: `a value among ${Object.keys(params).join(', ') || 'those given: none'}`,
        received: 'none',
      })
    },
    write: () => {},
    flushed: nothing,
    shouldPrune: async () => false,
  })
}
