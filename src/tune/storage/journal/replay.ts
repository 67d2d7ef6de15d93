import { checkCompatible, type Distribution, distributionFromJson } from '../../distribution.js'
import { type FrozenTrial, isFinished } from '../../frozen-trial.js'
import type { StudyRecord, TrialWrite } from '../storage.js'
import { written } from '../written.js'
import { createdTrial, DIRECTIONS, field, OP, type Operation } from './operations.js'

export interface JournalStudy {
  record: StudyRecord
  /** By number. */
  readonly trials: FrozenTrial[]
  readonly distributions: Map<string, Distribution>
}

/** What a journal's operations have led to. */
export interface Replay {
  readonly studies: ReadonlyMap<number, JournalStudy>
  /** Where a trial is. */
  find(trialId: number): { readonly study: JournalStudy; readonly trial: FrozenTrial } | null
  /**
   * Applies an operation. One that comes too late (its trial has ended, its study is gone, the name is taken) is void, as
   * for every other reader of the journal.
   */
  apply(operation: Operation): void
  /** The ids that the next study and trial get. */
  next(): { readonly study: number; readonly trial: number }
}

export function replay(): Replay {
  const studies = new Map<number, JournalStudy>()
  /** For each trial id, of studies that are gone too, its study and number. */
  const places: { readonly study: number; readonly number: number }[] = []
  let nextStudy = 0
  const find = (trialId: number) => {
    const place = places[trialId]
    const study = place === undefined ? undefined : studies.get(place.study)
    return place === undefined || study === undefined ? null : { study, trial: study.trials[place.number]! }
  }
  const change = (op: Operation, f: (trial: FrozenTrial, study: JournalStudy) => FrozenTrial | null): void => {
    const found = find(field.number(op, 'trial_id'))
    if (found === null || isFinished(found.trial.state)) return
    const { study, trial } = found
    study.trials[trial.number] = f(trial, study) ?? trial
  }
  const attrs = (op: Operation, key: 'user_attr' | 'system_attr'): readonly TrialWrite[] =>
    Object.entries(field.record(op, key)).map(([name, value]) => ({
      kind: key === 'user_attr' ? 'userAttr' : 'systemAttr',
      key: name,
      value,
    }))
  const know = (study: JournalStudy, distributions: FrozenTrial['distributions']): void => {
    for (const [name, distribution] of Object.entries(distributions))
      if (!study.distributions.has(name)) study.distributions.set(name, distribution)
  }
  return {
    studies,
    find,
    next: () => ({ study: nextStudy, trial: places.length }),
    apply: op => {
      switch (op.op_code) {
        case OP.createStudy: {
          const name = field.text(op, 'study_name')
          for (const { record } of studies.values()) if (record.name === name) return
          const codes = field.numbers(op, 'directions') ?? []
          const directions = codes.map(code => DIRECTIONS[code] ?? field.bad(op, 'directions', '1 or 2'))
          const id = nextStudy++
          studies.set(id, {
            record: { id, name, directions, userAttrs: {}, systemAttrs: {} },
            trials: [],
            distributions: new Map(),
          })
          return
        }
        case OP.deleteStudy:
          studies.delete(field.number(op, 'study_id'))
          return
        case OP.studyUserAttr:
        case OP.studySystemAttr: {
          const study = studies.get(field.number(op, 'study_id'))
          if (study === undefined) return
          const { record } = study
          study.record =
            op.op_code === OP.studyUserAttr
              ? { ...record, userAttrs: { ...record.userAttrs, ...field.record(op, 'user_attr') } }
              : { ...record, systemAttrs: { ...record.systemAttrs, ...field.record(op, 'system_attr') } }
          return
        }
        case OP.createTrial: {
          const studyId = field.number(op, 'study_id')
          const study = studies.get(studyId)
          if (study === undefined) return
          const trial = createdTrial(op, places.length, study.trials.length)
          places.push({ study: studyId, number: trial.number })
          study.trials.push(trial)
          know(study, trial.distributions)
          return
        }
        case OP.param:
          change(op, (trial, study) => {
            const name = field.text(op, 'param_name')
            const distribution = distributionFromJson(field.text(op, 'distribution'))
            const before = study.distributions.get(name)
            if (before !== undefined && !compatible(before, distribution, name)) return null
            study.distributions.set(name, before ?? distribution)
            const internal = field.number(op, 'param_value_internal')
            return written(trial, { kind: 'param', name, internal, distribution })
          })
          return
        case OP.state:
          change(op, trial => {
            const state = field.state(op, 'state')
            if (state === 'RUNNING' && trial.state === 'RUNNING') return null
            return {
              ...trial,
              state,
              values: field.numbers(op, 'values') ?? trial.values,
              start: state === 'RUNNING' ? field.date(op, 'datetime_start') : trial.start,
              complete: isFinished(state) ? field.date(op, 'datetime_complete') : trial.complete,
            }
          })
          return
        case OP.intermediate:
          change(op, trial =>
            written(trial, {
              kind: 'intermediate',
              step: field.number(op, 'step'),
              value: field.number(op, 'intermediate_value'),
            }),
          )
          return
        case OP.userAttr:
          change(op, trial => attrs(op, 'user_attr').reduce(written, trial))
          return
        case OP.systemAttr:
          change(op, trial => attrs(op, 'system_attr').reduce(written, trial))
          return
        case 10: // trials set aside by another tool; Optuna reads on
          return
        default:
          field.bad(op, 'op_code', 'an operation from 0 to 9: a newer Optuna may have written this journal')
      }
    },
  }
}

function compatible(before: Distribution, now: Distribution, name: string): boolean {
  try {
    checkCompatible(before, now, name)
    return true
  } catch {
    return false
  }
}
