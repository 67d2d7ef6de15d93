import { ConfigError, nearest } from '../../ir/index.js'
import { short } from '../../report/index.js'
import { type Distribution, isSingle } from '../distribution.js'
import type { FrozenTrial } from '../frozen-trial.js'

/** A parameter as trials were asked for it. */
export interface Parameter {
  readonly name: string
  /** A range of numbers, or choices in their order. */
  readonly kind: 'number' | 'choice'
  readonly log: boolean
  /** The ends of all ranges it had; of choices 0 and the last one's place. */
  readonly range: readonly [low: number, high: number]
  /** Choices in words. */
  readonly choices: readonly string[]
  /** Only one value was possible. */
  readonly single: boolean
  /** How many of the trials looked at have it; fewer than all where it is conditional. */
  readonly count: number
}

/** The parameters of some trials in the order in which they were first asked for. */
export function parametersOf(trials: readonly FrozenTrial[], only: readonly string[] | null = null): Parameter[] {
  const known = new Map<string, Distribution[]>()
  for (const trial of trials)
    for (const [name, d] of Object.entries(trial.distributions)) {
      const list = known.get(name)
      if (list === undefined) known.set(name, [d])
      else list.push(d)
    }
  const unknown = (only ?? []).filter(name => !known.has(name))
  if (unknown.length > 0 && trials.length > 0)
    throw new ConfigError({
      code: 'unknown-parameter',
      where: 'params',
      expected: `of ${nearest(unknown[0]!, [...known.keys()], 5).join(', ')}`,
      received: unknown,
    })
  return [...known].filter(([name]) => only?.includes(name) ?? true).map(([name, list]) => parameterOf(name, list))
}

function parameterOf(name: string, list: readonly Distribution[]): Parameter {
  const last = list.at(-1)!
  const common = { name, single: list.every(isSingle), count: list.length }
  if (last.type === 'categorical') {
    const choices = [...new Set(list.flatMap(d => (d.type === 'categorical' ? d.choices.map(String) : [])))]
    return { ...common, kind: 'choice', log: false, range: [0, choices.length - 1], choices }
  }
  const ranges = list.flatMap(d => (d.type === 'categorical' ? [] : [d]))
  const range = [Math.min(...ranges.map(d => d.low)), Math.max(...ranges.map(d => d.high))] as const
  return { ...common, kind: 'number', log: last.log, range, choices: [] }
}

/** A trial's value of a parameter as a number: of a choice its place; null where it was not asked for. */
export function placeOf(parameter: Parameter, trial: FrozenTrial): number | null {
  if (!(parameter.name in trial.params)) return null
  const value = trial.params[parameter.name]!
  if (parameter.kind === 'number') return typeof value === 'number' ? value : null
  const place = parameter.choices.indexOf(String(value))
  return place < 0 ? null : place
}

/** A parameter's value in words. */
export const valueText = (parameter: Parameter, trial: FrozenTrial): string => {
  const value = trial.params[parameter.name]
  return value === undefined ? '—' : typeof value === 'number' ? short(value) : String(value)
}

/** How many of the trials have a parameter, where not all do. */
export const sometimes = ({ count }: Parameter, trials: number): string =>
  count < trials ? ` (in ${count} of ${trials} trials)` : ''
