import { toExternal } from '../distribution.js'
import type { FrozenTrial } from '../frozen-trial.js'
import type { TrialWrite } from './storage.js'

/** A trial with something written to it. */
export function written(trial: FrozenTrial, write: TrialWrite): FrozenTrial {
  switch (write.kind) {
    case 'param': {
      const { name, internal, distribution } = write
      return {
        ...trial,
        params: { ...trial.params, [name]: toExternal(distribution, internal) },
        internalParams: { ...trial.internalParams, [name]: internal },
        distributions: { ...trial.distributions, [name]: distribution },
      }
    }
    case 'intermediate':
      return { ...trial, intermediateValues: new Map(trial.intermediateValues).set(write.step, write.value) }
    case 'userAttr':
      return { ...trial, userAttrs: { ...trial.userAttrs, [write.key]: write.value } }
    case 'systemAttr':
      return { ...trial, systemAttrs: { ...trial.systemAttrs, [write.key]: write.value } }
  }
}
