import { type FrozenTrial, isFinished, type TrialState } from '../../frozen-trial.js'
import { freshTrial } from '../memory.js'
import {
  checkKnown,
  checkName,
  checkResult,
  checkWrites,
  duplicateStudy,
  finishedTrial,
  trialLimit,
  unknownStudy,
  unknownTrial,
} from '../refusals.js'
import { type Storage, singleWrites, type TrialTemplate, type TrialWrite } from '../storage.js'
import { journalFile } from './file.js'
import { type LockOptions, withLock } from './lock.js'
import { createOperation, directionCode, OP, type Operation, stateOperation, writeOperation } from './operations.js'
import { type JournalStudy, replay } from './replay.js'

/** Signs of life, for which Optuna's journal has no operation; Python keeps and ignores them. */
const HEARTBEAT = 'anneal:heartbeat'

/**
 * Optuna's journal: a file of operations that several processes append to, on network drives too; what they lead to is kept
 * in memory. Writes look at the newest state while holding the lock, so none of ours is ever void.
 */
export async function openJournal(path: string, url: string, options: LockOptions = {}): Promise<Storage> {
  const file = journalFile(path)
  const state = replay()
  const worker = crypto.randomUUID()
  let calls = 0
  const refresh = (): void => {
    for (const operation of file.read()) state.apply(operation)
  }
  /** Decides on the newest state what to append, and appends it. */
  const write = <T>(decide: (append: (...operations: Operation[]) => void) => T): Promise<T> =>
    withLock(
      file.path,
      () => {
        refresh()
        const worker_id = `${worker}-${calls++}`
        return decide((...operations) => {
          const signed = operations.map(({ op_code, ...rest }) => ({ op_code, worker_id, ...rest }))
          file.append(signed)
          for (const operation of signed) state.apply(operation)
        })
      },
      options,
    )
  const studyOf = (studyId: number): JournalStudy => {
    const study = state.studies.get(studyId)
    if (study === undefined) throw unknownStudy(studyId)
    return study
  }
  const placeOf = (trialId: number) => {
    const place = state.find(trialId)
    if (place === null) throw unknownTrial(trialId)
    return place
  }
  const read = <T>(look: () => T): T => {
    refresh()
    return look()
  }
  const idOf = (name: string): number | null => {
    for (const { record } of state.studies.values()) if (record.name === name) return record.id
    return null
  }
  /** What is to be appended for writes to a trial that is open. */
  const operationsFor = (trialId: number, writes: readonly TrialWrite[]): Operation[] => {
    const { study, trial } = placeOf(trialId)
    if (isFinished(trial.state)) throw finishedTrial(trial)
    for (const one of writes) if (one.kind === 'param') checkKnown(study.distributions, one.name, one.distribution)
    return writes.map(one => writeOperation(trialId, one))
  }
  const create = (studyId: number, template: TrialTemplate): { operation: Operation; id: number; number: number } => {
    const study = studyOf(studyId)
    for (const [name, distribution] of Object.entries(template.distributions))
      checkKnown(study.distributions, name, distribution)
    return { operation: createOperation(studyId, template), id: state.next().trial, number: study.trials.length }
  }
  const writeTrial = async (trialId: number, writes: readonly TrialWrite[]): Promise<void> => {
    checkWrites(writes)
    await write(append => append(...operationsFor(trialId, writes)))
  }
  const end = async (
    trialId: number,
    to: TrialState,
    values: readonly number[] | null,
    writes: readonly TrialWrite[],
  ): Promise<boolean> => {
    checkResult(values)
    checkWrites(writes)
    return write(append => {
      const operations = operationsFor(trialId, writes)
      if (to === 'RUNNING' && placeOf(trialId).trial.state !== 'WAITING') return false
      append(...operations, stateOperation(trialId, to, values))
      return true
    })
  }
  refresh()
  return {
    url,
    createStudy: async (name, directions) => {
      checkName(name, 'study')
      return write(append => {
        if (idOf(name) !== null) throw duplicateStudy(name)
        const { study } = state.next()
        append({ op_code: OP.createStudy, study_name: name, directions: directions.map(directionCode) })
        return study
      })
    },
    deleteStudy: studyId =>
      write(append => {
        studyOf(studyId)
        append({ op_code: OP.deleteStudy, study_id: studyId })
      }),
    findStudy: async name => read(() => idOf(name)),
    study: async studyId => read(() => studyOf(studyId).record),
    studies: async () => read(() => [...state.studies.values()].map(study => study.record)),
    setStudyUserAttr: async (studyId, key, value) => {
      checkName(key, 'study attribute')
      await write(append => {
        studyOf(studyId)
        append({ op_code: OP.studyUserAttr, study_id: studyId, user_attr: { [key]: value } })
      })
    },
    setStudySystemAttr: async (studyId, key, value) => {
      checkName(key, 'study attribute')
      await write(append => {
        studyOf(studyId)
        append({ op_code: OP.studySystemAttr, study_id: studyId, system_attr: { [key]: value } })
      })
    },
    createTrial: async (studyId, template = freshTrial()) => {
      checkResult(template.values)
      return write(append => {
        const { operation, id, number } = create(studyId, template)
        append(operation)
        return { id, number }
      })
    },
    beginTrial: (studyId, { beat = false, limit = Infinity } = {}) =>
      write(append => {
        const study = studyOf(studyId)
        const waiting = study.trials.find(trial => trial.state === 'WAITING')
        if (waiting === undefined && study.trials.length >= limit) throw trialLimit(limit)
        const begin =
          waiting === undefined ? createOperation(studyId, freshTrial()) : stateOperation(waiting.id, 'RUNNING', null)
        append(begin, ...(beat ? [beatOperation(waiting?.id ?? state.next().trial)] : []))
        const number = waiting?.number ?? study.trials.length - 1
        return { study: study.record, trials: [...study.trials], trial: study.trials[number]! }
      }),
    trial: async trialId => read(() => placeOf(trialId).trial),
    trials: async studyId => read(() => [...studyOf(studyId).trials]),
    snapshot: async studyId => read(() => ({ study: studyOf(studyId).record, trials: [...studyOf(studyId).trials] })),
    writeTrial,
    ...singleWrites(writeTrial),
    setTrialState: (trialId, to, values = null) => end(trialId, to, values, []),
    finishTrial: async (trialId, to, values, writes = []) => {
      await end(trialId, to, values, writes)
      return placeOf(trialId).trial
    },
    failTrial: (trialId, retry) =>
      write(append => {
        const { study, trial } = placeOf(trialId)
        if (trial.state !== 'RUNNING') return false
        const again = retry === null ? [] : [create(study.record.id, retry).operation]
        append(stateOperation(trialId, 'FAIL', null), ...again)
        return true
      }),
    beat: trialId =>
      write(append => {
        // A trial that has ended needs no sign of life.
        if (!isFinished(placeOf(trialId).trial.state)) append(beatOperation(trialId))
      }),
    staleTrials: async (studyId, grace) =>
      read(() =>
        studyOf(studyId)
          .trials.filter(trial => isStale(trial, grace))
          .map(trial => trial.id),
      ),
    close: async () => {},
  }
}

const beatOperation = (trialId: number): Operation =>
  writeOperation(trialId, { kind: 'systemAttr', key: HEARTBEAT, value: new Date().toISOString() })

function isStale({ state, systemAttrs }: FrozenTrial, grace: number): boolean {
  const beat = systemAttrs[HEARTBEAT]
  return state === 'RUNNING' && typeof beat === 'string' && Date.now() - Date.parse(beat) > grace * 1000
}
