import { closeSync, lstatSync, openSync, renameSync, symlinkSync, unlinkSync } from 'node:fs'
import { RuntimeError } from '../../../ir/index.js'

/** Milliseconds after which a lock that nobody touches is taken for that of a dead process. */
export const GRACE = 30_000

export interface LockOptions {
  /** Default `GRACE`. */
  readonly grace?: number
}

/**
 * Does `work` while holding the lock that Optuna's processes know: `<file>.lock`, a symbolic link, or where there are none
 * a file made exclusively. The work has no turn of the event loop in it, so a lock is held as briefly as can be.
 */
export async function withLock<T>(file: string, work: () => T, { grace = GRACE }: LockOptions = {}): Promise<T> {
  const lock = `${file}.lock`
  await acquire(file, lock, grace)
  try {
    return work()
  } finally {
    release(lock)
  }
}

async function acquire(file: string, lock: string, grace: number): Promise<void> {
  let wait = 1
  let seen = ''
  let since = performance.now()
  while (!take(file, lock)) {
    const now = identity(lock)
    if (now === null) continue // let go of in this moment
    if (now !== seen) {
      seen = now
      since = performance.now()
    }
    if (performance.now() - since > grace && identity(lock) === seen) {
      release(lock)
      wait = 1
      continue
    }
    await new Promise(resolve => setTimeout(resolve, wait * (0.5 + Math.random())))
    wait = Math.min(wait * 2, 1000, grace)
  }
}

function take(file: string, lock: string): boolean {
  try {
    symlinkSync(file, lock)
    return true
  } catch (error) {
    const code = codeOf(error)
    if (code === 'EEXIST') return false
    if (!['EPERM', 'ENOTSUP', 'ENOSYS', 'EINVAL'].includes(code)) throw cannotLock(lock, error)
  }
  try {
    closeSync(openSync(lock, 'wx'))
    return true
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false
    throw cannotLock(lock, error)
  }
}

/** By its own name first, so that a lock taken meanwhile by somebody else is not removed instead. */
function release(lock: string): void {
  const aside = `${lock}${crypto.randomUUID()}.rename`
  try {
    renameSync(lock, aside)
    unlinkSync(aside)
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error // released by others, who took us for dead
  }
}

function identity(lock: string): string | null {
  try {
    const { ino, mtimeMs } = lstatSync(lock)
    return `${ino} ${mtimeMs}`
  } catch {
    return null
  }
}

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''
const cannotLock = (lock: string, cause: unknown) =>
  new RuntimeError({
    code: 'journal-lock',
    where: lock,
    expected: 'a folder where a lock can be made',
    received: cause instanceof Error ? cause.message : String(cause),
    cause,
  })
