import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { createStudy } from '../create.js'
import type { Direction } from '../frozen-trial.js'
import { parseJson } from '../json.js'
import type { Trial } from '../trial.js'
import { crc32 } from './crc32.js'
import { bracketBudgets, hyperband } from './hyperband.js'
import { median, patient, percentile, successiveHalving, threshold, wilcoxon } from './index.js'
import type { Pruner } from './pruner.js'
import { signedRank } from './signed-rank.js'

type Event = ['ask'] | ['report', number, number, number, 0 | 1] | ['tell', number, number?]
interface Recorded {
  readonly name: string
  readonly direction: Direction
  readonly pruner: string
  readonly options: Readonly<Record<string, number>>
  readonly events: readonly Event[]
}
// Written by the scripts beside them; NaN and infinite values stand bare.
const read = <T>(name: string) =>
  parseJson(readFileSync(new URL(`./figures/${name}.json`, import.meta.url), 'utf8')) as unknown as T
const { studies } = read<{ studies: readonly Recorded[] }>('optuna_pruner_studies')
const figures = read<{
  tests: readonly { differences: readonly number[]; p: number }[]
  brackets: readonly {
    minResource: number
    maxResource: number
    reductionFactor: number
    name: string
    budgets: readonly number[]
    numbers: readonly number[]
    ids: readonly number[]
  }[]
  counts: readonly (readonly [number, number, number])[]
}>('optuna_pruners')

const camel = (options: Readonly<Record<string, number>>) =>
  Object.fromEntries(Object.entries(options).map(([k, v]) => [k.replace(/_(.)/g, (_, c) => c.toUpperCase()), v]))

function make(pruner: string, options: Readonly<Record<string, number>>): Pruner {
  const { percentile: keep, ...rest } = camel(options)
  if (pruner === 'percentile') return percentile(keep!, rest)
  if (pruner === 'patient') return patient(null, rest as { patience: number })
  if (pruner === 'patientMedian') return patient(median({ nStartupTrials: 2 }), rest as { patience: number })
  return { median, successiveHalving, hyperband, threshold, wilcoxon }[pruner]!(rest)
}

describe('pruners decide as Optuna 5', () => {
  test.each(studies.map(study => [study.name, JSON.stringify(study.options), study] as const))(
    '%s %s',
    async (_, __, { name, direction, pruner, options, events }) => {
      const study = await createStudy({ name, direction, pruner: make(pruner, options) })
      const trials: Trial[] = []
      const wrong: unknown[] = []
      for (const event of events) {
        if (event[0] === 'ask') trials.push(await study.ask())
        else if (event[0] === 'report') {
          const [, number, step, value, prune] = event
          await trials[number]!.report(value, step)
          if ((await trials[number]!.shouldPrune()) !== (prune === 1)) wrong.push(event)
        } else {
          const [, number, value] = event
          await study.tell(trials[number]!, value, value === undefined ? { state: 'PRUNED' } : {})
        }
      }
      expect(wrong).toEqual([])
    },
  )
})

test('the recorded studies have decisions of both kinds', () => {
  const reports = studies.flatMap(study => study.events.filter(event => event[0] === 'report'))
  expect(reports.filter(event => event[4] === 1).length).toBeGreaterThan(200)
  expect(reports.filter(event => event[4] === 0).length).toBeGreaterThan(2000)
})

test('the signed-rank test gives the p values of scipy: exact, with ties and zeros, and approximate', () => {
  for (const { differences, p } of figures.tests)
    expect(Math.abs(signedRank(differences) - p), JSON.stringify(differences)).toBeLessThan(1e-12)
})

test('Hyperband parts trials into the brackets of Optuna', () => {
  for (const { name, numbers, ids, budgets, ...options } of figures.brackets) {
    const { minResource, maxResource, reductionFactor } = options
    expect(bracketBudgets(minResource, maxResource, reductionFactor)).toEqual(budgets)
    const trials = numbers.map(number => ({ number }) as never)
    const view = { name, directions: ['minimize'] as const, trials, systemAttrs: {} }
    const { filterTrials } = hyperband(options)
    numbers.forEach((_, i) => {
      expect(filterTrials!(view, trials[i]!)).toEqual(trials.filter((__, k) => ids[k] === ids[i]))
    })
  }
})

test('brackets are counted as Optuna counts them at every power', () => {
  for (const [max, factor, count] of figures.counts)
    expect(bracketBudgets(1, max, factor).length, `${max} by ${factor}`).toBe(count)
})

test('CRC-32 has its check value', () => {
  expect(crc32(new TextEncoder().encode('123456789'))).toBe(0xcbf43926)
})
