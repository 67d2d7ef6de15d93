import { counterRandom } from '../ir/index.js'
import { type Distribution, type ParamValue, snap } from './distribution.js'
import { drawFrom } from './samplers/random.js'

export interface ExploreOptions {
  readonly seed: number
  /** Tells one exploration from another. */
  readonly turn: number
  readonly member: number
  readonly resampleProbability: number
  readonly factors: readonly number[]
}

/**
 * Parameters a step away (Jaderberg et al. 2017): each is drawn anew with some probability, else times one of the factors,
 * within its range. A whole number moves by a step at least. A choice has no neighbours: it stays unless drawn anew.
 */
export function explore(
  params: Readonly<Record<string, ParamValue>>,
  distributions: Readonly<Record<string, Distribution>>,
  { seed, turn, member, resampleProbability, factors }: ExploreOptions,
): Record<string, ParamValue> {
  return Object.fromEntries(
    Object.entries(params).map(([name, value]) => {
      const random = counterRandom(seed, 'explore', turn, member, name)
      const d = distributions[name]!
      if (random.uniform(0) < resampleProbability) return [name, drawFrom(d, random, 1)]
      if (d.type === 'categorical') return [name, value]
      const factor = factors[random.below(1, factors.length)]!
      return [name, scaled(d, Number(value), factor)]
    }),
  )
}

function scaled(d: Exclude<Distribution, { type: 'categorical' }>, value: number, factor: number): number {
  const within = (x: number) => Math.min(Math.max(x, d.low), d.high)
  const next = Number(snap(d, within(value * factor)))
  if (d.step === null || next !== value || factor === 1 || value === 0) return next
  return Number(snap(d, within(value + Math.sign((factor - 1) * value) * d.step)))
}
