import { ConfigError, isAnnealError } from '../ir/index.js'
import { type FrozenTrial, isFinished, type TrialState } from './frozen-trial.js'
import { failStale, type HeartbeatOptions } from './heartbeat.js'
import { beatsHere } from './storage/beat.js'
import type { Begun, StudyRecord, TrialWrite } from './storage/storage.js'
import type { Study } from './study.js'
import { type Trial, TrialPruned } from './trial.js'
import type { TrialWrites } from './trial-writes.js'
import { listOf, valuesProblem } from './values.js'

export type Objective = (trial: Trial) => Promise<number | readonly number[]> | number | readonly number[]
export type StudyCallback = (study: Study, trial: FrozenTrial) => void | Promise<void>

export interface OptimizeOptions {
  /** How many trials to make; default: until timeout, stop or signal. */
  trials?: number
  /** Seconds after which no new trial begins. */
  timeout?: number
  /**
   * How many trials the study is to have in all, over its workers and runs; of trials that repeat one whose worker died,
   * each counts as the one it repeats. With heartbeats, trials that others run are waited for at the end, and those of
   * workers that fall silent are ended and repeated. Default: no matter.
   */
  total?: number | ((study: StudyRecord) => number)
  /** Trials at the same time in this process; default 1. */
  concurrency?: number
  /** Called after each trial, one at a time. */
  callbacks?: readonly StudyCallback[]
  /**
   * Which errors of the objective end the trial as FAIL instead of ending `optimize`; default none. `true` for all. What
   * the trial's parameters themselves are refused for always ends it.
   */
  catch?: boolean | ((error: unknown) => boolean)
  /** Ends after the trials that run. */
  signal?: AbortSignal
}

/** What making trials needs of a study beyond what everyone sees of it. */
export interface StudyParts {
  readonly study: Study
  readonly heartbeat: HeartbeatOptions | null
  /** Trials that run in this process, by id. */
  readonly running: Map<number, RunningTrial>
  isStopped(): boolean
  /** Begins a trial. @throws ConfigError `trial-limit` where the study has as many as `limit` */
  ask(limit: number | null): Promise<Trial>
  /** Gives parameters to a trial that the storage has begun. */
  begin(begun: Begun): Promise<Trial>
  end(
    trial: FrozenTrial,
    state: TrialState,
    values: readonly number[] | null,
    writes: readonly TrialWrite[],
  ): Promise<FrozenTrial>
}

export interface RunningTrial {
  readonly trial: Trial
  readonly writes: TrialWrites
}

/** @throws ConfigError for options out of range */
export function checkOptimize({ trials, total, timeout, concurrency }: OptimizeOptions): void {
  const check = (name: string, value: number | undefined, ok: (x: number) => boolean, expected: string) => {
    if (value !== undefined && !(typeof value === 'number' && ok(value)))
      throw new ConfigError({ code: 'bad-option', where: `optimize.${name}`, expected, received: value })
  }
  if (typeof total !== 'function')
    check('total', total, x => (Number.isInteger(x) && x >= 1) || x === Infinity, 'a whole number ≥ 1')
  check('trials', trials, x => (Number.isInteger(x) && x >= 1) || x === Infinity, 'a whole number ≥ 1')
  check('timeout', timeout, x => x > 0, 'seconds above 0')
  check('concurrency', concurrency, x => Number.isInteger(x) && x >= 1, 'a whole number ≥ 1')
}

/**
 * Makes trials until there are enough, or time, `stop()` or the signal end it.
 * @throws what the objective threw, its trial having been told FAIL, unless `catch` says otherwise
 */
export async function makeTrials(parts: StudyParts, objective: Objective, options: OptimizeOptions): Promise<void> {
  const { study } = parts
  const { trials = Number.POSITIVE_INFINITY, timeout = Number.POSITIVE_INFINITY, concurrency = 1, signal } = options
  const end = performance.now() + timeout * 1000
  let begun = 0
  let failure: { error: unknown } | null = null
  let callbacks: Promise<void> = Promise.resolve()
  const going = () =>
    begun < trials && performance.now() < end && !parts.isStopped() && failure === null && !(signal?.aborted ?? false)
  // Objectives that wait for nothing, on a storage that does not either, would leave timers and signals no turn.
  let turned = performance.now()
  const turn = async () => {
    if (performance.now() - turned < TURN) return
    await new Promise(resolve => setTimeout(resolve, 0))
    turned = performance.now()
  }
  // Where nobody has a say in between, a trial's end and the beginning of the next are one.
  const { callbacks: calls = [], total } = options
  const joins = calls.length === 0 && total === undefined && joinable(parts)
  const another = () => joins && going() && ++begun > 0
  const worker = async () => {
    for (let next: Begun | null = null; next !== null || going(); ) {
      await turn()
      if (next === null && !going()) return
      if (next === null) begun++
      try {
        const made: Made | null = await runTrial(parts, objective, options, next, another)
        next = made?.next ?? null
        if (made === null) {
          begun--
          if (!(await othersRun(parts))) return
          await new Promise(resolve => setTimeout(resolve, WAIT))
          continue
        }
        if (made.next === null && made.asked) begun--
        callbacks = callbacks.then(async () => {
          for (const callback of calls) await callback(study, made.trial)
        })
        await callbacks
      } catch (error) {
        next = null
        failure ??= { error }
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(concurrency, trials) }, worker))
  // Assigned in the workers, which the compiler does not follow.
  const failed = failure as { error: unknown } | null
  if (failed !== null) throw failed.error
}

/** How many trials there may be; null for any number. */
async function limitOf({ storage, id }: Study, total: OptimizeOptions['total']): Promise<number | null> {
  if (total === undefined) return null
  const { study, trials } = await storage.snapshot(id)
  const wanted = typeof total === 'function' ? total(study) : total
  return wanted + trials.filter(isRepeat).length
}

/** Whether trials wait in line, or are under way elsewhere and one can tell when they are not any more. */
async function othersRun({ study, heartbeat, running: here }: StudyParts): Promise<boolean> {
  if ((await study.trials(['WAITING'])).length > 0) return true
  if (heartbeat === null) return false
  // All that have ever given a sign of life, whenever that was.
  const running = await study.storage.staleTrials(study.id, -1e9)
  return running.some(id => !here.has(id))
}

/** Whether a trial's end and the beginning of the next may be one: nothing has to be looked at in between. */
const joinable = ({ study, heartbeat }: StudyParts): boolean =>
  heartbeat === null && study.sampler.afterTrial === undefined && study.storage.nextTrial !== undefined

/**
 * Runs one trial; null where there are as many as there may be.
 * @param begun where the storage has begun it already
 * @param another asked when the trial has its values: whether the storage is to begin another with its end
 */
async function runTrial(
  parts: StudyParts,
  objective: Objective,
  options: OptimizeOptions,
  begun: Begun | null,
  another: () => boolean,
): Promise<Made | null> {
  const { study, heartbeat } = parts
  const { storage, id } = study
  const beats = heartbeat === null ? null : ((await storage.beats?.()) ?? beatsHere(storage))
  if (heartbeat !== null) await failStale(storage, id, heartbeat)
  const since = Date.now()
  const limit = await limitOf(study, options.total)
  const trial = await (begun === null ? parts.ask(limit) : parts.begin(begun)).catch((error: unknown) => {
    if (limit !== null && isAnnealError(error) && error.code === 'trial-limit') return null
    throw error
  })
  if (trial === null) return null
  const rest = heartbeat === null ? null : beats!.keep({ trial: trial.id, interval: heartbeat.interval, since })
  let asked = false
  const alone = (told: FrozenTrial): Made => ({ trial: told, asked, next: null })
  try {
    const values = await objective(trial)
    const running = parts.running.get(trial.id)
    if (running === undefined) return alone(await study.tell(trial, values))
    asked = another()
    if (!asked) return alone(await study.tell(trial, values))
    const list = listOf(values)
    const fits = valuesProblem(list, study.directions.length) === null
    parts.running.delete(trial.id)
    const writes = await running.writes.take()
    const end = fits ? 'COMPLETE' : 'FAIL'
    const { ended, next } = await storage.nextTrial!(trial, end, fits ? list : null, writes, id)
    return { trial: ended, asked, next }
  } catch (error) {
    if (error instanceof TrialPruned) return alone(await study.tell(trial, null, { state: 'PRUNED' }))
    const told = await failed(parts, trial, error)
    const caught = typeof options.catch === 'function' ? options.catch(error) : options.catch === true
    if (!caught) throw error
    return alone(told)
  } finally {
    rest?.()
  }
}

async function failed(parts: StudyParts, trial: Trial, error: unknown): Promise<FrozenTrial> {
  const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
  await trial.flushed().catch(() => {})
  const now = await parts.study.storage.trial(trial.id)
  parts.running.delete(trial.id)
  if (isFinished(now.state)) return now
  return parts.end(now, 'FAIL', null, [{ kind: 'systemAttr', key: 'fail_reason', value: message }])
}

/** A trial that was made, whether another was asked for with its end, and that one. */
interface Made {
  readonly trial: FrozenTrial
  readonly asked: boolean
  readonly next: Begun | null
}

/** Milliseconds between looks at what others do, when there is nothing else to do. */
const WAIT = 300
/** Milliseconds of trials after which the event loop has a turn. */
const TURN = 20

/** Whether a trial stands in for one whose worker died. */
export const isRepeat = (trial: FrozenTrial): boolean => Array.isArray(trial.systemAttrs.retry_history)
