import type { Value } from '../../ir/index.js'
import * as ops from '../../ops/index.js'
import { type Hyper, type StepInfo, shareOf, type Transform, transform } from '../transform.js'

export interface ScaleByAdamOptions {
  /** 0 to below 1, or a schedule; its value at an update counts for the bias correction too, as in PyTorch. */
  beta1: Hyper
  beta2: number
  epsilon: number
  epsilonMode?: 'hat' | 'corrected'
  amsgrad?: boolean
}

/**
 * m ← β₁m + (1−β₁)g, v ← β₂v + (1−β₂)g²; the step is m/(√v + ε) · √(1−β₂ᵗ)/(1−β₁ᵗ), with ε as it is (`hat`) or times
 * √(1−β₂ᵗ) (`corrected`). With amsgrad √v̂, v̂ the largest v seen, stands for √v.
 */
export const scaleByAdam = ({
  beta1,
  beta2,
  epsilon,
  epsilonMode = 'hat',
  amsgrad = false,
}: ScaleByAdamOptions): Transform => {
  const beta = shareOf(beta1, 'beta1')
  const root = ({ step }: StepInfo) => Math.sqrt(1 - beta2 ** step)
  const scalars = {
    beta1: beta,
    rest1: (info: StepInfo) => 1 - beta(info),
    correction: (info: StepInfo) => root(info) / (1 - beta(info) ** info.step),
    beta2,
    rest2: 1 - beta2,
    epsilon: epsilonMode === 'corrected' ? (info: StepInfo) => epsilon * root(info) : epsilon,
  }
  return transform<string, keyof typeof scalars>({
    name: 'adam',
    slots: () => ({ m: 0, v: 0, ...(amsgrad ? { vhat: 0 } : {}) }),
    scalars,
    update: ({ gradient, slots, scalars: fed }) => {
      const m = ops.add(ops.mul(slots.m!, fed.beta1), ops.mul(gradient, fed.rest1))
      const v = ops.add(ops.mul(slots.v!, fed.beta2), ops.mul(ops.mul(gradient, gradient), fed.rest2))
      const vhat = slots.vhat === undefined ? undefined : ops.max([slots.vhat, v])
      const next: Record<string, Value> = { m, v }
      if (vhat !== undefined) next.vhat = vhat
      return {
        gradient: ops.div(m, ops.add(ops.sqrt(vhat ?? v), fed.epsilon)),
        scale: fed.correction,
        slots: next,
      }
    },
  })
}
