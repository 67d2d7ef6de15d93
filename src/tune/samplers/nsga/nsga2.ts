import { z } from 'zod'
import { parseOptions } from '../../../ir/options.js'
import type { Sampler } from '../sampler.js'
import { type GeneticOptions, genetic, geneticSchema } from './genetic.js'
import { survivors } from './population.js'

export type Nsga2Options = GeneticOptions

/**
 * NSGA-II (Deb et al. 2002): a genetic search for several objectives; fronts survive, and within a front those with most
 * room. Constraints by Deb's rule. Options and defaults of Optuna's NSGAIISampler.
 * @throws ConfigError for options out of range
 */
export const nsga2 = (options: Nsga2Options = {}): Sampler =>
  genetic(
    'nsga2',
    'NSGAIISampler:generation',
    parseOptions(z.strictObject(geneticSchema), options, 'samplers.nsga2'),
    survivors,
  )
