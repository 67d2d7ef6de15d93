import { ConfigError, nearest } from '../../ir/index.js'
import type { ScheduleFactory } from './define.js'
import type { NamedSchedule, ScheduleConfig } from './schedule.js'
import * as table from './table.js'

/** Deeper than anyone composes by hand; a file from outside must not exhaust the stack. */
const DEEPEST = 100

/**
 * A schedule from its config: `scheduleFromConfig(schedule.config)` is the same schedule again.
 * @throws ConfigError for a type that is none, and for options the schedule itself would refuse
 */
export const scheduleFromConfig = (config: ScheduleConfig): NamedSchedule => make(config, 0)

function make(config: ScheduleConfig, depth: number): NamedSchedule {
  const type: unknown = isConfig(config) ? config.type : config
  const factories: Readonly<Record<string, ScheduleFactory<never[]>>> = table
  if (typeof type !== 'string' || !Object.hasOwn(factories, type))
    throw new ConfigError({
      code: 'unknown-schedule',
      where: 'schedule',
      expected: `a config whose type is one of ${Object.keys(factories).join(', ')}`,
      received: type,
      ...(typeof type === 'string' ? { hint: `did you mean ${nearest(type, Object.keys(factories), 1)[0]}?` } : {}),
    })
  if (depth > DEEPEST)
    throw new ConfigError({
      code: 'schedule-depth',
      where: `schedule ${type}`,
      expected: `at most ${DEEPEST} schedules inside each other`,
      received: 'more',
    })
  const { type: _type, ...options } = config
  return factories[type]!.fromOptions(
    Object.fromEntries(Object.entries(options).map(([name, value]) => [name, revived(value, depth + 1)])),
  )
}

/** An option with the configs in it made schedules. */
const revived = (value: unknown, depth: number): unknown =>
  Array.isArray(value)
    ? value.map(item => (isConfig(item) ? make(item, depth) : item))
    : isConfig(value)
      ? make(value, depth)
      : value

const isConfig = (value: unknown): value is ScheduleConfig =>
  typeof value === 'object' && value !== null && 'type' in value
