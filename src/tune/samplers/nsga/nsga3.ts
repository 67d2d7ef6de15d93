import { z } from 'zod'
import { ConfigError, type CounterRandom } from '../../../ir/index.js'
import { parseOptions } from '../../../ir/options.js'
import type { Sampler } from '../sampler.js'
import { type GeneticOptions, genetic, geneticSchema } from './genetic.js'
import { fronts, type Individual } from './population.js'

export interface Nsga3Options extends GeneticOptions {
  /** Directions the front is to be spread over, one weight for each objective; default: evenly on the simplex. */
  referencePoints?: readonly (readonly number[])[] | null
  /** Into how many parts each side of the simplex is divided; default 3. */
  dividingParameter?: number
}

const schema = z.strictObject({
  ...geneticSchema,
  referencePoints: z.array(z.array(z.number().nonnegative())).nullable().default(null),
  dividingParameter: z.int().positive().default(3),
})

/**
 * NSGA-III (Deb & Jain 2014): as NSGA-II, for many objectives; of the last front those survive that lie along the least
 * crowded reference directions. Options and defaults of Optuna's NSGAIIISampler.
 * @throws ConfigError for options out of range
 */
export function nsga3(options: Nsga3Options = {}): Sampler {
  const { referencePoints, dividingParameter, ...o } = parseOptions(schema, options, 'samplers.nsga3')
  return genetic('nsga3', 'NSGAIIISampler:generation', o, (population, size, random) => {
    const objectives = population[0]!.losses.length
    const points = referencePoints ?? simplex(objectives, dividingParameter)
    if (points.some(point => point.length !== objectives))
      throw new ConfigError({
        code: 'reference-points',
        where: 'samplers.nsga3.referencePoints',
        expected: `${objectives} weights in each`,
        received: points.map(point => point.length),
      })
    return along(population, size, points, random)
  })
}

/** All points of a simplex whose coordinates are multiples of 1 / parts (Das & Dennis 1998). */
function simplex(dimensions: number, parts: number): number[][] {
  if (dimensions === 1) return [[parts]]
  const out: number[][] = []
  for (let first = 0; first <= parts; first++)
    for (const rest of simplex(dimensions - 1, parts - first)) out.push([first, ...rest])
  return out
}

function along(
  population: readonly Individual[],
  size: number,
  points: readonly (readonly number[])[],
  random: CounterRandom,
): Individual[] {
  const chosen: Individual[] = []
  let last: Individual[] = []
  for (const front of fronts(population)) {
    if (chosen.length + front.length > size) {
      last = front
      break
    }
    chosen.push(...front)
    if (chosen.length === size) return chosen
  }
  const normal = normalized([...chosen, ...last])
  const niche = new Map(
    [...chosen, ...last].map(p => {
      const x = normal.get(p)!
      const distances = points.map(point => perpendicular(x, point))
      const nearest = distances.indexOf(Math.min(...distances))
      return [p, { nearest, distance: distances[nearest]! }] as const
    }),
  )
  const counts = points.map((_, i) => chosen.filter(p => niche.get(p)!.nearest === i).length)
  const left = new Set(last)
  for (let draw = 0; chosen.length < size && left.size > 0; draw++) {
    // The least crowded direction that still has candidates; among equals one by chance.
    const open = points.map((_, i) => i).filter(i => [...left].some(p => niche.get(p)!.nearest === i))
    const least = Math.min(...open.map(i => counts[i]!))
    const equal = open.filter(i => counts[i] === least)
    const direction = equal[random.below(draw, equal.length)]!
    const candidates = [...left].filter(p => niche.get(p)!.nearest === direction)
    const best = candidates.reduce((a, b) => (niche.get(b)!.distance < niche.get(a)!.distance ? b : a))
    chosen.push(best)
    left.delete(best)
    counts[direction]!++
  }
  return chosen
}

/** Losses from the ideal point, in units of the extent of the fronts. */
function normalized(population: readonly Individual[]): Map<Individual, number[]> {
  const objectives = population[0]!.losses.length
  const finite = (x: number) => (Number.isFinite(x) ? x : Math.sign(x) * 1e100)
  const ideal = Array.from({ length: objectives }, (_, o) => Math.min(...population.map(p => finite(p.losses[o]!))))
  const moved = population.map(p => p.losses.map((x, o) => finite(x) - ideal[o]!))
  const extent = ideal.map((_, o) => Math.max(...moved.map(x => x[o]!)) || 1)
  return new Map(population.map((p, i) => [p, moved[i]!.map((x, o) => x / extent[o]!)]))
}

function perpendicular(x: readonly number[], direction: readonly number[]): number {
  const length2 = direction.reduce((sum, d) => sum + d * d, 0) || 1
  const along = x.reduce((sum, v, i) => sum + v * direction[i]!, 0) / length2
  return Math.sqrt(x.reduce((sum, v, i) => sum + (v - along * direction[i]!) ** 2, 0))
}
