import { z } from 'zod'
import { ConfigError, type ErrorDetails, nearest, problemsOf } from '../../ir/index.js'
import { parseOptions } from '../../ir/options.js'
import { type Choice, cardinality, type Distribution, toExternal } from '../distribution.js'
import {
  type Branches,
  categorical,
  type Dimension,
  type Dimensions,
  float,
  int,
  oneOf,
  type Space,
  space,
} from '../space.js'

const choice = z.union([z.null(), z.boolean(), z.number(), z.string()])
const kinds = {
  float: z.strictObject({
    type: z.literal('float'),
    low: z.number(),
    high: z.number(),
    log: z.boolean().optional(),
    step: z.number().nullable().optional(),
  }),
  int: z.strictObject({
    type: z.literal('int'),
    low: z.int(),
    high: z.int(),
    log: z.boolean().optional(),
    step: z.int().optional(),
  }),
  categorical: z.strictObject({ type: z.literal('categorical'), choices: z.array(choice) }),
  oneOf: z.strictObject({ type: z.literal('oneOf'), branches: z.record(z.string(), z.unknown()) }),
} as const

/**
 * A search space from JSON: for each name `{ "type": "float" | "int", "low", "high", "log", "step" }`,
 * `{ "type": "categorical", "choices" }` (or the list of choices alone), or `{ "type": "oneOf", "branches": { choice: { … } } }`.
 * @throws ConfigError with all problems
 */
export function spaceFromJson(json: unknown, where = 'space'): Space {
  const problems: ErrorDetails[] = []
  const dimensions = dimensionsFrom(json, where, problems)
  if (problems.length === 1) throw new ConfigError(problems[0]!)
  if (problems.length > 0)
    throw new ConfigError({ code: 'bad-options', where, received: `${problems.length} problems`, problems })
  return space(dimensions)
}

function dimensionsFrom(json: unknown, where: string, problems: ErrorDetails[]): Dimensions {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    problems.push({ code: 'bad-space', where, expected: 'a record of parameters by name', received: json })
    return {}
  }
  const entries: [string, Dimension | Branches][] = []
  for (const [name, given] of Object.entries(json))
    try {
      entries.push([name, dimensionFrom(given, `${where}.${name}`, problems)])
    } catch (error) {
      problems.push(...problemsOf(error))
    }
  return Object.fromEntries(entries)
}

function dimensionFrom(given: unknown, where: string, problems: ErrorDetails[]): Dimension | Branches {
  const record = Array.isArray(given) ? { type: 'categorical', choices: given } : given
  const type = typeof record === 'object' && record !== null && 'type' in record ? record.type : undefined
  switch (type) {
    case 'float': {
      const { low, high, log = false, step = null } = parseOptions(kinds.float, record, where)
      return naming(where, () => float(low, high, { log, step }))
    }
    case 'int': {
      const { low, high, log = false, step = 1 } = parseOptions(kinds.int, record, where)
      return naming(where, () => int(low, high, { log, step }))
    }
    case 'categorical': {
      const { choices } = parseOptions(kinds.categorical, record, where)
      return naming(where, () => categorical(choices))
    }
    case 'oneOf': {
      const { branches } = parseOptions(kinds.oneOf, record, where)
      if (Object.keys(branches).length === 0)
        throw new ConfigError({ code: 'bad-space', where, expected: 'one branch or more', received: 'none' })
      return oneOf(
        Object.fromEntries(
          Object.entries(branches).map(([name, inner]) => [name, dimensionsFrom(inner, `${where}.${name}`, problems)]),
        ),
      )
    }
    default:
      throw new ConfigError({
        code: 'bad-space',
        where,
        expected: `a type: ${Object.keys(kinds).join(', ')}`,
        received: type === undefined ? given : type,
        ...(typeof type === 'string' ? { hint: `did you mean ${nearest(type, Object.keys(kinds), 1)[0]}?` } : {}),
      })
  }
}

/** What a range's own check finds, said of the place in the file. */
function naming<T>(where: string, make: () => T): T {
  try {
    return make()
  } catch (error) {
    throw new ConfigError({ ...problemsOf(error)[0]!, where })
  }
}

/** Every parameter a space may ask for, with its distribution, by the names they have in a study. */
export function distributionsOf({ dimensions }: Space): ReadonlyMap<string, Distribution> {
  const all = new Map<string, Distribution>()
  const walk = (of: Dimensions, prefix: string) => {
    for (const [name, dimension] of Object.entries(of)) {
      const path = `${prefix}${name}`
      if ('distribution' in dimension) all.set(path, dimension.distribution)
      else {
        all.set(path, { type: 'categorical', choices: Object.keys(dimension.branches) })
        for (const [choice, inner] of Object.entries(dimension.branches)) walk(inner, `${path}.${choice}.`)
      }
    }
  }
  walk(dimensions, '')
  return all
}

/** The values of a space's parameters, for a grid. @throws ConfigError where one has endlessly many, or depends on another */
export function gridValues(space: Space): Readonly<Record<string, readonly Choice[]>> {
  const values = (name: string, d: Distribution): Choice[] => {
    const count = cardinality(d)
    if (count === Infinity)
      throw new ConfigError({
        code: 'endless-range',
        where: `space.${name}`,
        expected: 'finitely many values, for a grid',
        received: d,
        hint: 'give a step, or the sampler its values',
      })
    return Array.from({ length: count }, (_, i) =>
      toExternal(
        d,
        d.type === 'categorical' ? i : Math.min(Number((d.low + i * (d.step ?? 0)).toPrecision(12)), d.high),
      ),
    )
  }
  const nested = Object.entries(space.dimensions).find(([, dimension]) => !('distribution' in dimension))
  if (nested !== undefined)
    throw new ConfigError({
      code: 'conditional-grid',
      where: `space.${nested[0]}`,
      expected: 'parameters that are always asked for, for a grid',
      received: 'branches',
      hint: 'bruteForce searches conditional spaces whole',
    })
  return Object.fromEntries([...distributionsOf(space)].map(([name, d]) => [name, values(name, d)]))
}
