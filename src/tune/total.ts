import type { StudyRecord } from './storage/storage.js'

/** The study's attribute that says how many trials it is to have in all. */
export const TOTAL = 'anneal:trials'

/** How many trials a study is to have; null where nobody said. */
export const totalOf = (study: Pick<StudyRecord, 'systemAttrs'>): number | null => {
  const total = study.systemAttrs[TOTAL]
  return typeof total === 'number' && total >= 1 ? total : null
}
