import * as ops from '../../ops/index.js'
import { type OptimizerOptions, oneOf } from '../options.js'
import { optimizer } from '../recipe.js'
import { type Transform, transform } from '../transform.js'

export interface AdagradOptions extends OptimizerOptions {
  /** What the sum of squares starts from, 0 or more; default 0.1 (PyTorch: 0). */
  initialAccumulatorValue?: number
  /** Default 1e-7 (PyTorch: 1e-10); where it stands is said by `epsilonMode`. */
  epsilon?: number
  /** `inside` (Keras): √(v + ε). `outside` (PyTorch): √v + ε. Default `inside`. */
  epsilonMode?: 'inside' | 'outside'
  /** PyTorch's `lr_decay`: the learning rate at update t is divided by 1 + (t−1)·decay. Default 0. */
  learningRateDecay?: number
}

type Own = Required<Pick<AdagradOptions, 'initialAccumulatorValue' | 'epsilon' | 'epsilonMode' | 'learningRateDecay'>>

/** v ← v + g²; the step is lr·g / √(v + ε). */
const scaleByAdagrad = ({ initialAccumulatorValue, epsilon, epsilonMode, learningRateDecay }: Own): Transform =>
  transform({
    name: 'adagrad',
    slots: { accumulator: initialAccumulatorValue },
    scalars: { rate: ({ step, learningRate }) => learningRate / (1 + (step - 1) * learningRateDecay), epsilon },
    update: ({ gradient, slots, scalars }) => {
      const accumulator = ops.add(slots.accumulator, ops.mul(gradient, gradient))
      const root =
        epsilonMode === 'inside'
          ? ops.sqrt(ops.add(accumulator, scalars.epsilon))
          : ops.add(ops.sqrt(accumulator), scalars.epsilon)
      return { gradient: ops.div(gradient, root), scale: scalars.rate, slots: { accumulator } }
    },
  })

/**
 * Adagrad (Duchi et al. 2011): each weight's rate falls with the root of the sum of its squared gradients. Default
 * learning rate 0.001. PyTorch: learning rate 0.01, initialAccumulatorValue 0, epsilon 1e-10, `epsilonMode: 'outside'`.
 */
export const adagrad = optimizer<AdagradOptions>({
  name: 'adagrad',
  defaults: {
    learningRate: 0.001,
    initialAccumulatorValue: 0.1,
    epsilon: 1e-7,
    epsilonMode: 'inside',
    learningRateDecay: 0,
  },
  checks: { epsilonMode: oneOf('inside', 'outside') },
  links: o => [scaleByAdagrad(o)],
})
