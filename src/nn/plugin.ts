import { z } from 'zod'
import { ConfigError, nearest, type Value } from '../ir/index.js'
import { parseOptions } from '../ir/options.js'

export { parseOptions }

/**
 * Regularizers, constraints, initializers and activations are plain records `{ type, ...parameters }`: they can be
 * written in JSON and saved with a model. What a type does stands in one table per family. A user's own is a function.
 */
export type Spec<Type extends string = string> = { readonly type: Type } & Readonly<Record<string, unknown>>

/** A family's table: for each type its parameters (a strict object: unknown ones are errors) and what it does. */
export type Family<F> = Readonly<Record<string, { readonly parameters: z.ZodObject; readonly apply: F }>>

/** Reads a type's name, a record or a function as an option of a layer; null and undefined mean none. */
export function specSchema<F, Input>(family: string, table: Family<F>) {
  const accepted = z.custom<Input | null | undefined>(() => true) // checked below, where all problems can be told
  return accepted.transform((given: unknown, context): Spec | null => {
    if (given === undefined || given === null) return null
    if (typeof given === 'function') return given as unknown as Spec // a user's own: resolveSpec tells them apart
    const record = typeof given === 'string' ? { type: given } : given
    const type = typeof record === 'object' && 'type' in record ? String(record.type) : String(given)
    const entry = table[type]
    if (entry === undefined) {
      context.addIssue({
        code: 'custom',
        message: `unknown ${family} '${type}'; did you mean ${nearest(type, Object.keys(table), 2).join(' or ')}?`,
      })
      return z.NEVER
    }
    const { type: _type, ...parameters } = record as Record<string, unknown>
    const parsed = entry.parameters.safeParse(parameters)
    if (!parsed.success) {
      for (const issue of parsed.error.issues)
        context.addIssue({ code: 'custom', message: `${family} ${type}: ${issue.path.join('.')} ${issue.message}` })
      return z.NEVER
    }
    return { type, ...parsed.data } as Spec
  })
}

/** The function of a spec (or a type's name): the user's own, or the table's with parameters checked and defaults filled in. */
export function resolveSpec<P extends readonly unknown[], R>(
  family: string,
  table: Family<(parameters: Record<string, unknown>, ...args: P) => R>,
  spec: string | Spec | ((...args: P) => R),
): (...args: P) => R {
  if (typeof spec === 'function') return spec
  const { type, ...given } = typeof spec === 'string' ? { type: spec } : spec
  const entry = table[type]
  if (entry === undefined)
    throw new ConfigError({
      code: `unknown-${family}`,
      where: family,
      expected: `one of ${Object.keys(table).join(', ')}`,
      received: type,
      hint: `did you mean ${nearest(type, Object.keys(table), 1)[0]}?`,
    })
  const parameters = parseOptions(entry.parameters, given, `${family} ${type}`) as Record<string, unknown>
  return (...args) => entry.apply(parameters, ...args)
}

/** What a function of the user's own has made of `x`, if it is a value of the same graph. */
export function checkValue(made: unknown, x: Value, family: string): Value {
  if (typeof made === 'object' && made !== null && 'graph' in made && made.graph === x.graph) return made as Value
  throw new ConfigError({
    code: 'not-a-value',
    where: `${family} of ${x.name}`,
    expected: 'a value computed from the one given',
    received: made === null ? 'null' : typeof made,
  })
}
