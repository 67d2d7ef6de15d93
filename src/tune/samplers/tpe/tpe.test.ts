import { describe, expect, test } from 'vitest'
import { readFigures } from '../../../testing/figures.js'
import { distributionFromJson } from '../../distribution.js'
import type { Direction, FrozenTrial, TrialState } from '../../frozen-trial.js'
import { freshTrial } from '../../storage/memory.js'
import { defaultWeights } from './index.js'
import { logMixture, mixtureWeights, parzen } from './parzen.js'
import { splitTrials } from './split.js'

interface Figures {
  readonly parzen: readonly {
    readonly name: string
    readonly space: Readonly<Record<string, string>>
    readonly variant: { readonly endpoints?: boolean; readonly magicClip?: boolean; readonly priorWeight?: number }
    readonly observations: Readonly<Record<string, number[]>>
    readonly at: Readonly<Record<string, number[]>>
    readonly logPdf: readonly number[]
  }[]
  readonly splits: readonly {
    readonly directions: readonly Direction[]
    readonly trials: readonly {
      readonly state: TrialState
      readonly values: number[] | null
      readonly steps: readonly (readonly [number, number | null])[]
      readonly constraints: Readonly<Record<string, number>>
    }[]
    readonly below: number
    readonly good: number[]
    readonly rest: number[]
  }[]
}
const figures = readFigures<Figures>(new URL('../figures/optuna.json', import.meta.url))

describe("against Optuna's TPE", () => {
  test.each(
    figures.parzen.map(f => [f.name, Object.values(f.observations)[0]!.length, JSON.stringify(f.variant), f] as const),
  )('the density of %s with %i observations %s', (_, count, __, f) => {
    const space = Object.fromEntries(Object.entries(f.space).map(([name, json]) => [name, distributionFromJson(json)]))
    const columns = (record: Readonly<Record<string, number[]>>) => Object.values(record).map(x => Float64Array.from(x))
    const { endpoints = false, magicClip = true, priorWeight = 1 } = f.variant
    const mixture = parzen(space, columns(f.observations), mixtureWeights(defaultWeights(count), priorWeight), {
      endpoints,
      magicClip,
      priorWeight,
    })
    logMixture(mixture, columns(f.at)).forEach((x, i) => {
      const wanted = f.logPdf[i]!
      expect(Math.abs(x - wanted), `${x} for ${wanted}`).toBeLessThan(1e-9 * Math.max(1, Math.abs(wanted)))
    })
  })

  test.each(figures.splits.map((f, i) => [i, f.directions.join(' '), f.trials.length, f.below, f] as const))(
    'split %i, to %s: %i trials, %i of them good',
    (_, __, ___, below, f) => {
      const trials = f.trials.map(
        ({ state, values, steps, constraints }, number): FrozenTrial => ({
          ...freshTrial(),
          id: number,
          number,
          state,
          values,
          intermediateValues: new Map(steps.map(([step, value]) => [step, value ?? Number.NaN])),
          systemAttrs: Object.fromEntries(Object.entries(constraints).map(([k, v]) => [`constraints:${k}`, v])),
        }),
      )
      const { good, rest } = splitTrials(trials, f.directions, below)
      expect([good.map(t => t.number), rest.map(t => t.number)]).toEqual([f.good, f.rest])
    },
  )
})
