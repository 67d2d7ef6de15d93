import { ConfigError } from '../../ir/index.js'
import { checkCompatible, type Distribution } from '../distribution.js'
import type { TrialWrite } from './storage.js'

/** What every storage refuses. */
export const unknownStudy = (id: number | string) =>
  new ConfigError({ code: 'unknown-study', where: 'storage', expected: 'a study of this storage', received: id })
export const duplicateStudy = (name: string) =>
  new ConfigError({
    code: 'duplicate-study',
    where: 'storage',
    expected: 'a name not yet taken',
    received: name,
    hint: 'loadStudy opens it; createStudy({ loadIfExists: true }) does either',
  })
export const unknownTrial = (id: number) =>
  new ConfigError({ code: 'unknown-trial', where: 'storage', expected: 'a trial of this storage', received: id })
export const finishedTrial = (trial: { number: number; state: string }) =>
  new ConfigError({
    code: 'finished-trial',
    where: `trial ${trial.number}`,
    expected: 'a trial that is not finished',
    received: trial.state,
  })

export const trialLimit = (limit: number) =>
  new ConfigError({
    code: 'trial-limit',
    where: 'beginTrial',
    expected: `a study with fewer than ${limit} trials, or one that waits`,
    received: 'as many',
  })

/** Results are numbers or infinite; Optuna's tables have no place for NaN. */
export function checkResult(values: readonly number[] | null | undefined): void {
  for (const value of values ?? [])
    if (typeof value !== 'number' || Number.isNaN(value))
      throw new ConfigError({
        code: 'bad-values',
        where: 'storage',
        expected: 'numbers that are not NaN',
        received: values,
        hint: 'a trial whose result is NaN ends as FAIL, without values',
      })
}

/** @throws ConfigError for a step that is no whole number ≥ 0, or a name that does not fit */
export function checkWrites(writes: readonly TrialWrite[]): void {
  for (const write of writes)
    if (write.kind !== 'intermediate') checkName(write.kind === 'param' ? write.name : write.key, write.kind)
    else if (!Number.isInteger(write.step) || write.step < 0 || write.step > 2 ** 31 - 1)
      throw new ConfigError({
        code: 'bad-step',
        where: 'storage',
        expected: 'a whole number from 0 to 2³¹ - 1',
        received: write.step,
      })
}

/** Names and keys: at most 512 characters, as Optuna's tables hold, and none of them NUL, which no database takes. */
export function checkName(name: string, what: string): void {
  if (typeof name === 'string' && !name.includes('\0') && (name.length <= 512 || [...name].length <= 512)) return
  throw new ConfigError({
    code: 'bad-name',
    where: what,
    expected: 'a text of at most 512 characters, none of them NUL',
    received: name,
  })
}

/** Refuses a parameter of another kind than the study knows. */
export function checkKnown(known: ReadonlyMap<string, Distribution>, name: string, distribution: Distribution): void {
  const before = known.get(name)
  if (before !== undefined) checkCompatible(before, distribution, name)
}
