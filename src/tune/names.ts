import { ConfigError, nearest } from '../ir/index.js'
import * as prunerModule from './pruners/index.js'
import type { Pruner } from './pruners/pruner.js'
import * as samplerModule from './samplers/index.js'
import type { Sampler } from './samplers/sampler.js'

/** A sampler or pruner as data: its name, or a record with `name` (or `type`) and its options. */
export type Named = string | { readonly name?: string; readonly type?: string; readonly [option: string]: unknown }

type Options = Readonly<Record<string, unknown>>
type Make<T> = (options: Options) => T
/** What a factory of our own is before its options are known to fit; it checks them itself. */
type Factory = (...args: unknown[]) => unknown

/** Those whose first argument is not their options; a record names it. */
const SAMPLER_FORMS: Readonly<Record<string, (make: Factory, options: Options) => unknown>> = {
  grid: (make, { values, ...rest }) => make(values, rest),
  partialFixed: (make, { fixed, base = 'tpe', ...rest }) => make(fixed, samplerFrom(base, rest)),
}
const PRUNER_FORMS: Readonly<Record<string, (make: Factory, options: Options) => unknown>> = {
  percentile: (make, { percentile, ...rest }) => make(percentile, rest),
  patient: (make, { pruner = null, ...rest }) => make(pruner === null ? null : prunerFrom(pruner), rest),
}

/** What the folders export besides. */
const OTHERS: readonly string[] = ['chooseSampler']

function table<T>(
  module: object,
  forms: Readonly<Record<string, (make: Factory, options: Options) => unknown>>,
): Readonly<Record<string, Make<T>>> {
  const factories = Object.entries(module).filter(
    (entry): entry is [string, Factory] => typeof entry[1] === 'function' && !OTHERS.includes(entry[0]),
  )
  return Object.fromEntries(
    factories.map(([name, make]): [string, Make<T>] => {
      const form = forms[name]
      // Each factory of these folders gives what the folder is of.
      return [name, options => (form === undefined ? make(options) : form(make, options)) as T]
    }),
  )
}

/** Every sampler by name: what the folder exports is found here. */
export const samplersByName: Readonly<Record<string, Make<Sampler>>> = table(samplerModule, SAMPLER_FORMS)
/** Every pruner by name. */
export const prunersByName: Readonly<Record<string, Make<Pruner>>> = table(prunerModule, PRUNER_FORMS)

/**
 * A sampler from its name, a record, or itself.
 * @throws ConfigError `unknown-name` with the nearest names, and what the sampler says of its options
 */
export const samplerFrom = (given: unknown, defaults: Options = {}): Sampler =>
  isSampler(given) ? given : fromTable(given, samplersByName, 'sampler', defaults)

/** A pruner from its name, a record, or itself. @throws as samplerFrom */
export const prunerFrom = (given: unknown): Pruner =>
  isPruner(given) ? given : fromTable(given, prunersByName, 'pruner', {})

export const isSampler = (given: unknown): given is Sampler =>
  typeof given === 'object' && given !== null && 'sampleIndependent' in given
const isPruner = (given: unknown): given is Pruner =>
  typeof given === 'object' && given !== null && 'prune' in given && typeof given.prune === 'function'

function fromTable<T>(given: unknown, names: Readonly<Record<string, Make<T>>>, what: string, defaults: Options): T {
  const record = typeof given === 'string' ? { name: given } : given
  const known = Object.keys(names).join(', ')
  if (typeof record !== 'object' || record === null || Array.isArray(record))
    throw new ConfigError({
      code: 'bad-option',
      where: what,
      expected: `a name (${known}) or a record`,
      received: given,
    })
  const { name, type, ...options } = record as Readonly<Record<string, unknown>>
  const chosen = name ?? type
  if (typeof chosen !== 'string' || (name !== undefined && type !== undefined && name !== type))
    throw new ConfigError({
      code: 'bad-option',
      where: `${what}.name`,
      expected: `one of ${known}`,
      received: chosen ?? 'none',
    })
  if (!Object.hasOwn(names, chosen))
    throw new ConfigError({
      code: 'unknown-name',
      where: `${what}.name`,
      expected: `one of ${known}`,
      received: chosen,
      hint: `did you mean ${nearest(chosen, Object.keys(names), 1)[0]}?`,
    })
  return names[chosen]!({ ...defaults, ...options })
}
