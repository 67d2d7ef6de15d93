import { z } from 'zod'
import { ConfigError, type ErrorDetails, nearest } from './errors.js'

/** A problem for each option that is not known, with the nearest that is. */
export const unknownOptions = (options: object, known: readonly string[], where: string): ErrorDetails[] =>
  Object.keys(options)
    .filter(key => !known.includes(key))
    .map(key => unknownOption(key, known, where))

export const unknownOption = (key: string, known: readonly string[], where: string): ErrorDetails => ({
  code: 'unknown-option',
  where: `${where}.${key}`,
  expected: `one of ${known.join(', ')}`,
  received: key,
  hint: `did you mean ${nearest(key, known, 1)[0]}?`,
})

/** The error for some problems: one by itself, several together. */
const refusal = (problems: readonly ErrorDetails[], where: string) =>
  new ConfigError(
    problems.length === 1
      ? problems[0]!
      : { code: 'bad-options', where, received: `${problems.length} problems`, problems },
  )

/** Throws where there are problems. @throws ConfigError */
export function refuse(problems: readonly ErrorDetails[], where: string): void {
  if (problems.length > 0) throw refusal(problems, where)
}

/** Parses options with a schema; all problems are reported at once. */
export function parseOptions<S extends z.ZodType>(schema: S, options: unknown, where: string): z.output<S> {
  const parsed = schema.safeParse(options)
  if (parsed.success) return parsed.data
  const known = schema instanceof z.ZodObject ? Object.keys(schema.shape) : []
  const problems = parsed.error.issues.flatMap(issue =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map(key => unknownOption(key, known, where))
      : [
          {
            code: 'bad-option',
            where: [where, ...issue.path].join('.'),
            expected: issue.message
              .replace(/^(Invalid input|Too small|Too big|Invalid option): expected /, '')
              .replace(/, received .*$/, ''),
            received: valueAt(options, issue.path),
          },
        ],
  )
  throw refusal(problems, where)
}

const valueAt = (options: unknown, path: readonly PropertyKey[]): unknown =>
  path.reduce<unknown>(
    (at, key) => (typeof at === 'object' && at !== null ? (at as Record<PropertyKey, unknown>)[key] : undefined),
    options,
  )
