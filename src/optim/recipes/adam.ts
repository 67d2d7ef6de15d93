import { scaleByAdam } from '../links/adam.js'
import { scaleByLearningRate } from '../links/scale.js'
import { type OptimizerOptions, oneOf } from '../options.js'
import { optimizer } from '../recipe.js'
import { asHyper, type Schedule, type ScheduleConfig } from '../schedules/schedule.js'

export interface AdamOptions extends OptimizerOptions {
  /** Decay of the first moment, 0 to below 1, or a schedule; default 0.9. */
  beta1?: Schedule | ScheduleConfig
  /** Decay of the second moment; default 0.999. */
  beta2?: number
  /** Default 1e-7; where it stands is said by `epsilonMode`. */
  epsilon?: number
  /**
   * `hat` (Keras): √v + ε before the bias correction (Kingma & Ba's ε̂). `corrected` (PyTorch, and Algorithm 1 of the
   * paper): √(v/(1−β₂ᵗ)) + ε. Default `hat`.
   */
  epsilonMode?: 'hat' | 'corrected'
  /** Keep the largest second moment seen (Reddi et al. 2018); default false. */
  amsgrad?: boolean
}

/** Adam (Kingma & Ba 2015). Default learning rate 0.001. PyTorch: epsilon 1e-8, `epsilonMode: 'corrected'`. */
export const adam = optimizer<AdamOptions>({
  name: 'adam',
  defaults: { learningRate: 0.001, beta1: 0.9, beta2: 0.999, epsilon: 1e-7, epsilonMode: 'hat', amsgrad: false },
  scheduled: ['beta1'],
  checks: { epsilonMode: oneOf('hat', 'corrected') },
  links: o => [scaleByAdam({ ...o, beta1: asHyper(o.beta1) }), scaleByLearningRate()],
})
