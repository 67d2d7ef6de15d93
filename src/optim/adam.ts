import * as ops from '../ops/index.js'
import { type OptimizerOptions, optimizer } from './optimizer.js'
import { scaleByLearningRate } from './scale.js'
import { type Transform, transform } from './transform.js'

export interface AdamOptions extends OptimizerOptions {
  /** Decay of the first moment; default 0.9. */
  beta1?: number
  /** Decay of the second moment; default 0.999. */
  beta2?: number
  /** Added to √v before bias correction, as in Keras (Kingma & Ba's ε̂; PyTorch adds it after). Default 1e-7. */
  epsilon?: number
  /** Keep the largest second moment seen (Reddi et al. 2018); default false. */
  amsgrad?: boolean
}

/** m ← β₁m + (1−β₁)g, v ← β₂v + (1−β₂)g²; the step is m/(√v + ε) · √(1−β₂ᵗ)/(1−β₁ᵗ). */
export const scaleByAdam = ({
  beta1,
  beta2,
  epsilon,
  amsgrad,
}: Required<Pick<AdamOptions, 'beta1' | 'beta2' | 'epsilon' | 'amsgrad'>>): Transform => {
  const correction = { correction: ({ step }: { step: number }) => Math.sqrt(1 - beta2 ** step) / (1 - beta1 ** step) }
  const moments = (
    gradient: Parameters<Transform['update']>[0]['gradient'],
    m: typeof gradient,
    v: typeof gradient,
  ) => ({
    m: ops.add(ops.mul(m, beta1), ops.mul(gradient, 1 - beta1)),
    v: ops.add(ops.mul(v, beta2), ops.mul(ops.mul(gradient, gradient), 1 - beta2)),
  })
  if (amsgrad)
    return transform({
      name: 'adam',
      slots: { m: 0, v: 0, vhat: 0 },
      scalars: correction,
      update: ({ gradient, slots, scalars }) => {
        const { m, v } = moments(gradient, slots.m, slots.v)
        const vhat = ops.max([slots.vhat, v])
        return {
          gradient: ops.div(m, ops.add(ops.sqrt(vhat), epsilon)),
          scale: scalars.correction,
          slots: { m, v, vhat },
        }
      },
    })
  return transform({
    name: 'adam',
    slots: { m: 0, v: 0 },
    scalars: correction,
    update: ({ gradient, slots, scalars }) => {
      const { m, v } = moments(gradient, slots.m, slots.v)
      return { gradient: ops.div(m, ops.add(ops.sqrt(v), epsilon)), scale: scalars.correction, slots: { m, v } }
    },
  })
}

const defaults = {
  learningRate: 0.001,
  weightDecay: null,
  clipvalue: null,
  clipnorm: null,
  globalClipnorm: null,
  beta1: 0.9,
  beta2: 0.999,
  epsilon: 1e-7,
  amsgrad: false,
}

/** Adam (Kingma & Ba 2015). Default learning rate 0.001. */
export const adam = (options: AdamOptions = {}) =>
  optimizer<AdamOptions>('adam', options, defaults, o => [scaleByAdam(o), scaleByLearningRate()])

/** Adam with decoupled weight decay (Loshchilov & Hutter 2019); default decay 0.004, as in Keras. */
export const adamw = (options: AdamOptions = {}) =>
  optimizer<AdamOptions>('adamw', options, { ...defaults, weightDecay: 0.004 }, o => [
    scaleByAdam(o),
    scaleByLearningRate(),
  ])
