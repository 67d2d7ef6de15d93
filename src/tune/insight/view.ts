import type { FrozenTrial } from '../frozen-trial.js'
import type { StudyView } from '../samplers/sampler.js'

/** What can be looked at: a study, a snapshot of one, or trials to be minimized. */
export type Studied = { snapshot(): Promise<StudyView> } | StudyView | readonly FrozenTrial[]

export const viewOf = async (studied: Studied): Promise<StudyView> =>
  'snapshot' in studied
    ? studied.snapshot()
    : 'directions' in studied
      ? studied
      : {
          name: 'trials',
          directions: Array.from({ length: Math.max(...studied.map(t => t.values?.length ?? 1), 1) }, () => 'minimize'),
          trials: studied,
          systemAttrs: {},
        }
