import { randomNormal } from '../../ops/counter-random.js'
import * as ops from '../../ops/index.js'
import { type Transform, transform } from '../transform.js'

export interface GradientNoiseOptions {
  /** Variance of the first noise; default 0.3 (the paper takes 0.01, 0.3 or 1). */
  eta?: number
  /** How fast it fades; default 0.55. */
  gamma?: number
}

/** Normal noise of variance eta / (1 + t)^gamma on every gradient, t = 0, 1, … (Neelakantan et al. 2015). */
export function gradientNoise(options: number | GradientNoiseOptions | null): Transform[] {
  if (options === null) return []
  const { eta = 0.3, gamma = 0.55 } = typeof options === 'number' ? { eta: options } : options
  return [
    transform({
      name: 'noise',
      scalars: { deviation: ({ step }) => Math.sqrt(eta / step ** gamma) },
      update: ({ gradient, key, scalars }) => ({
        gradient: ops.add(gradient, ops.mul(randomNormal(key(), gradient), scalars.deviation)),
        slots: {},
      }),
    }),
  ]
}
