import { z } from 'zod'
import { parseOptions } from '../../ir/options.js'
import { type Distribution, distributionToJson, isSingle } from '../distribution.js'
import type { FrozenTrial } from '../frozen-trial.js'
import { sign } from '../pareto.js'
import { splitTrials } from '../samplers/tpe/split.js'
import { checkParams, completeTrials, type ImportanceEvaluator, type ImportanceQuestion } from './evaluator.js'
import { densityOnGrid } from './parzen-grid.js'

const schema = z
  .strictObject({
    targetQuantile: z.number().gt(0).max(1).default(0.1),
    regionQuantile: z.number().gt(0).max(1).default(1),
    local: z.boolean().default(true),
  })
  .refine(o => o.targetQuantile < o.regionQuantile, 'targetQuantile < regionQuantile')

export interface PedAnovaOptions {
  /** Importance for being among this share of the best; default 0.1. */
  targetQuantile?: number
  /** … within this share of the best; default 1, all trials. */
  regionQuantile?: number
  /** Compared with the trials there are (default true), or with an even spread over the range. */
  local?: boolean
}

/** Fewer trials than these with one distribution of a parameter say nothing. */
const LEAST = 2

/**
 * PED-ANOVA (Watanabe, Bansal, Hutter 2023), for conditional parameters and changing ranges too (conditional PED-ANOVA,
 * 2026): how differently a parameter is spread among the best trials than among all, as Pearson's divergence of two
 * density estimates. With a target, low ones are the best. With several objectives and no target, the best are the first
 * Pareto fronts. All parameters of complete trials are assessed. Defaults and figures are those of Optuna 5.
 * @throws ConfigError for options out of range
 */
export function pedAnova(options: PedAnovaOptions = {}): ImportanceEvaluator {
  const { targetQuantile, regionQuantile, local } = parseOptions(schema, options, 'pedAnova')
  return {
    name: 'pedAnova',
    evaluate: question => {
      const complete = completeTrials(question.study)
      const names = question.params ?? [...new Set(complete.flatMap(trial => Object.keys(trial.distributions)))]
      checkParams(names, complete, 'pedAnova')
      const { target } = question
      const trials = complete.filter(trial =>
        target === null ? trial.values!.every(Number.isFinite) : Number.isFinite(target(trial)),
      )
      if (trials.length < 2) return Object.fromEntries(names.map(name => [name, 0]))
      const best = new Set(bestOf(trials, targetQuantile, question).map(trial => trial.id))
      const region = bestOf(trials, regionQuantile, question)
      const importance = (name: string): number => {
        let sum = 0
        for (const { distribution, members } of regimesOf(name, region)) {
          const good = members.filter(trial => best.has(trial.id))
          if (distribution === undefined || isSingle(distribution) || good.length === 0) continue
          const values = (some: readonly FrozenTrial[]) => some.map(trial => trial.internalParams[name]!)
          const top = densityOnGrid(distribution, values(good))
          const all = local
            ? densityOnGrid(distribution, values(members))
            : new Float64Array(top.length).fill(1 / top.length)
          const [reached, there] = [good.length / best.size, members.length / region.length]
          sum += ((reached * reached) / there) * divergence(top, all, local)
        }
        return sum * (best.size / region.length) ** 2
      }
      return Object.fromEntries(names.map(name => [name, importance(name)]))
    },
  }
}

/** Pearson's: Σ q (p / q − 1)². */
function divergence(p: Float64Array, q: Float64Array, local: boolean): number {
  let sum = 0
  for (let i = 0; i < p.length; i++) {
    const there = local ? q[i]! + 1e-12 : q[i]!
    sum += there * ((p[i]! + 1e-12) / there - 1) ** 2
  }
  return sum
}

/** Trials by the distribution a parameter had; undefined where it was not asked for. */
function regimesOf(name: string, trials: readonly FrozenTrial[]) {
  const regimes = new Map<string, { distribution: Distribution | undefined; members: FrozenTrial[] }>()
  for (const trial of trials) {
    const distribution = trial.distributions[name]
    const key = distribution === undefined ? '' : distributionToJson(distribution)
    const regime = regimes.get(key) ?? { distribution, members: [] }
    regime.members.push(trial)
    regimes.set(key, regime)
  }
  return [...regimes.values()].filter(({ members }) => members.length >= LEAST)
}

function bestOf(
  trials: readonly FrozenTrial[],
  quantile: number,
  { study, target }: ImportanceQuestion,
): readonly FrozenTrial[] {
  if (quantile === 1) return trials
  const count = Math.ceil(quantile * trials.length)
  if (study.directions.length > 1 && target === null) {
    // Fronts alone count here, whether constraints are kept or not.
    const bare = trials.map(trial => ({ ...trial, systemAttrs: {} }))
    const good = new Set(splitTrials(bare, study.directions, count).good.map(trial => trial.id))
    return trials.filter(trial => good.has(trial.id))
  }
  const loss = (trial: FrozenTrial) =>
    target === null ? sign(study.directions[0]!) * trial.values![0]! : target(trial)
  const limit = trials.map(loss).sort((a, b) => a - b)[count - 1]!
  return trials.filter(trial => loss(trial) <= limit)
}
