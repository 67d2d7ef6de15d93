import type { z } from 'zod'
import { ConfigError } from '../../ir/index.js'
import { parseOptions } from '../../ir/options.js'
import { isNamedSchedule, type NamedSchedule } from './schedule.js'

/** A schedule's factory. `fromOptions` takes options whose types nobody has checked: those of a config. */
export interface ScheduleFactory<Arguments extends readonly unknown[], Extras = unknown> {
  (...args: Arguments): NamedSchedule & Extras
  readonly type: string
  readonly fromOptions: (options: Readonly<Record<string, unknown>>) => NamedSchedule & Extras
}

/** Short names of options: `{ steps: 'decaySteps' }`. */
type ShortNames<O> = Readonly<Record<string, keyof O & string>>

/** Options where some names may be said in short. */
type InShort<O, Short extends ShortNames<O>> = [keyof Short] extends [never]
  ? O
  : Omit<O, Short[keyof Short]> & EachName<O, Short>
/** For each short name that or the long one: an intersection of unions. */
type EachName<O, Short extends ShortNames<O>> = {
  [S in keyof Short]: (option: Pick<O, Short[S]> | { [K in S]: O[Short[S]] }) => void
}[keyof Short] extends (option: infer All) => void
  ? All
  : never

/**
 * Makes a schedule's factory from the schema of its options and its rule. The rule is a pure function of the step, in
 * double precision; the factory checks options (all problems at once) and steps.
 */
export function defineSchedule<
  S extends z.ZodObject,
  const Short extends ShortNames<z.input<S>> = Record<never, never>,
  Extras extends object = Record<never, never>,
>(
  type: string,
  definition: {
    readonly options: S
    readonly short?: Short
    readonly rate: (options: z.output<S>) => (step: number) => number
    /** Further schedules that go with this one, as properties. */
    readonly extras?: (options: z.output<S>) => Extras
  },
): ScheduleFactory<[options: InShort<z.input<S>, Short>], Extras> {
  const where = `schedules.${type}`
  const make = (given: unknown) => {
    const options = parseOptions(definition.options, inFull(given, definition.short ?? {}, where), where)
    const rule = definition.rate(options)
    const config = { type, ...(configOf(options) as object) }
    const schedule = (step: number): number => {
      if (!Number.isFinite(step) || step < 0)
        throw new ConfigError({ code: 'bad-step', where, expected: 'a finite number of updates ≥ 0', received: step })
      return rule(step)
    }
    // Without `extras` in the definition, Extras is its default, which has no keys.
    return Object.assign(schedule, { config }, definition.extras?.(options) ?? ({} as Extras))
  }
  return Object.assign(make, { type, fromOptions: make })
}

/** The same factory under another form of call; `options` makes its options from the arguments. */
export const calledWith = <Arguments extends readonly unknown[], Options, Extras>(
  factory: ScheduleFactory<[Options], Extras>,
  options: (...args: Arguments) => Options,
): ScheduleFactory<Arguments, Extras> =>
  Object.assign((...args: Arguments) => factory(options(...args)), {
    type: factory.type,
    fromOptions: factory.fromOptions,
  })

/** Options under their full names. */
function inFull(given: unknown, short: Readonly<Record<string, string>>, where: string): unknown {
  if (typeof given !== 'object' || given === null) return given
  const options = { ...given } as Record<string, unknown>
  for (const [name, full] of Object.entries(short)) {
    const value = options[name]
    delete options[name]
    if (value === undefined) continue
    if (options[full] !== undefined)
      throw new ConfigError({
        code: 'option-given-twice',
        where: `${where}.${name}`,
        expected: `${full} or, in short, ${name}`,
        received: 'both',
      })
    options[full] = value
  }
  return options
}

/** Options as plain data: schedules among them by their configs. */
function configOf(value: unknown): unknown {
  if (isNamedSchedule(value)) return value.config
  if (Array.isArray(value)) return value.map(configOf)
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, configOf(inner)]))
  return value
}
