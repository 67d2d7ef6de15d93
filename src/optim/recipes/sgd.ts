import { ConfigError } from '../../ir/index.js'
import { momentum } from '../links/momentum.js'
import { scaleByLearningRate } from '../links/scale.js'
import { type OptimizerOptions, oneOf, upToOne } from '../options.js'
import { optimizer } from '../recipe.js'
import { asHyper, type Schedule, type ScheduleConfig } from '../schedules/schedule.js'

export interface SgdOptions extends OptimizerOptions {
  /** 0 … 1, or a schedule, say `schedules.oneCycleMomentum(…)`; default 0. */
  momentum?: Schedule | ScheduleConfig
  /** Nesterov's look-ahead; default false. Without momentum it changes nothing. */
  nesterov?: boolean
  /**
   * Where the learning rate enters. `keras`: v ← μ·v − lr·g, w ← w + v, with Nesterov w ← w + μ·v − lr·g. `torch`:
   * v ← μ·v + g, w ← w − lr·v, with Nesterov w ← w − lr·(g + μ·v). Default `keras`; the same at a constant rate.
   */
  momentumMode?: 'keras' | 'torch'
  /** PyTorch's: v takes (1 − dampening)·g from the second update on; 0 … 1, default 0. Not with Nesterov. */
  dampening?: number
}

/**
 * Stochastic gradient descent (Robbins & Monro 1951), with momentum (Polyak 1964; Sutskever et al. 2013). Default
 * learning rate 0.01. PyTorch: `momentumMode: 'torch'`, and `weightDecayMode: 'coupled'` for its `weight_decay`.
 */
export const sgd = optimizer<SgdOptions>({
  name: 'sgd',
  defaults: { learningRate: 0.01, momentum: 0, nesterov: false, momentumMode: 'keras', dampening: 0 },
  scheduled: ['momentum'],
  checks: { momentumMode: oneOf('keras', 'torch'), dampening: upToOne },
  links: o => {
    if (o.dampening > 0 && (o.momentumMode !== 'torch' || o.nesterov))
      throw new ConfigError({
        code: 'bad-option',
        where: 'optimizers.sgd.dampening',
        expected: "0, or momentumMode 'torch' without nesterov",
        received: o.dampening,
      })
    if (o.momentum === 0) return [scaleByLearningRate()]
    return [
      momentum({
        name: 'sgd',
        momentum: asHyper(o.momentum),
        nesterov: o.nesterov,
        mode: o.momentumMode,
        dampening: o.dampening,
      }),
    ]
  },
})
