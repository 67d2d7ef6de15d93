import { ConfigError } from '../../ir/index.js'
import { type Distribution, distributionToJson, isSingle } from '../distribution.js'
import type { FrozenTrial } from '../frozen-trial.js'
import { intersectionSpace } from '../samplers/space.js'
import { checkParams, completeTrials, type ImportanceQuestion, targetOf } from './evaluator.js'

/** Trials as a table of numbers: ranges as [0, 1], choices as one column each that is 0 or 1. */
export interface Observations {
  /** All parameters assessed; those with a single value have no columns. */
  readonly names: readonly string[]
  /** For each name its columns. */
  readonly columnsOf: ReadonlyMap<string, readonly number[]>
  readonly columns: readonly Float64Array[]
  readonly y: Float64Array
}

/**
 * What a model of the objective is fitted to: complete trials with finite targets that were given all of the parameters.
 * Without names, the parameters that all complete trials were given alike (no conditional ones).
 * @param log ranges that are even in the logarithm are measured so; Optuna measures all linearly
 */
export function observationsOf(question: ImportanceQuestion, log: boolean, where: string): Observations {
  const target = targetOf(question, where)
  const complete = completeTrials(question.study)
  const space =
    question.params === null
      ? new Map(Object.entries(intersectionSpace(complete)))
      : commonSpace(complete, question.params, where)
  const names = [...space.keys()]
  const rows = complete
    .filter(trial => names.every(name => name in trial.internalParams))
    .map(trial => ({ trial, value: target(trial) }))
    .filter(({ value }) => Number.isFinite(value))
  const columns: Float64Array[] = []
  const columnsOf = new Map<string, number[]>()
  for (const [name, d] of space) {
    const places: number[] = []
    columnsOf.set(name, places)
    if (isSingle(d)) continue
    const raw = rows.map(({ trial }) => trial.internalParams[name]!)
    const scaled = (f: (x: number) => number) => places.push(columns.push(Float64Array.from(raw, f)) - 1)
    if (d.type === 'categorical') for (const choice of d.choices.keys()) scaled(x => (x === choice ? 1 : 0))
    else {
      const scale = d.log && log ? Math.log : (x: number) => x
      const [low, high] = [scale(d.low), scale(d.high)]
      scaled(x => Math.min(Math.max((scale(x) - low) / (high - low), 0), 1))
    }
  }
  return { names, columnsOf, columns, y: Float64Array.from(rows, ({ value }) => value) }
}

/** Whether there is nothing to fit: no trials to compare, or nothing that varies. */
export const isTooLittle = ({ columns, y }: Observations): boolean =>
  columns.length === 0 || y.length < 2 || y.every(value => value === y[0])

/** Adds up numbers of columns into numbers of parameters. */
export const byParameter = (
  { names, columnsOf }: Observations,
  importance: (columns: readonly number[]) => number,
): Record<string, number> =>
  Object.fromEntries(
    names.map(name => {
      const columns = columnsOf.get(name)!
      return [name, columns.length === 0 ? 0 : importance(columns)]
    }),
  )

function commonSpace(
  complete: readonly FrozenTrial[],
  params: readonly string[],
  where: string,
): ReadonlyMap<string, Distribution> {
  checkParams(params, complete, where)
  const having = complete.filter(trial => params.every(name => name in trial.distributions))
  if (having.length === 0 && params.length > 0)
    throw new ConfigError({
      code: 'never-together',
      where,
      expected: 'a complete trial that was given all of these parameters',
      received: params,
      hint: 'conditional parameters: ask for those of one branch, or use the evaluator pedAnova',
    })
  const known = having[0]?.distributions ?? {}
  const space = new Map([...params].sort().map(name => [name, known[name]!]))
  for (const trial of having)
    for (const [name, d] of space)
      if (distributionToJson(trial.distributions[name]!) !== distributionToJson(d))
        throw new ConfigError({
          code: 'dynamic-space',
          where: `${where}, ${name}`,
          expected: d,
          received: trial.distributions[name],
          hint: 'a parameter whose range changed between trials: use the evaluator pedAnova',
        })
  return space
}
