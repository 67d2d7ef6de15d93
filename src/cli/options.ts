import { ConfigError } from '../ir/index.js'

/** What an option says, read; all that is wrong is told of by the one check at the end. */
export function numberOption(
  text: string | undefined,
  option: string,
  whole: boolean,
  least: number,
): number | undefined {
  if (text === undefined) return undefined
  const value = text.trim() === '' ? Number.NaN : Number(text)
  if (!Number.isFinite(value) || (whole && !Number.isInteger(value)) || value < least)
    throw new ConfigError({
      code: 'bad-option',
      where: `--${option}`,
      expected: `a ${whole ? 'whole ' : ''}number ≥ ${least}`,
      received: text,
    })
  return value
}

const UNITS = { s: 1, m: 60, h: 3600, d: 86400 } as const

/** Seconds: `90`, `90s`, `10m`, `1.5h`, `2d`. */
export function secondsOption(text: string | undefined, option: string): number | undefined {
  if (text === undefined) return undefined
  const match = /^(\d+(?:\.\d+)?)\s*([smhd]?)$/.exec(text.trim())
  const seconds = match === null ? 0 : Number(match[1]) * UNITS[(match[2] || 's') as keyof typeof UNITS]
  if (seconds > 0) return seconds
  throw new ConfigError({
    code: 'bad-option',
    where: `--${option}`,
    expected: 'a time: 90, 90s, 10m, 2h',
    received: text,
  })
}

/** A name, or a record in JSON: `tpe`, `{"name":"tpe","multivariate":true}`. */
export function namedOption(text: string | undefined, option: string): string | Record<string, unknown> | undefined {
  if (text === undefined || !text.trimStart().startsWith('{')) return text
  try {
    return JSON.parse(text) as Record<string, unknown> // it begins with a brace
  } catch (error) {
    throw new ConfigError({
      code: 'bad-json',
      where: `--${option}`,
      expected: 'a name, or a record in JSON',
      received: error instanceof Error ? error.message : text,
      cause: error,
    })
  }
}
