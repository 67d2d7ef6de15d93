import { ConfigError } from '../ir/index.js'

/** What an objective gave, as one value for each objective; null for none. */
export const listOf = (values: number | readonly number[] | null | undefined): readonly number[] | null =>
  values === undefined || values === null ? null : typeof values === 'number' ? [values] : [...values]

/** What values should have been; null where they are fit. */
export function valuesProblem(values: readonly number[] | null, objectives: number): string | null {
  if (values === null || values.length !== objectives) return `${objectives} numbers`
  return values.every(x => typeof x === 'number' && !Number.isNaN(x)) ? null : 'numbers that are not NaN'
}
/** @throws ConfigError for values that are not fit */
export function checkValues(values: readonly number[] | null, objectives: number, where: string): void {
  const expected = valuesProblem(values, objectives)
  if (expected !== null) throw new ConfigError({ code: 'bad-values', where, expected, received: values })
}
