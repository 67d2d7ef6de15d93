import type { CounterRandom } from '../../ir/index.js'
import { type Distribution, type ParamValue, snap, toExternal } from '../distribution.js'
import { freshSeed, type Sampler } from './sampler.js'

/** One value of a distribution, even in it (in its logarithm, where it is one of `log`), from the `i`-th number of a stream. */
export function drawFrom(d: Distribution, random: CounterRandom, i = 0): ParamValue {
  // 53 bits: a float has more values than 32 bits can name.
  const u = (random.bits(2 * i) * 2 ** 21 + (random.bits(2 * i + 1) >>> 11)) / 2 ** 53
  return fromUnit(d, u)
}

/** The value at `u` of [0, 1) of a distribution: each whole number and choice has an equal share. */
export function fromUnit(d: Distribution, u: number): ParamValue {
  if (d.type === 'categorical') return toExternal(d, Math.min(Math.floor(u * d.choices.length), d.choices.length - 1))
  const half = d.step === null ? 0 : d.step / 2
  const [low, high] = [d.low - half, d.high + half]
  if (!d.log) return snap(d, low + u * (high - low))
  return snap(d, Math.exp(Math.log(low) + u * (Math.log(high) - Math.log(low))))
}

/** Every parameter by itself, evenly (Bergstra & Bengio 2012). */
export const random = ({ seed = freshSeed() }: { seed?: number } = {}): Sampler => ({
  name: 'random',
  seed,
  sampleIndependent: (context, name, distribution) => drawFrom(distribution, context.random(name)),
})
