import { z } from 'zod'
import { ConfigError, type ErrorDetails, problemsOf } from '../../ir/index.js'
import { parseOptions } from '../../ir/options.js'
import type { ParamValue } from '../distribution.js'
import type { Direction } from '../frozen-trial.js'
import type { HeartbeatOptions } from '../heartbeat.js'
import { isSampler, type Named, prunerFrom, samplerFrom } from '../names.js'
import type { Pruner } from '../pruners/pruner.js'
import type { Sampler } from '../samplers/sampler.js'
import type { Space } from '../space.js'
import { parseStorageUrl } from '../storage/url.js'
import { gridValues } from './space.js'

/** What an experiment says of its study besides the objective: from its file, with the command line's words over it. */
export interface ExperimentOptions {
  /** The study's name. Default: the file's name without its ending. */
  name?: string
  /** Where the study is kept. Default `sqlite:///<name>.db`. */
  storage?: string
  /** Default minimize. */
  direction?: Direction
  directions?: readonly Direction[]
  /** Names of the objectives, for reports. */
  metricNames?: readonly string[]
  /** By name, as a record `{ name, …options }`, or itself. Default tpe. */
  sampler?: Named | Sampler
  /** Default nop: none is pruned. */
  pruner?: Named | Pruner
  /** The sampler's seed, where it has none of its own. */
  seed?: number
  /** How many trials the study is to have in all. Default: until the timeout, or somebody stops it. */
  trials?: number
  /** Seconds after which no new trial begins, in each run. */
  timeout?: number
  /** Processes on this machine. Default 1. */
  workers?: number
  /** Trials at the same time in each process. Default 1. */
  concurrency?: number
  /** Signs of life of running trials. Default every 10 s, taken for dead after 60, tried again once. */
  heartbeat?: Partial<HeartbeatOptions>
  /** Parameters to try first. */
  enqueue?: readonly Readonly<Record<string, ParamValue>>[]
  /** So many failures of the objective one after the other end a worker. Default 10. */
  maxFailures?: number
}

/** The same, checked and made. */
export interface StudySetup {
  readonly name: string
  readonly storage: string
  readonly directions: readonly Direction[]
  readonly metricNames: readonly string[] | null
  readonly sampler: Sampler
  readonly pruner: Pruner
  readonly trials: number | null
  readonly timeout: number | null
  readonly workers: number
  readonly concurrency: number
  readonly heartbeat: HeartbeatOptions
  readonly enqueue: readonly Readonly<Record<string, ParamValue>>[]
  readonly maxFailures: number
}

const direction = z.enum(['minimize', 'maximize'])
const value = z.union([z.null(), z.boolean(), z.number(), z.string()])
const schema = z.strictObject({
  name: z.string().min(1).max(512).optional(),
  storage: z.string().optional(),
  direction: direction.optional(),
  directions: z.array(direction).min(1).optional(),
  metricNames: z.array(z.string()).optional(),
  sampler: z.unknown().default('tpe'),
  pruner: z.unknown().default('nop'),
  seed: z.int().min(0).optional(),
  trials: z.int().min(1).optional(),
  timeout: z.number().positive().optional(),
  workers: z.int().min(1).default(1),
  concurrency: z.int().min(1).default(1),
  heartbeat: z.unknown().default({}),
  enqueue: z.array(z.record(z.string(), value)).default([]),
  maxFailures: z.int().min(1).default(10),
})
const heartbeatSchema = z
  .strictObject({
    interval: z.number().positive().default(10),
    grace: z.number().positive().optional(),
    retry: z.int().min(0).default(1),
  })
  .refine(({ interval, grace }) => grace === undefined || grace > interval, {
    path: ['grace'],
    message: 'Invalid input: expected more than interval',
  })

/** All that is wrong is gathered, not the first of it. */
export interface Gathered {
  readonly problems: ErrorDetails[]
  /** What `make` gives; null where it finds something wrong. */
  try<T>(make: () => T): T | null
  /** @throws ConfigError where anything was wrong */
  check(where: string): void
}
export function gathering(): Gathered {
  const problems: ErrorDetails[] = []
  return {
    problems,
    try: make => {
      try {
        return make()
      } catch (error) {
        problems.push(...problemsOf(error))
        return null
      }
    },
    check: where => {
      if (problems.length === 1) throw new ConfigError(problems[0]!)
      if (problems.length > 1)
        throw new ConfigError({ code: 'bad-options', where, received: `${problems.length} problems`, problems })
    },
  }
}

/** Checks options and makes what they name; what is wrong is gathered, and null then. */
export function setupFrom(
  options: object,
  { name: fallback, where, space }: { name: string; where: string; space: Space | null },
  gathered: Gathered,
): StudySetup | null {
  const parsed = gathered.try(() => parseOptions(schema, options, where))
  // What the rest says is of interest even where the whole is refused.
  const raw = parsed ?? (options as ExperimentOptions)
  const seed = typeof raw.seed === 'number' ? { seed: raw.seed } : {}
  const sampler = gathered.try(() => {
    if (isSampler(raw.sampler) && raw.seed !== undefined)
      throw new ConfigError({
        code: 'seed-of-instance',
        where: `${where}.seed`,
        expected: 'a sampler by name or as a record, which takes the seed',
        received: `${raw.seed} beside a sampler that has its own`,
      })
    return samplerFrom(completed(raw.sampler ?? 'tpe', space), seed)
  })
  const pruner = gathered.try(() => prunerFrom(raw.pruner ?? 'nop'))
  const heartbeat = gathered.try(() => parseOptions(heartbeatSchema, raw.heartbeat ?? {}, `${where}.heartbeat`))
  const name = typeof raw.name === 'string' ? raw.name : fallback
  const storage = typeof raw.storage === 'string' ? raw.storage : `sqlite:///${name.replace(/[^\w.-]+/g, '-')}.db`
  gathered.try(() => {
    if (parseStorageUrl(storage).kind === 'memory' || storage.includes(':memory:'))
      throw new ConfigError({
        code: 'storage-not-shared',
        where: `${where}.storage`,
        expected: 'a storage that processes can share',
        received: storage,
        hint: 'on one machine sqlite:///file.db, on several postgresql://user@host/database',
      })
  })
  const directions = gathered.try(() => {
    const { direction, directions, metricNames } = raw
    if (direction !== undefined && directions !== undefined)
      throw new ConfigError({ code: 'directions', where, expected: 'direction or directions', received: 'both' })
    const list = directions ?? [direction ?? ('minimize' as const)]
    if (Array.isArray(metricNames) && metricNames.length !== list.length)
      throw new ConfigError({
        code: 'metric-names',
        where: `${where}.metricNames`,
        expected: `${list.length} names`,
        received: metricNames,
      })
    return list
  })
  if (parsed === null || sampler === null || pruner === null || heartbeat === null || directions === null) return null
  const { interval, grace = 6 * interval, retry } = heartbeat
  const { metricNames = null, trials = null, timeout = null, workers, concurrency, enqueue, maxFailures } = parsed
  return {
    name,
    storage,
    directions,
    metricNames,
    sampler,
    pruner,
    trials,
    timeout,
    workers,
    concurrency,
    heartbeat: { interval, grace, retry },
    enqueue,
    maxFailures,
  }
}

/** A grid without values takes those of the space. */
function completed(sampler: unknown, space: Space | null): unknown {
  const record = typeof sampler === 'string' ? { name: sampler } : sampler
  if (typeof record !== 'object' || record === null || isSampler(record)) return sampler
  const { name, type } = record as { name?: unknown; type?: unknown }
  const chosen = name ?? type
  if (chosen === 'grid' && space !== null && !('values' in record)) return { ...record, values: gridValues(space) }
  return sampler
}
