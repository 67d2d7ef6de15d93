import { z } from 'zod'
import { counterRandom } from '../../../ir/index.js'
import { parseOptions } from '../../../ir/options.js'
import { isSingle, type ParamValue } from '../../distribution.js'
import { drawFrom, fromUnit } from '../random.js'
import { freshSeed, type Sampler } from '../sampler.js'
import { firstSpace } from '../space.js'
import { halton, type Sequence, sobol } from './sequences.js'

export interface QmcOptions {
  seed?: number
  /** Default `sobol`. */
  qmcType?: 'sobol' | 'halton'
  /** Shift or permute the sequence by seed, so that other seeds give other points. Default false. */
  scramble?: boolean
}

const schema = z.strictObject({
  seed: z.int().nonnegative().optional(),
  qmcType: z.enum(['sobol', 'halton']).default('sobol'),
  scramble: z.boolean().default(false),
})

/**
 * Quasi-random search (Bergstra & Bengio 2012): points that lie more evenly than random ones. The parameters of the
 * study's first trial make the space; a trial's number is its place in the sequence, so that workers share one sequence
 * without a word. Options and defaults of Optuna's QMCSampler.
 * @throws ConfigError for options out of range
 */
export function qmc(options: QmcOptions = {}): Sampler {
  const o = parseOptions(schema, options, 'samplers.qmc')
  const seed = o.seed ?? freshSeed()
  const make = o.qmcType === 'sobol' ? sobol : halton
  // A memo: the same sequence for the same number of parameters.
  const sequences = new Map<number, Sequence>()
  return {
    name: 'qmc',
    seed,
    searchSpace: context =>
      Object.fromEntries(Object.entries(firstSpace(context.study.trials)).filter(([, d]) => !isSingle(d))),
    sample: (context, space) => {
      const names = Object.keys(space)
      const sequence = sequences.get(names.length) ?? make(names.length, o.scramble ? counterRandom(seed, 'qmc') : null)
      sequences.set(names.length, sequence)
      // Trial 0 made the space; point 0, a corner, is left out.
      const point = sequence(context.trial.number)
      return Object.fromEntries(names.map((name, i) => [name, fromUnit(space[name]!, point[i]!) as ParamValue]))
    },
    sampleIndependent: (context, name, distribution) => drawFrom(distribution, context.random(name)),
  }
}
