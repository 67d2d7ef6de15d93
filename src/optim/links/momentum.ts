import * as ops from '../../ops/index.js'
import { type Hyper, shareOf, type Transform, transform } from '../transform.js'

export interface MomentumOptions {
  /** Name of the link, and so of its slot: `NAME/momentum/PATH`. */
  name: string
  /** 0 … 1, or a schedule. */
  momentum: Hyper
  nesterov?: boolean
  /** Only in mode `torch`: the share of each gradient but the first that is left out. */
  dampening?: number
  mode?: 'keras' | 'torch'
}

/**
 * Momentum with the learning rate; the last link of a recipe. `keras`: v ← μ·v + lr·g, the step is v, with Nesterov
 * μ·v + lr·g. `torch`: v ← μ·v + (1−τ)·g, from v = g, and the step is lr·v, with Nesterov lr·(g + μ·v). The two differ
 * where the learning rate changes: in the first, steps taken at the old rate go on at the old rate.
 */
export const momentum = ({ mode = 'keras', ...options }: MomentumOptions): Transform =>
  mode === 'keras' ? scaledVelocity(options) : plainVelocity(options)

const scaledVelocity = ({ name, momentum, nesterov = false }: Omit<MomentumOptions, 'mode'>): Transform =>
  transform({
    name,
    slots: { momentum: 0 },
    scalars: { momentum: shareOf(momentum, 'momentum') },
    update: ({ gradient, slots, scalars }) => {
      const step = ops.mul(gradient, scalars.learningRate)
      const velocity = ops.add(ops.mul(slots.momentum, scalars.momentum), step)
      return {
        gradient: nesterov ? ops.add(ops.mul(velocity, scalars.momentum), step) : velocity,
        slots: { momentum: velocity },
      }
    },
  })

const plainVelocity = (options: Omit<MomentumOptions, 'mode'>): Transform => {
  const { name, momentum, nesterov = false, dampening = 0 } = options
  return transform({
    name,
    slots: { momentum: 0 },
    scalars: { momentum: shareOf(momentum, 'momentum'), fresh: ({ step }) => (step === 1 ? 1 : 1 - dampening) },
    update: ({ gradient, slots, scalars }) => {
      const fresh = dampening === 0 ? gradient : ops.mul(gradient, scalars.fresh)
      const velocity = ops.add(ops.mul(slots.momentum, scalars.momentum), fresh)
      return {
        gradient: nesterov ? ops.add(ops.mul(velocity, scalars.momentum), gradient) : velocity,
        scale: scalars.learningRate,
        slots: { momentum: velocity },
      }
    },
  })
}
