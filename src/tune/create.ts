import { ConfigError, isAnnealError, nearest } from '../ir/index.js'
import { refuse, unknownOptions } from '../ir/options.js'
import type { Direction } from './frozen-trial.js'
import type { HeartbeatOptions } from './heartbeat.js'
import { nop } from './pruners/nop.js'
import type { Pruner } from './pruners/pruner.js'
import { random } from './samplers/random.js'
import type { Sampler } from './samplers/sampler.js'
import { openStorage } from './storage/open.js'
import type { Storage } from './storage/storage.js'
import { Study } from './study.js'

export interface LoadStudyOptions {
  name: string
  /** `sqlite:///file.db`, `postgresql://…`, `journal:///file.log`, or a storage. */
  storage: string | Storage
  sampler?: Sampler
  pruner?: Pruner
  /** Signs of life of running trials, for studies that many processes share. Default: none. */
  heartbeat?: Partial<HeartbeatOptions> | null
}

export interface CreateStudyOptions extends Omit<LoadStudyOptions, 'name' | 'storage'> {
  /** Default: a name nobody has. */
  name?: string
  /** Default: memory, gone with the process. */
  storage?: string | Storage
  /** Default minimize. */
  direction?: Direction
  /** For several objectives, one for each. */
  directions?: readonly Direction[]
  /** Open the study where it exists, instead of an error. Default false. */
  loadIfExists?: boolean
}

/**
 * A new study.
 * @throws ConfigError for a name that is taken (unless `loadIfExists`), unknown options or directions
 */
export async function createStudy(options: CreateStudyOptions = {}): Promise<Study> {
  checkKeys(
    options,
    ['name', 'storage', 'direction', 'directions', 'sampler', 'pruner', 'loadIfExists', 'heartbeat'],
    'createStudy',
  )
  const directions = directionsOf(options)
  const name = options.name ?? `study-${crypto.randomUUID()}`
  const storage = await openStorage(options.storage ?? 'memory')
  const id = options.loadIfExists
    ? await openOrCreate(storage, name, directions)
    : await storage.createStudy(name, directions)
  return make(storage, id, options)
}

/** The id of a study, made where there is none. Of several processes that begin at once, one makes it. */
async function openOrCreate(storage: Storage, name: string, directions: readonly Direction[]): Promise<number> {
  const known = await storage.findStudy(name)
  if (known !== null) return known
  try {
    return await storage.createStudy(name, directions)
  } catch (error) {
    const made = isAnnealError(error) && error.code === 'duplicate-study' ? await storage.findStudy(name) : null
    if (made === null) throw error
    return made
  }
}

/** A study that exists. @throws ConfigError `unknown-study` with the nearest names */
export async function loadStudy(options: LoadStudyOptions): Promise<Study> {
  checkKeys(options, ['name', 'storage', 'sampler', 'pruner', 'heartbeat'], 'loadStudy')
  const storage = await openStorage(options.storage)
  const id = await storage.findStudy(options.name)
  if (id !== null) return make(storage, id, options)
  const names = (await storage.studies()).map(study => study.name)
  throw new ConfigError({
    code: 'unknown-study',
    where: 'loadStudy',
    expected:
      names.length === 0 ? 'a study: this storage has none' : `one of ${nearest(options.name, names, 5).join(', ')}`,
    received: options.name,
  })
}

async function make(storage: Storage, id: number, options: Omit<LoadStudyOptions, 'name' | 'storage'>): Promise<Study> {
  const { name, directions } = await storage.study(id)
  const { sampler = random(), pruner = nop() } = options
  return new Study({ storage, id, name, directions, sampler, pruner, heartbeat: heartbeatOf(options.heartbeat) })
}

function heartbeatOf(given: Partial<HeartbeatOptions> | null | undefined): HeartbeatOptions | null {
  if (given === undefined || given === null) return null
  const { interval = 60, retry = 0 } = given
  const { grace = 2 * interval } = given
  for (const [key, value] of Object.entries({ interval, grace }))
    if (!(value > 0 && Number.isFinite(value)))
      throw new ConfigError({
        code: 'bad-option',
        where: `heartbeat.${key}`,
        expected: 'seconds above 0',
        received: value,
      })
  if (!Number.isInteger(retry) || retry < 0)
    throw new ConfigError({
      code: 'bad-option',
      where: 'heartbeat.retry',
      expected: 'a whole number ≥ 0',
      received: retry,
    })
  return { interval, grace, retry }
}

function directionsOf({ direction, directions }: CreateStudyOptions): readonly Direction[] {
  if (direction !== undefined && directions !== undefined)
    throw new ConfigError({
      code: 'directions',
      where: 'createStudy',
      expected: 'direction or directions',
      received: 'both',
    })
  const list = directions ?? [direction ?? 'minimize']
  if (!Array.isArray(list) || list.length === 0 || !list.every(d => d === 'minimize' || d === 'maximize'))
    throw new ConfigError({
      code: 'directions',
      where: 'createStudy',
      expected: 'minimize or maximize',
      received: list,
    })
  return list
}

function checkKeys(options: object, known: readonly string[], where: string): void {
  if (typeof options !== 'object' || options === null)
    throw new ConfigError({ code: 'bad-option', where, expected: 'options', received: options })
  refuse(unknownOptions(options, known, where), where)
}
