import { isAnnealError } from '../../../ir/index.js'
import { checkCompatible, type Distribution } from '../../distribution.js'
import { type FrozenTrial, isFinished, type TrialState } from '../../frozen-trial.js'
import { stringifyJson } from '../../json.js'
import {
  checkName,
  checkResult,
  checkWrites,
  duplicateStudy,
  finishedTrial,
  trialLimit,
  unknownStudy,
  unknownTrial,
} from '../refusals.js'
import { type Snapshot, type Storage, singleWrites, type TrialTemplate, type TrialWrite } from '../storage.js'
import { type TrialCache, trialCache } from './cache.js'
import type { Database, Row, Statement } from './database.js'
import { distributionReader, stampNow, studiesFrom, toStamp, trialsFrom } from './parts.js'
import { statementsFor } from './statements.js'
import { type Target, valueStatements, writeStatement, writesOf } from './writes.js'

/** Optuna's storage in a database whose schema is there. */
export function sqlStorage(database: Database): Storage {
  const { kind, url } = database
  const statements = statementsFor(kind)
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
    const { since, open } = cacheOf(studyId)
    const ids = open()
    return { study: studyId, since, ids: kind === 'sqlite' ? JSON.stringify(ids) : ids }
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

  const openTrial = (trialId: number): Target => ({ to: statements.toOpen, of: { trial: trialId } })

  /** Inserts a trial; answers with the rows of the reads after it. */
  const insert = async (
    studyId: number,
    start: string | null,
    template: TrialTemplate | null,
    {
      beat = false,
      limit = Infinity,
      reads = [],
    }: { beat?: boolean; limit?: number; reads?: readonly Statement[] } = {},
  ) => {
    const target: Target = { to: statements.toNewest, of: { study: studyId } }
    const { rows, recovered } = await database.run({
      writes: [
        statements.lockStudy({ study: studyId }),
        statements.insertTrial({
          study: studyId,
          state: template?.state ?? 'RUNNING',
          start,
          complete: template?.complete == null ? null : toStamp(template.complete),
          limit: limit === Infinity ? null : limit,
        }),
        ...valueStatements(target, template?.values ?? null),
        ...(template === null ? [] : writesOf(template).map(write => writeStatement(target, write))),
        ...(beat ? [statements.beatNewest({ study: studyId, date: start })] : []),
      ],
      reads,
      once: transaction =>
        template === null
          ? statements.begunTrial({ study: studyId, date: start })
          : statements.insertedTrial({ study: studyId, transaction }),
      contended: true,
    })
    const [row] = recovered ?? rows[1]!
    if (row === undefined) throw rows[0]![0] === undefined ? unknownStudy(studyId) : trialLimit(limit)
    const [id, number] = row as readonly [number, number]
    studyOf.set(id, studyId)
    return { id, number, rest: rows.slice(rows.length - reads.length) }
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
      once: () => statements.startedTrial({ trial: trialId, date }),
    })
    if (recovered !== null) return true
    if (rows[1]!.length > 0) return true
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
    const { rows } = await database.run({
      writes: [
        statements.lockTrial({ trial: trialId }),
        ...writes.map(write => writeStatement(openTrial(trialId), write)),
      ],
    })
    checkOpen(trialId, rows[0]!)
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
      writes: [
        statements.lockTrial({ trial: trialId }),
        ...writes.map(write => writeStatement(openTrial(trialId), write)),
        ...valueStatements(openTrial(trialId), values),
        statements.setState({ trial: trialId, state, date }),
      ],
      reads,
      once: () => statements.endedTrial({ trial: trialId, date }),
    })
    if (recovered === null) checkOpen(trialId, rows[0]!)
    if (isFinished(state)) studyOf.delete(trialId)
    return rows.slice(rows.length - reads.length)
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

    createTrial: async (studyId, template) => {
      if (template === undefined) {
        const { id, number } = await insert(studyId, stampNow(), null)
        return { id, number }
      }
      checkResult(template.values)
      checkWrites(writesOf(template))
      if (Object.keys(template.distributions).length > 0) {
        await snapshot(studyId)
        const { distributions } = cacheOf(studyId)
        for (const [name, distribution] of Object.entries(template.distributions))
          if (distributions.has(name)) checkCompatible(distributions.get(name)!, distribution, name)
      }
      const { id, number } = await insert(studyId, template.start === null ? null : toStamp(template.start), template)
      return { id, number }
    },
    beginTrial: async (studyId, { beat = false, limit = Infinity } = {}) => {
      const waiting = (await query(statements.waitingSince(unread(studyId))))[0]!.map(row => row[0] as number) // an INTEGER
      for (const id of waiting.sort((a, b) => a - b)) {
        const mine = await start(id, beat).catch((error: unknown) => {
          if (isAnnealError(error) && error.code === 'finished-trial') return false // somebody ran it, and was quick
          throw error
        })
        if (!mine) continue
        studyOf.set(id, studyId)
        const now = await snapshot(studyId)
        return { ...now, trial: now.trials.find(t => t.id === id) ?? (await trial(id)) }
      }
      const { id, number, rest } = await insert(studyId, stampNow(), null, {
        beat,
        limit,
        reads: snapshotReads(studyId),
      })
      const now = snapshotFrom(studyId, rest)
      const mine = now.trials[number]
      return { ...now, trial: mine?.id === id ? mine : await trial(id) }
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
    failTrial: async (trialId, retry) => {
      const [rows] = await query(statements.studyOfTrial({ trial: trialId }))
      if (rows![0] === undefined) throw unknownTrial(trialId)
      const study = rows![0][0] as number // an INTEGER column
      const target: Target = { to: statements.toNewest, of: { study } }
      const again = retry === null ? [] : writesOf(retry).map(write => writeStatement(target, write))
      const date = stampNow()
      const { held } = await database.run({
        guard: {
          statement: statements.lockTrial({ trial: trialId }),
          holds: ([row]) => row?.[1] === 'RUNNING',
        },
        writes: [
          statements.setState({ trial: trialId, state: 'FAIL', date }),
          statements.lockStudy({ study }),
          ...(retry === null ? [] : [statements.insertTrial({ study, state: retry.state })]),
          ...again,
        ],
        once: () => statements.endedTrial({ trial: trialId, date }),
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
