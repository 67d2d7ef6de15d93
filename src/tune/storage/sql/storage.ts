import { isAnnealError } from '../../../ir/index.js'
import { checkCompatible, type Distribution } from '../../distribution.js'
import { type FrozenTrial, isFinished, type TrialState } from '../../frozen-trial.js'
import { stringifyJson } from '../../json.js'
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
import { type Snapshot, type Storage, singleWrites, type TrialWrite } from '../storage.js'
import { type TrialCache, trialCache } from './cache.js'
import type { Database, Row, Statement } from './database.js'
import { distributionReader, stampNow, studiesFrom, trialsFrom } from './parts.js'
import { statementsFor } from './statements.js'
import { writersFor, writesOf } from './writes.js'

/** Optuna's storage in a database whose schema is there. */
export function sqlStorage(database: Database): Storage {
  const { kind, url } = database
  const statements = { ...statementsFor(kind), ...writersFor(kind) }
  const read = distributionReader()
  const caches = new Map<number, TrialCache>()
  /** Of trials that this process began or wrote to. */
  const studyOf = new Map<number, number>()
  const cacheOf = (studyId: number): TrialCache => {
    let cache = caches.get(studyId)
    if (cache === undefined) caches.set(studyId, (cache = trialCache()))
    return cache
  }
  const query = async (...reads: readonly Statement[]): Promise<readonly (readonly Row[])[]> =>
    (await database.run({ reads })).rows

  /** Which trials of a study may have changed since they were read. */
  const unread = (studyId: number) => {
    const { since, open, count } = cacheOf(studyId)
    const ids = open()
    return { study: studyId, since, ids: kind === 'sqlite' ? JSON.stringify(ids) : ids, window: count + 1000 }
  }
  const snapshotReads = (studyId: number): readonly Statement[] => [
    statements.trialsSince(unread(studyId)),
    statements.study({ study: studyId }),
  ]
  const snapshotFrom = (studyId: number, [trialRows, studyRows]: readonly (readonly Row[])[]): Snapshot => {
    const [study] = studiesFrom(studyRows!)
    if (study === undefined) {
      caches.delete(studyId)
      throw unknownStudy(studyId)
    }
    const cache = cacheOf(studyId)
    cache.take(trialsFrom(trialRows!, read))
    return { study, trials: cache.list() }
  }
  const snapshot = async (studyId: number): Promise<Snapshot> =>
    snapshotFrom(studyId, await query(...snapshotReads(studyId)))

  const trial = async (trialId: number): Promise<FrozenTrial> => {
    const [rows] = await query(statements.trial({ trial: trialId }))
    const [found] = trialsFrom(rows!, read)
    if (found === undefined) throw unknownTrial(trialId)
    return found
  }

  /** Turns a WAITING trial RUNNING; false where it was not waiting any more. */
  const start = async (trialId: number, beat = false): Promise<boolean> => {
    const date = stampNow()
    const { rows, recovered } = await database.run({
      writes: [
        statements.lockTrial({ trial: trialId }),
        statements.start({ trial: trialId, date }),
        ...(beat ? [statements.beat({ trial: trialId })] : []),
      ],
      trace: statements.startedTrial({ trial: trialId, date }),
    })
    if (recovered !== null || rows[1]!.length > 0) return true
    checkOpen(trialId, rows[0]!)
    return false
  }

  /** Refuses parameters of another kind than the study knows, asking the database where this process knows nothing. */
  const checkParams = async (trialId: number, writes: readonly TrialWrite[]): Promise<void> => {
    for (const write of writes) {
      if (write.kind !== 'param') continue
      const { name, distribution } = write
      let studyId = studyOf.get(trialId)
      if (studyId === undefined) {
        const [rows] = await query(statements.studyOfTrial({ trial: trialId }))
        if (rows![0] === undefined) throw unknownTrial(trialId)
        studyOf.set(trialId, (studyId = rows![0][0] as number)) // an INTEGER column
      }
      const known = cacheOf(studyId).distributions.get(name) ?? (await firstDistribution(trialId, name))
      if (known !== null) checkCompatible(known, distribution, name)
    }
  }
  const firstDistribution = async (trialId: number, name: string): Promise<Distribution | null> => {
    const [rows] = await query(statements.distribution({ trial: trialId, name }))
    return rows![0] === undefined ? null : read(rows![0][0] as string) // a TEXT column
  }

  const writeTrial = async (trialId: number, writes: readonly TrialWrite[]): Promise<void> => {
    checkWrites(writes)
    await checkParams(trialId, writes)
    const { rows } = await database.run({ writes: statements.toTrial(trialId, writes, null) })
    if (rows[0]!.length === 0) throw await closed(trialId)
  }

  /** Ends a trial, or gives it another state than RUNNING, with values and other writes; then reads. */
  const finish = async (
    trialId: number,
    state: TrialState,
    values: readonly number[] | null,
    writes: readonly TrialWrite[],
    reads: readonly Statement[],
  ): Promise<readonly (readonly Row[])[]> => {
    checkResult(values)
    checkWrites(writes)
    await checkParams(trialId, writes)
    const date = isFinished(state) ? stampNow() : null
    const { rows, recovered } = await database.run({
      writes: statements.toTrial(trialId, writes, { state, date, values }),
      reads,
      trace: statements.endedTrial({ trial: trialId, date }),
    })
    if (recovered === null && rows[0]!.length === 0) throw await closed(trialId)
    if (isFinished(state)) studyOf.delete(trialId)
    return rows.slice(rows.length - reads.length)
  }
  /** Why nothing can be written to a trial. */
  const closed = async (trialId: number) => {
    const [rows] = await query(statements.trialState({ trial: trialId }))
    const [number, state] = (rows![0] ?? []) as readonly [number?, TrialState?]
    return number === undefined || state === undefined ? unknownTrial(trialId) : finishedTrial({ number, state })
  }

  const setStudyAttr = async (statement: Statement, studyId: number): Promise<void> => {
    const { rows } = await database.run({ writes: [statement] })
    if (rows[0]!.length === 0) throw unknownStudy(studyId)
  }

  return {
    url,
    createStudy: async (name, directions) => {
      checkName(name, 'study')
      if ((await query(statements.findStudy({ name })))[0]!.length > 0) throw duplicateStudy(name)
      try {
        const { rows, recovered } = await database.run({
          writes: [
            statements.insertStudy({ name }),
            ...directions.map((direction, place) =>
              statements.insertDirection({ direction: direction.toUpperCase(), place, name }),
            ),
          ],
          once: transaction => statements.insertedStudy({ name, transaction }),
        })
        return (recovered ?? rows[0]!)[0]![0] as number // an INTEGER column
      } catch (error) {
        // Somebody was faster.
        if ((await query(statements.findStudy({ name })))[0]!.length > 0) throw duplicateStudy(name)
        throw error
      }
    },
    deleteStudy: async studyId => {
      const writes = [
        statements.lockStudy({ study: studyId }),
        ...statements.deleteStudy.map(statement => statement({ study: studyId })),
      ]
      const { rows } = await database.run({ writes })
      caches.delete(studyId)
      if (rows[0]!.length === 0) throw unknownStudy(studyId)
    },
    findStudy: async name => {
      const [rows] = await query(statements.findStudy({ name }))
      return rows![0] === undefined ? null : (rows![0][0] as number) // an INTEGER column
    },
    study: async studyId => {
      const [study] = studiesFrom((await query(statements.study({ study: studyId })))[0]!)
      if (study === undefined) throw unknownStudy(studyId)
      return study
    },
    studies: async () => studiesFrom((await query(statements.studies({})))[0]!),
    setStudyUserAttr: async (studyId, key, value) => {
      checkName(key, 'study attribute')
      await setStudyAttr(statements.studyUserAttr({ study: studyId, name: key, text: stringifyJson(value) }), studyId)
    },
    setStudySystemAttr: async (studyId, key, value) => {
      checkName(key, 'study attribute')
      await setStudyAttr(statements.studySystemAttr({ study: studyId, name: key, text: stringifyJson(value) }), studyId)
    },

    createTrial: async (studyId, template = freshTrial()) => {
      checkResult(template.values)
      checkWrites(writesOf(template))
      if (Object.keys(template.distributions).length > 0) {
        await snapshot(studyId)
        const { distributions } = cacheOf(studyId)
        for (const [name, distribution] of Object.entries(template.distributions))
          checkKnown(distributions, name, distribution)
      }
      const { rows, recovered } = await database.run({
        writes: [statements.lockStudy({ study: studyId }), ...statements.fromTemplate(studyId, template)],
        once: transaction => statements.insertedTrial({ study: studyId, transaction }),
        contended: true,
      })
      const [row] = recovered ?? rows[1]!
      if (row === undefined) throw unknownStudy(studyId)
      const [id, number] = row as readonly [number, number]
      return { id, number }
    },
    beginTrial: async (studyId, { beat = false, limit = Infinity } = {}) => {
      for (;;) {
        const date = stampNow()
        const reads = snapshotReads(studyId)
        const { rows, recovered } = await database.run({
          writes: [
            statements.lockStudy({ study: studyId }),
            statements.beginTrial({
              ...unread(studyId),
              state: 'RUNNING',
              start: date,
              limit: limit === Infinity ? null : limit,
            }),
            ...(beat ? [statements.beatNewest({ study: studyId, date })] : []),
          ],
          reads,
          trace: statements.begunTrial({ study: studyId, date }),
          contended: true,
        })
        const now = snapshotFrom(studyId, rows.slice(rows.length - reads.length))
        const [row] = recovered ?? rows[1]!
        if (row !== undefined) {
          const [id, number] = row as readonly [number, number]
          studyOf.set(id, studyId)
          const mine = now.trials[number]
          return { ...now, trial: mine?.id === id ? mine : await trial(id) }
        }
        // Some wait, or did a moment ago; or there are enough.
        const waiting = now.trials.filter(t => t.state === 'WAITING')
        for (const { id } of waiting) {
          const mine = await start(id, beat).catch((error: unknown) => {
            if (isAnnealError(error) && error.code === 'finished-trial') return false // somebody ran it, and was quick
            throw error
          })
          if (!mine) continue
          studyOf.set(id, studyId)
          const then = await snapshot(studyId)
          return { ...then, trial: then.trials.find(t => t.id === id) ?? (await trial(id)) }
        }
        if (waiting.length === 0 && now.trials.length >= limit) throw trialLimit(limit)
      }
    },
    trial,
    trials: async studyId => (await snapshot(studyId)).trials,
    snapshot,
    writeTrial,
    ...singleWrites(writeTrial),
    setTrialState: async (trialId, state, values = null) => {
      if (state === 'RUNNING') return start(trialId)
      await finish(trialId, state, values, [], [])
      return true
    },
    finishTrial: async (trialId, state, values, writes = []) => {
      const [rows] = await finish(trialId, state, values, writes, [statements.trial({ trial: trialId })])
      const [ended] = trialsFrom(rows ?? [], read)
      return ended ?? trial(trialId)
    },
    nextTrial: async ({ id, number }, state, values, writes, studyId) => {
      checkResult(values)
      checkWrites(writes)
      await checkParams(id, writes)
      const date = stampNow()
      const ends = statements.toTrial(id, writes, { state, date, values })
      const reads = snapshotReads(studyId)
      const { rows, recovered } = await database.run({
        writes: [
          ...ends,
          statements.lockStudy({ study: studyId }),
          statements.beginAfter({ ...unread(studyId), state: 'RUNNING', start: date, ended: id }),
        ],
        reads,
        trace: statements.endedAndBegun({ trial: id, date }),
        contended: true,
      })
      if (recovered === null && rows[0]!.length === 0) throw await closed(id)
      studyOf.delete(id)
      const now = snapshotFrom(studyId, rows.slice(rows.length - reads.length))
      const at = async (place: number, trialId: number): Promise<FrozenTrial> => {
        const there = now.trials[place]
        return there?.id === trialId ? there : trial(trialId)
      }
      const ended = await at(number, id)
      const [nextId = null, place = 0] = ((recovered ?? rows[ends.length + 1]!)[0] ?? []) as readonly (number | null)[]
      if (nextId === null) return { ended, next: null }
      studyOf.set(nextId, studyId)
      return { ended, next: { ...now, trial: await at(place!, nextId) } }
    },
    failTrial: async (trialId, retry) => {
      const [rows] = await query(statements.studyOfTrial({ trial: trialId }))
      if (rows![0] === undefined) throw unknownTrial(trialId)
      const study = rows![0][0] as number // an INTEGER column
      const date = stampNow()
      const { held } = await database.run({
        guard: {
          statement: statements.lockTrial({ trial: trialId }),
          holds: ([row]) => row?.[1] === 'RUNNING',
        },
        writes: [
          statements.setState({ trial: trialId, state: 'FAIL', date }),
          statements.lockStudy({ study }),
          ...(retry === null ? [] : statements.fromTemplate(study, retry)),
        ],
        trace: statements.endedTrial({ trial: trialId, date }),
      })
      return held
    },
    beat: async trialId => {
      await database.run({ writes: [statements.beat({ trial: trialId })] })
    },
    staleTrials: async (studyId, grace) =>
      (await query(statements.stale({ study: studyId, grace })))[0]!.map(row => row[0] as number), // an INTEGER column
    close: () => database.close(),
  }
}

/** What the row locked for a write says of the trial. */
function checkOpen(trialId: number, rows: readonly Row[]): void {
  if (rows[0] === undefined) throw unknownTrial(trialId)
  const [number, state] = rows[0] as readonly [number, TrialState]
  if (isFinished(state)) throw finishedTrial({ number, state })
}
