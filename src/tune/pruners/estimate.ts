import type { StudyView } from '../samplers/sampler.js'
import type { PrunerContext } from './pruner.js'

/** What an attribute of the study remembers of an estimate; null where there is none yet. */
export function remembered(study: StudyView, key: string): number | null {
  const value = study.systemAttrs[key]
  return typeof value === 'number' ? value : null
}

/** An estimate that is made once for a study: the remembered one, or a new one, which is then remembered. */
export async function recalled(
  study: StudyView,
  key: string,
  estimate: (study: StudyView) => number | null,
  set: PrunerContext['setStudySystemAttr'],
): Promise<number | null> {
  const known = remembered(study, key)
  if (known !== null) return known
  const value = estimate(study)
  if (value !== null) await set(key, value)
  return value
}
